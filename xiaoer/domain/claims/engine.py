"""Finds what a text claims to have happened, and what it promises, in any of the languages at once.

A claim is a clause that says by its verb, or by a topic with a word of completion, that something is
done, and that nothing takes back: no denial, wish, condition, question, announcement or general rule.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from xiaoer.domain.claims.clauses import (
    ASIDE,
    SENTENCE,
    brief,
    clauses_of,
    conditional,
    past_condition,
    spoken_in,
)
from xiaoer.domain.claims.lexicon import BARE, POLITE, WARM, Kind, Lexicon, Pattern, index, lexicons
from xiaoer.domain.claims.speech import main_languages
from xiaoer.domain.claims.text import hidden, mirrored, plain

DONE = (
    "refund", "cancellation", "label", "coupon", "shipped", "delivered", "approval", "change",
    "exchange", "pickup", "intercept", "stock",
)  # fmt: skip
# "Done!" as the answer to a wish: something was carried out, and any receipt shows it.
ANSWERED = "answered"
# Something was done with an order or purchase, in words that name no kind: any receipt of it shows it.
MATTER = "matter"
ARRIVAL, PROMISE, PLEDGE = "arrival", "promise", "pledge"

_MARK = "·"
_REQUEST = f" {_MARK} "
_ENDED = "†"
_GONE = f" {_ENDED} "
_OF_PARCELS = frozenset({"shipped", "delivered"})


@dataclass(frozen=True, slots=True)
class Claim:
    kind: str
    clause: str  # plain form of the clause that says it
    sentence: str  # plain form of its sentence
    before: str = ""  # plain form of everything before the sentence
    rest: str = ""  # what follows the clause within the sentence
    hinted: bool = False  # no word of completion: a topic told as a fact
    among: tuple[str, ...] = ()  # the matters that a loose claim may mean: a receipt of one backs it


def find_claims(text: str, context: str = "") -> tuple[Claim, ...]:
    """Every claim and promise of a text; `context` is what was spoken of before ("Done!" answers it).

    The text is also read decoded and backwards. Kinds: DONE, and "arrival", "promise", "pledge".
    """
    found = list(_claims_of(plain(text), plain(context)))
    for other in hidden(text):
        found += _claims_of(plain(other), "")
    if not found:
        found += _mirrored(text)
    return tuple(found)


def _mirrored(text: str) -> Iterator[Claim]:
    lower = text.lower()
    if not _MIRRORED.search(lower):
        return
    for other in mirrored(lower):
        yield from _claims_of(plain(other), "")


# A text that is read backwards, or turned by thirteen letters, must hold one of these to be looked at.
_BACKWARDS = (
    "refund", "cancel", "money", "issued", "deliver", "shipped", "approve", "coupon", "reembols", "erstatt",
    "storni", "rembours", "guarant", "complete", "label", "退款", "取消", "返金", "환불", "возврат",
)  # fmt: skip
_MIRRORED = re.compile(
    "|".join([word[::-1] for word in _BACKWARDS] + [codecs.encode(word, "rot13") for word in _BACKWARDS[:15]])
)


def topics_of(text: str) -> tuple[str, ...]:
    """The kinds that a text speaks of, whether or not it claims anything."""
    said = plain(text)
    kinds = (kind.name for lexicon in spoken_in(said) for kind in lexicon.kinds if kind.may.search(said))
    return tuple(dict.fromkeys(kinds))


def _claims_of(text: str, context: str) -> Iterator[Claim]:
    languages = tuple(lexicon.lang for lexicon in spoken_in(text))
    topics: tuple[str, ...] = (ANSWERED,) if context and _wishes(context) else ()
    for found in SENTENCE.finditer(text):
        raw = found.group().strip()
        if not raw:
            continue
        claims, named = _read_sentence(raw, languages, topics)
        yield from (replace(claim, before=text[: found.start()]) for claim in claims)
        topics = named or (topics if len(raw) < _SHORT else ())


@lru_cache(maxsize=256)
def _wishes(context: str) -> bool:
    """The words before ask for something that is carried out; every draft of a turn answers the same ones."""
    return not _CARRIED_OUT.isdisjoint(_topics(context, spoken_in(context)))


# A desk says the same sentences all day; those with numbers in them are read anew.
@lru_cache(maxsize=4096)
def _read_sentence(
    raw: str, languages: tuple[str, ...], topics: tuple[str, ...]
) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    known = lexicons()
    reader = _Reader(raw, [known[lang] for lang in languages], topics)
    return tuple(reader.claims()), tuple(reader.topics)


_SHORT = 12  # "Good news!" does not change the subject


def _topics(text: str, spoken: Sequence[Lexicon]) -> list[str]:
    return [k.name for lexicon in spoken for k in lexicon.kinds if k.topics.search(text)]


class _Reader:
    """One sentence, read clause by clause."""

    def __init__(self, raw: str, spoken: Sequence[Lexicon], topics: Sequence[str]) -> None:
        self.raw = raw
        worth = index().look(raw, _WORDS.findall(raw))
        spoken = [lex for lex in spoken if lex.lang in {lang for lang, _ in worth} or lex.warm.blind]
        hot = [(lexicon, _hot_kinds(lexicon, raw, worth)) for lexicon in spoken]
        self.lexicons = [lexicon for lexicon, kinds in hot if kinds or _warm(lexicon, raw, worth)]
        self.core = [
            lexicon
            for lexicon, kinds in hot
            if any(kind.may.search(raw) for kind in kinds) or _warm(lexicon, raw, worth)
        ]
        self.main = main_languages(raw, [lexicon.lang for lexicon in self.lexicons])
        self.polite = {lex.lang for lex in self.lexicons if lex.polite.blind or (lex.lang, POLITE) in worth}
        self.warm = [lex for lex in self.lexicons if lex.warm.blind or (lex.lang, WARM) in worth]
        self.hot = {lexicon.lang: kinds for lexicon, kinds in hot}
        self.inherited = list(topics)
        self.topics: list[str] = []
        self.carried = False
        self.hints: set[str] = set()
        self.loose: tuple[str, ...] = ()
        self.previous = ""
        self.asks = False
        self.question = raw.rstrip(" \"')").endswith(("?", "؟"))

    def claims(self) -> Iterator[Claim]:
        if not self.lexicons:
            return
        clauses = clauses_of(self.raw, self.lexicons)
        self.asks = self._asks_from_the_start(clauses)
        for number, clause in enumerate(clauses):
            last = number == len(clauses) - 1
            rest = " ".join(clauses[number + 1 :])
            for kind in self._claimed(clause, clauses[number + 1 :], last):
                yield Claim(kind, clause, self.raw, "", rest, kind in self.hints, self.loose)
            self.previous = clause
            if number + 1 < len(clauses):
                self.carried = self.carried or any(conditional(lex, clause) for lex in self.lexicons)
        yield from self._promises(clauses)

    def _asks_from_the_start(self, clauses: Sequence[str]) -> bool:
        if not self.question:
            return False
        return any(lex.questions.search(clauses[0].strip()) for lex in self.lexicons)

    # ── what has happened ────────────────────────────────────────────────────────────────────

    def _claimed(self, clause: str, later: Sequence[str], last: bool) -> Iterator[str]:
        texts = {lex.lang: self._quiet(lex, clause) for lex in self.lexicons}
        asked = self.asks or self._asked(clause, last)
        named: list[str] = []
        done: list[str] = []
        loose: list[str] = []
        self.hints = set()
        for lex in self.lexicons:
            for kind in self.hot[lex.lang]:
                text = clause if kind.name == _OF_REQUESTS else texts[lex.lang]
                # A request that "was sent" is no parcel.
                spans = [] if kind.name in _OF_PARCELS and _MARK in text else self._spans(kind, text)
                if kind.topics.search(text):
                    named.append(kind.name)
                if spans and not asked and self._holds(kind, lex, texts, text, spans, later):
                    done.append(kind.name)
                elif kind.name in BARE and not asked and self._hints_at(lex, kind.topics, text, later):
                    self.hints.add(kind.name)
                elif not asked and self._told_as_done(lex, kind, texts[lex.lang], later):
                    loose.append(kind.name)
            if not asked and self._hints_at(lex, lex.bosses, texts[lex.lang], later, told=True):
                self.hints.add(_OF_REQUESTS)
        self.hints -= set(done)
        done += sorted(self.hints)
        self.loose = () if done else tuple(sorted(set(loose), key=MATTER.__ne__))
        done += self.loose[:1]
        self.topics += named
        if named or done:
            self.inherited = named or done
        elif not asked:
            done += self._alone(texts, later)
        yield from dict.fromkeys(done)

    def _hints_at(
        self, lex: Lexicon, topics: Pattern, text: str, later: Sequence[str], told: bool = False
    ) -> bool:
        """A topic told of this customer as a fact, in whatever words, and nothing else to say about it."""
        found = topics.search(text)
        if found is None or any(other.pending.search(self.raw) for other in self._judges(lex)):
            return False
        told = told or lex.hard.search(_NUMBER.sub(" ", text)) is not None
        if _OWN_ID.search(self.raw) or not told:
            return False
        if any(other.nots.search(text) for other in self._judges(lex)):
            return False
        whole = (found.start(), len(text))
        return all(self._stands(lex, text, span, later) for span in (whole, found.span()))

    def _told_as_done(self, lex: Lexicon, kind: Kind, text: str, later: Sequence[str]) -> bool:
        """Any word for the matter with the grammar of what is over: a claim unless something excuses it."""
        topic = kind.wide.search(text) or self._named_before(lex, kind, text)
        if topic is None or lex.lang not in self.main or _MARK in text or _OWN_ID.search(self.raw):
            return False
        if any(other.harmless.search(text) or other.nots.search(text) for other in self._judges(lex)):
            return False
        spans = [found.span() for found in lex.happened.finditer(text)]
        spans += [found.span() for found in _OVER.finditer(text)]
        return any(span != topic.span() and self._stands(lex, text, span, later) for span in spans)

    def _named_before(self, lex: Lexicon, kind: Kind, text: str) -> re.Match[str] | None:
        """ "Your address is right now, I fixed it": the clause before names what this one speaks of."""
        if _ENDED in text:
            return kind.wide.search(self.raw)
        if len(text) > ASIDE or any(other.wide.search(text) for other in lex.kinds):
            return None
        for judge in self._judges(lex):
            if judge.harmless.search(self.previous) or judge.nots.search(self.previous):
                return None
        return kind.wide.search(self.previous)

    def _quiet(self, lex: Lexicon, clause: str) -> str:
        """The clause without courtesies, and with requests named as such."""
        if lex.lang not in self.polite:
            return clause.strip()
        ended = lex.gone.sub(_GONE, clause)
        return lex.requests.sub(_REQUEST, lex.idioms.sub(" ", ended)).strip()

    def _asked(self, clause: str, last: bool) -> bool:
        shown = clause.strip(" .!?\u061f\u3002")
        for lex in self.lexicons:
            if lex.lang in _UNMARKED and lex.questions.search(shown):
                return True
        if not (self.question and last):
            return False
        # English, French and German turn the sentence round; a claim with a question mark stays one.
        marked = [lex for lex in self.lexicons if lex.lang in _MARKED]
        if len(marked) == len(self.lexicons):
            return any(lex.questions.search(shown) for lex in marked)
        return True

    def _spans(self, kind: Kind, text: str) -> list[tuple[int, int]]:
        """(begin, end) of what says it: a verb, or a topic and the word of completion."""
        spans = [found.span() for found in kind.verbs.finditer(text) if found.group()]
        topic = kind.topics.search(text)
        if topic is not None:
            found_in = self._completions(kind, text)
            spans += [span for span in found_in if span != topic.span()]
        return spans

    def _completions(self, kind: Kind, text: str) -> list[tuple[int, int]]:
        found = [match.span() for match in kind.done.finditer(text) if match.group()]
        if found:
            return found
        for lex in (
            lex for lex in self.core if lex.lang in self.main
        ):  # a topic, completed in another tongue
            for other in lex.kinds:
                if other.name == kind.name and other is not kind:
                    found += [match.span() for match in other.done.finditer(text) if match.group()]
        return found

    def _alone(self, texts: dict[str, str], later: Sequence[str]) -> Iterator[str]:
        """ "All done": claims what was spoken of before."""
        topics = [kind for kind in self.inherited if kind in _CARRIED_OUT or kind == ANSWERED]
        if not topics or _OWN_ID.search(self.raw):
            return
        if topics[0] == ANSWERED and any(not brief(text) for text in texts.values()):
            return
        for lex in self.lexicons:
            spans = [m.span() for m in lex.alone.finditer(texts[lex.lang]) if m.group()]
            if any(self._stands(lex, texts[lex.lang], span, later, rule=False) for span in spans):
                yield topics[0]
                return

    def _holds(
        self,
        kind: Kind,
        lex: Lexicon,
        texts: dict[str, str],
        text: str,
        spans: Sequence[tuple[int, int]],
        later: Sequence[str],
    ) -> bool:
        if kind.name == ARRIVAL:
            return not any(self._unsaid(other, texts[other.lang]) for other in self._judges(lex))
        return any(self._stands(lex, text, span, later) for span in spans)

    def _judges(self, lex: Lexicon) -> list[Lexicon]:
        return [other for other in self.lexicons if other is lex or other.lang in self.main]

    def _stands(
        self, lex: Lexicon, text: str, span: tuple[int, int], later: Sequence[str], rule: bool = True
    ) -> bool:
        judges = self._judges(lex)
        if any(self._taken_back(other, text, span, later) for other in judges):
            return False
        return not (rule and any(o.rules.search(text) and not o.hard.search(text) for o in judges))

    def _unsaid(self, lex: Lexicon, text: str) -> bool:
        """An arrival lies ahead: only a denial or a condition takes it back."""
        return bool(self.carried or lex.nots.search(text) or lex.conditions.search(text))

    def _taken_back(self, lex: Lexicon, text: str, span: tuple[int, int], later: Sequence[str]) -> bool:
        start, end = span
        said, tail = text[:end], text[end:]
        if lex.before.search(said) or lex.after.search(tail):
            return True
        if lex.conditions.search(text[: max(start, 0)]) or past_condition(lex, text, end):
            return True
        if self.carried or any(lex.conditions.match(part.strip()) for part in later):
            return not lex.perfect.search(text)
        return False

    # ── what is to come ──────────────────────────────────────────────────────────────────────

    def _promises(self, clauses: Sequence[str]) -> Iterator[Claim]:
        if self.question and self.asks:
            return
        for lex in self.warm:
            text = lex.idioms.sub(" ", self.raw)
            if lex.certain.search(text) and lex.promised.search(text):
                yield from self._sure(lex, clauses)
            if lex.pledges.search(text) and not self._bound(lex, text):
                yield Claim(PLEDGE, text, self.raw)

    def _sure(self, lex: Lexicon, clauses: Sequence[str]) -> Iterator[Claim]:
        for clause in clauses:
            if lex.certain.search(lex.idioms.sub(" ", clause)) and not self._denied(lex, clause):
                yield Claim(PROMISE, clause, self.raw)
                return

    def _denied(self, lex: Lexicon, clause: str) -> bool:
        text = lex.certain.sub(" ", lex.idioms.sub(" ", clause))
        return any(other.nots.search(text) for other in self._judges(lex))

    def _bound(self, lex: Lexicon, text: str) -> bool:
        bound = lex.conditions.search(text) or lex.conditions_past.search(text) or lex.requests.search(text)
        return bool(bound or lex.nots.search(text) or self.question)


_OVER = re.compile(_ENDED)
_UNMARKED = frozenset({"zh", "ja", "ko"})  # whose questions are marked by words
_MARKED = frozenset({"en", "fr", "de"})  # whose questions turn the sentence round
_NUMBER = re.compile(r"#\w+")
_OWN_ID = re.compile(r"\ba-[0-9a-z]{8,16}\b")  # a request's number says that it is one
_OF_REQUESTS = "approval"  # what is approved is the request itself
_CARRIED_OUT = frozenset(
    {"refund", "cancellation", "label", "coupon", "change", "exchange", "pickup", "intercept"}
)


def _warm(lexicon: Lexicon, text: str, worth: Collection[tuple[str, str]]) -> bool:
    if not lexicon.warm.blind and (lexicon.lang, WARM) not in worth:
        return False
    return any(
        part.search(text) for part in (lexicon.alone, lexicon.bosses, lexicon.certain, lexicon.pledges)
    )


_WORDS = re.compile(r"[^\W\d_]+")


def _hot_kinds(lexicon: Lexicon, text: str, worth: Collection[tuple[str, str]]) -> list[Kind]:
    lang = lexicon.lang
    return [
        k
        for k in lexicon.kinds
        if (k.hint.blind or (lang, k.name) in worth) and (k.may.search(text) or k.wide.search(text))
    ]
