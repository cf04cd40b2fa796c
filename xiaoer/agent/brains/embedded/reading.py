"""Reading a customer's answer in the light of the question: items, reasons, yes, numbers.

Nothing here classifies a message; the understanding is given. This reads what only the open
question makes readable: "the second one", "the lamp", "7752".
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from xiaoer.agent.brains.understanding.text import bare, simplify
from xiaoer.prompts.schema import Match

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MARKS = r"[,，、。;；.!！?？\n؟،؛]"


@dataclass(frozen=True, slots=True)
class Picked:
    """Which options a text names; several ids in `unclear` fit equally well."""

    ids: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def plain(text: str) -> str:
    """One spelling: width, case, apostrophes, simplified characters, no accents or vowel signs."""
    return bare(simplify(unicodedata.normalize("NFKC", text).lower().replace("’", "'")))


def mentions(text: str, words: Iterable[str]) -> bool:
    """Whether any of the words stands in the text: CJK anywhere, others as whole words."""
    return _any_of(tuple(words)).search(text) is not None


def place_of(text: str, words: Iterable[str]) -> int:
    """Where the first of the words stands; -1 for none."""
    found = _any_of(tuple(words)).search(text)
    return found.start() if found else -1


# One expression a list: to try some hundred words one by one took a tenth of a turn.
@lru_cache(maxsize=2048)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    anywhere = [re.escape(plain(word)) for word in words if _CJK.search(word)]
    whole = [re.escape(plain(word)) for word in words if not _CJK.search(word)]
    kinds = [*anywhere, *([rf"(?<!\w)(?:{'|'.join(whole)})(?!\w)"] if whole else [])]
    return re.compile("|".join(kinds) or r"(?!)")


def _pattern(word: str) -> re.Pattern[str]:
    return _any_of((word,))


def read_reason(text: str, match: Match) -> str | None:
    """The reason that the words give, the most telling kind first; None without any."""
    said = plain(text)
    return next((reason for reason, words in match.reasons.items() if mentions(said, words)), None)


def pick(text: str, options: Sequence[tuple[str, str]], match: Match, *, listed: bool) -> Picked:
    """The options that a text names, by title words, or by place when they were `listed`.

    `options` are (id, text). "all except the lamp" and "keep the lamp" leave the lamp out.
    """
    said = plain(text)
    every = tuple(option_id for option_id, _ in options)
    if listed and (placed := _by_place(said, every, match)):
        return Picked(placed)
    kept: set[str] = set()
    named: list[str] = []
    unclear: tuple[str, ...] = ()
    before = ""
    for clause in filter(None, _clauses(match.but).split(said)):
        found = _by_words(clause, options, match)
        # "All but the lamp": after "all" a "but" leaves out; elsewhere it only goes on.
        left_out = _ends_with(before, match.all) and _starts_with(clause, match.but)
        before = clause
        if left_out or mentions(clause, match.keep):
            kept.update(found.ids)
        else:
            named += found.ids
            unclear = unclear or found.unclear
    if mentions(said, match.all):
        return Picked(tuple(option_id for option_id in every if option_id not in kept))
    chosen = tuple(option_id for option_id in every if option_id in named and option_id not in kept)
    if not chosen and kept and len(kept) < len(every) and not unclear:
        return Picked(tuple(option_id for option_id in every if option_id not in kept))
    return Picked(chosen) if chosen else Picked(unclear=unclear)


@lru_cache(maxsize=8)
def _clauses(but: tuple[str, ...]) -> re.Pattern[str]:
    """Where a clause ends: at a mark, or before a word that opens an exception."""
    openings = "|".join(rf"(?={_pattern(word).pattern})" for word in but)
    return re.compile(rf"{_MARKS}|{openings}" if openings else _MARKS)


def _starts_with(clause: str, words: Iterable[str]) -> bool:
    return any(_pattern(word).match(clause.lstrip()) for word in words)


def _ends_with(clause: str, words: Iterable[str]) -> bool:
    said = clause.rstrip()
    return any(found.end() == len(said) for word in words for found in _pattern(word).finditer(said))


def _by_place(said: str, every: tuple[str, ...], match: Match) -> tuple[str, ...]:
    """By ordinal or bare number: "the second", "第二件", "1 and 3"."""
    places: list[int] = []
    for name, words in match.ordinals.items():
        if mentions(said, words):
            places.append(len(every) if name == "last" else int(name))
    if not places and not _said_besides(said, match.joins):
        places = [int(digits) for digits in re.findall(r"\d+", said) if len(digits) == 1]
    return tuple(dict.fromkeys(every[place - 1] for place in places if 1 <= place <= len(every)))


def _said_besides(said: str, joins: Iterable[str]) -> bool:
    """Whether a text says more than numbers and the words that join them."""
    for word in joins:
        said = _pattern(word).sub(" ", said)
    return any(char.isalpha() for char in said)


def _by_words(clause: str, options: Sequence[tuple[str, str]], match: Match) -> Picked:
    """Options with a word of their own in the clause; words that several share name none of them alone."""
    heard = _terms(clause, match) - _forms((*match.idle, *match.stop), _ends(match))
    hits = {option_id: _terms(text, match) & heard for option_id, text in options}
    shared = Counter(token for tokens in hits.values() for token in tokens)
    own = {option_id: [t for t in tokens if shared[t] == 1] for option_id, tokens in hits.items()}
    ids = tuple(option_id for option_id, _ in options if own[option_id])
    if ids:
        return Picked(ids)
    alone = [
        option_id for option_id, text in options if len(clause) == 1 and _CJK.match(clause) and clause in text
    ]
    if len(alone) == 1:  # one character is a word too where nothing else is said
        return Picked((alone[0],))
    most = max((len(tokens) for tokens in hits.values()), default=0)
    if not most:
        return Picked()
    tied = tuple(option_id for option_id, _ in options if len(hits[option_id]) == most)
    # "The fountain" is the fountain rather than the filters of one, which would be called filters.
    kinds = {option_id: _kinds(text, match.goods, _ends(match)) for option_id, text in options}
    plainly = tuple(option_id for option_id in tied if kinds[option_id] and kinds[option_id] <= heard)
    return Picked(plainly) if len(plainly) == 1 else Picked(unclear=tied)


Ends = tuple[tuple[str, ...], tuple[str, ...]]  # of words: beginnings, endings


def _ends(match: Match) -> Ends:
    return match.beginnings, match.endings


@lru_cache(maxsize=1024)
def _tokens(text: str, ends: Ends) -> frozenset[str]:
    """Words without endings, and pairs of neighbouring CJK characters."""
    said = plain(text)
    words = {_stem(word, ends) for word in _WORD.findall(said) if not _CJK.search(word)}
    runs = re.findall(rf"(?:{_CJK.pattern})+", said)
    pairs = {run[i : i + 2] for run in runs for i in range(len(run) - 1)}
    return frozenset(words | pairs)


def _terms(text: str, match: Match) -> frozenset[str]:
    """The tokens of a text, and the kinds of article that it names in whatever language."""
    return _tokens(text, _ends(match)) | _kinds(text, match.goods, _ends(match))


@lru_cache(maxsize=1024)
def _kinds(text: str, goods: tuple[tuple[str, ...], ...], ends: Ends) -> frozenset[str]:
    said, tokens = plain(text), _tokens(text, ends)
    return frozenset(
        f"kind of {group[0]}"
        for group in goods
        if any(word in said for word in _unspaced(group)) or tokens & _forms(group, ends)
    )


@lru_cache(maxsize=256)
def _unspaced(group: tuple[str, ...]) -> tuple[str, ...]:
    """Words that stand without spaces around them, or are several."""
    return tuple(plain(word) for word in group if _CJK.search(word) or " " in word)


@lru_cache(maxsize=256)
def _forms(words: tuple[str, ...], ends: Ends) -> frozenset[str]:
    """Words of a list in the form that tokens have."""
    spelled = [plain(word) for word in words]
    return frozenset((*spelled, *(_stem(word, ends) for word in spelled)))


def _stem(word: str, ends: Ends) -> str:
    """Without an article grown onto it, and without the first ending that leaves a word."""
    word = word.removesuffix("'s")
    for beginning in ends[0]:
        if word.startswith(beginning) and len(word) > len(beginning) + 2:
            word = word.removeprefix(beginning)
            break
    for ending in ends[1]:
        if word.endswith(ending) and not word.endswith("ss") and len(word) > len(ending) + 2:
            return word.removesuffix(ending)
    return word


def telling(text: str, match: Match) -> frozenset[str]:
    """What a question or a rule speaks of beyond its topic; words of one group count as one."""
    idle = _forms((*match.stop, *match.topic), _ends(match))
    groups = _groups(match.alike, _ends(match))
    return frozenset(groups.get(token, token) for token in _tokens(text, _ends(match)) - idle)


@lru_cache(maxsize=4)
def _groups(alike: tuple[tuple[str, ...], ...], ends: Ends) -> dict[str, str]:
    return {form: group[0] for group in reversed(alike) for form in _forms(group, ends)}


_SENTENCES = re.compile(r"(?<=[.!?,;。！，；\n؟،؛])")


def asks(text: str, match: Match) -> bool:
    """Whether a sentence of the text asks instead of wishing: "can I return it?", not "please refund it"."""
    return any(_is_question(part.strip(), match) for part in _SENTENCES.split(plain(text)))


def _is_question(said: str, match: Match) -> bool:
    if not said:
        return False
    opening, within = _asking(match.asking)
    marked = "?" in said or "؟" in said or opening.match(said) or within.search(said)
    return bool(marked) and not mentions(said, match.wishing)


@lru_cache(maxsize=4)
def _asking(words: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Words that ask at the head of a sentence, and those that do anywhere."""
    heads = tuple(word for word in words if not _CJK.search(word))
    return _any_of(heads), _any_of(tuple(word for word in words if _CJK.search(word)))


_AROUND = " \n.,!?。，！、~…؟،了啊呀吧呢"


def is_one_of(text: str, words: Iterable[str]) -> bool:
    """Whether the whole text is one of the words, but for marks around it."""
    said = plain(text).strip(_AROUND)
    return any(said == plain(word).strip(_AROUND) for word in words)


def overlap(question: str, text: str, match: Match, idle: tuple[str, ...] = ()) -> int:
    """How many telling words a question shares with a text."""
    shared = _terms(question, match) & _terms(text, match)
    return len(shared - _forms((*match.stop, *idle), _ends(match)))


def residue(text: str, values: Iterable[str]) -> int:
    """How much a message says besides the given values: words, a CJK character counting as half."""
    said = plain(text)
    for value in values:
        said = said.replace(plain(value), " ")
    cjk = len(_CJK.findall(said))
    words = len([word for word in _WORD.findall(_CJK.sub(" ", said)) if not word.isdigit()])
    return words + (cjk + 1) // 2


_DATA_WORDS = 7


def tells_data(text: str, values: Iterable[str]) -> bool:
    """Whether a text seems to hold an address or the like: a number among enough words."""
    rest = plain(text)
    for value in values:
        rest = rest.replace(plain(value), " ")
    return bool(re.search(r"\d", rest)) and residue(rest, ()) >= _DATA_WORDS


_FOUR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_POSTCODE = re.compile(r"(?<!\d)\d{5,6}(?!\d)")
_LATIN_NAME = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+){1,3}")
_CJK_NAME = re.compile(r"[\u4e00-\u9fff·]{2,6}|[\u3040-\u30ff\u4e00-\u9fff]{2,10}|[\uac00-\ud7af]{2,5}")


def read_proof(text: str, match: Match) -> dict[str, str]:
    """What a bare answer to "please send the proof" holds: tail, postcode, name; {} if it is no such answer."""
    found: dict[str, str] = {}
    rest = unicodedata.normalize("NFKC", text).strip()
    if len(rest) > 60:
        return {}
    if postcode := _POSTCODE.search(rest):
        found["postcode"] = postcode.group()
    elif tail := _FOUR.search(rest):
        found["phone_tail"] = tail.group()
    rest = _without_lead(re.sub(r"[\d,，、;；.。]+", " ", rest).strip(), match.naming)
    name = _LATIN_NAME.fullmatch(rest) or _CJK_NAME.fullmatch(rest.replace(" ", ""))
    if name and "phone_tail" not in found:
        found["name"] = name.group()
    return found


def _without_lead(text: str, naming: Iterable[str]) -> str:
    """ "My name is Jane Demo" → "Jane Demo"."""
    for word in sorted(naming, key=len, reverse=True):
        rest = text[len(word) :]
        ended = _CJK.search(word) or not rest[:1].isalpha()
        if ended and text.lower().startswith(word.lower()):
            return rest.strip(" :：")
    return text


_LONE_FOUR = re.compile(r"(?<![\d$¥€£#.-])\d{4}(?![\d.元块年-])")


def read_tail(text: str, orders: Iterable[str]) -> dict[str, str]:
    """The one bare group of four digits beside an order number: the phone's tail."""
    rest = unicodedata.normalize("NFKC", text)
    for order_no in orders:
        rest = rest.replace(order_no, " ")
    found = _LONE_FOUR.findall(rest)
    return {"phone_tail": found[0]} if len(found) == 1 else {}


def read_number(text: str) -> str | None:
    """A bare number in answer to "which order number?"."""
    match = re.fullmatch(r"\D{0,12}#?(\w*\d{3,})\D{0,6}", unicodedata.normalize("NFKC", text).strip())
    return match.group(1) if match else None
