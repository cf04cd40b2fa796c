"""The words of claims, one file a language, compiled once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from xiaoer.domain.claims.text import folded

FOLDER = Path(__file__).parent / "languages"
Pattern = re.Pattern[str]
NEVER = re.compile(r"(?!)")
_ESCAPED = re.compile(r"[^\x00-\x7f]+")


# Kinds that customers ask for and people decide: to name one as a fact is to claim it.
BARE = frozenset({"refund", "cancellation", "label", "coupon", "exchange"})
SHORT = 3  # a stem of three letters may go on: "day", "days"
START = 4  # letters of a word that the cheap look compares


@dataclass(frozen=True, slots=True)
class Hint:
    """A cheap look before a pattern is tried: how its words begin, or what they hold. It may only say yes too often."""

    starts: frozenset[str]
    parts: tuple[str, ...]
    blind: bool  # script without spaces: always worth a look


@dataclass(frozen=True, slots=True)
class Kind:
    """How one thing is claimed: a verb that says it by itself, or a topic with a word of completion."""

    name: str
    topics: Pattern
    done: Pattern
    verbs: Pattern
    wide: Pattern  # any word for the matter: told with anything that happened, it is a claim
    may: (
        Pattern  # any word of topics or verbs: without one, or one of `wide`, a sentence needs no closer look
    )
    hint: Hint


@dataclass(frozen=True, slots=True)
class Lexicon:
    lang: str
    kinds: tuple[Kind, ...]
    idioms: Pattern  # said politely, mean nothing: taken out before anything is read
    requests: Pattern  # "refund request": a wish, named by a noun
    joins: Pattern  # "and" before a clause of its own
    before: Pattern  # not, will, may, asked: what stands before a claim and takes it back
    after: Pattern  # the same behind it
    nots: Pattern  # denials alone, for promises
    conditions: Pattern  # if, once: reach over the comma
    conditions_past: Pattern  # conditions that stand behind their clause
    rules: Pattern  # what holds in general
    hard: Pattern  # this customer, this order, now: no rule
    perfect: Pattern  # has happened, whatever the condition before it
    questions: Pattern
    alone: Pattern  # "all done": a claim about what was spoken of before
    pending: Pattern  # why a topic is named at all, short of a claim
    bosses: Pattern
    certain: Pattern
    promised: Pattern
    pledges: Pattern
    happened: Pattern  # the grammar of what is over and done, whatever the verb
    gone: Pattern  # denials that assert: "no longer exists"
    harmless: Pattern  # what a desk does and records show: looked, passed on, ordered, shipped
    warm: Hint  # of `alone`, `bosses`, `certain` and `pledges`
    polite: Hint  # of `idioms` and `requests`


_FIELDS = (
    "idioms", "joins", "before", "after", "nots", "conditions", "conditions_past", "rules",
    "hard", "questions", "alone", "pending", "bosses", "certain", "promised", "pledges",
    "happened", "gone", "harmless",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Index:
    """Which kinds of which languages a word's beginning, or a part of a word, may belong to."""

    starts: dict[str, tuple[tuple[str, str], ...]]  # start -> (language, kind)
    parts: tuple[tuple[str, str, str], ...]  # (part, language, kind)

    def look(self, text: str, words: Iterable[str]) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for start in _starts(words):
            if start in self.starts:
                found.update(self.starts[start])
        found.update((lang, kind) for part, lang, kind in self.parts if part in text)
        return found


def _starts(words: Iterable[str]) -> set[str]:
    starts: set[str] = set()
    for word in words:
        starts.add(word[:START])
        starts.add(word[:SHORT])
        if word.startswith(_ARTICLE):
            starts.add(word[2 : START + 2])
    return starts


WARM, POLITE = "~warm", "~polite"  # names in the index beside the kinds
_ARTICLE = "ال"


@cache
def index() -> Index:
    starts: dict[str, list[tuple[str, str]]] = {}
    parts: list[tuple[str, str, str]] = []
    for lang, lexicon in lexicons().items():
        for name, hint in [
            (WARM, lexicon.warm),
            (POLITE, lexicon.polite),
            *((kind.name, kind.hint) for kind in lexicon.kinds),
        ]:
            for start in hint.starts:
                starts.setdefault(start, []).append((lang, name))
            parts += [(part, lang, name) for part in hint.parts]
    return Index({start: tuple(where) for start, where in starts.items()}, tuple(parts))


@cache
def lexicons() -> dict[str, Lexicon]:
    """Every language's words; raises at the first broken pattern, with its file."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.yaml"))}


def _read(path: Path) -> Lexicon:
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    unknown = set(data) - {*_FIELDS, "requests", "perfect", "done", "kinds"}
    if unknown:
        raise ValueError(f"{path.name}: unknown words {sorted(unknown)}")
    try:
        words = {name: _pattern(data.get(name)) for name in _FIELDS}
        words["requests"] = _pattern(data.get("requests"))
        words["perfect"] = _pattern(data.get("perfect") or data.get("hard"))
        kinds = tuple(_kind(name, parts, data["done"]) for name, parts in data["kinds"].items())
    except re.error as error:
        raise ValueError(f"{path.name}: {error} in {str(error.pattern)[:80]}") from error
    warm = hint_of("\n".join(data.get(name) or "" for name in ("alone", "bosses", "certain", "pledges")))
    polite = hint_of("\n".join(data.get(name) or "" for name in ("idioms", "requests", "gone")))
    return Lexicon(lang=path.stem, kinds=kinds, warm=warm, polite=polite, **words)


def _kind(name: str, parts: dict[str, str], done: str) -> Kind:
    topics, verbs, wide = parts.get("topics", ""), parts.get("verbs", ""), parts.get("wide", "")
    # A bare topic may claim; where it may not, the word of completion is the rarer of the two.
    hot = parts["only"] if "only" in parts and name not in BARE else topics
    return Kind(
        name=name,
        topics=_pattern(topics),
        done=_pattern(parts.get("only", done if topics else "")),
        verbs=_pattern(verbs),
        wide=_pattern(wide),
        may=_pattern("\n".join(part for part in (hot, verbs) if part)),
        hint=hint_of(f"{hot}\n{verbs}\n{wide}"),
    )


# Words of grammar stand in many patterns and tell nothing; every pattern holds another word as well.
_IDLE = frozenset(
    [
        "your",
        "the",
        "has",
        "have",
        "was",
        "been",
        "are",
        "is",
        "it's",
        "now",
        "just",
        "already",
        "and",
        "for",
        "with",
        "this",
        "that",
        "all",
        "from",
        "you",
        "our",
        "their",
        "its",
        "his",
        "her",
        "not",
        "over",
        "into",
        "onto",
        "will",
        "had",
        "were",
        "get",
        "got",
        "out",
        "any",
        "were",
        "yet",
        "por",
        "para",
        "con",
        "los",
        "las",
        "una",
        "del",
        "que",
        "sus",
        "esta",
        "este",
        "fue",
        "sido",
        "han",
        "hemos",
        "ya",
        "le",
        "lo",
        "se",
        "su",
        "en",
        "el",
        "la",
        "les",
        "des",
        "est",
        "une",
        "votre",
        "vos",
        "notre",
        "pas",
        "sur",
        "dans",
        "ete",
        "sont",
        "bien",
        "deja",
        "der",
        "die",
        "das",
        "den",
        "dem",
        "ist",
        "sind",
        "ihr",
        "ihre",
        "ihnen",
        "ihrem",
        "ihrer",
        "wir",
        "ich",
        "sie",
        "es",
        "bei",
        "auf",
        "schon",
        "bereits",
        "wurde",
        "vor",
        "foi",
        "seu",
        "sua",
        "voce",
        "ao",
        "na",
        "no",
        "os",
        "as",
        "um",
        "uma",
        "ja",
        "com",
        "вам",
        "ваш",
        "мы",
        "уже",
        "вас",
        "к",
        "на",
        "в",
    ]
)
_SPACELESS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_OPEN_WORD = re.compile(r"\\w\*([^\W\d_]{3,})")
_LONG_WORD = re.compile(r"(?<!\\)[^\W\d_]{2,}|(?<=\\b)[^\W\d_]+")


def hint_of(source: str) -> Hint:
    """How the words of a pattern begin; may only say yes too often."""
    lines = "\n".join(plain_source(line) for line in source.splitlines())
    if _SPACELESS.search(lines):
        return Hint(frozenset(), (), blind=True)
    words = {word for word in _LONG_WORD.findall(re.sub(r"\\[a-z]", " ", lines)) if word not in _IDLE}
    return Hint(frozenset(word[:START] for word in words), tuple(_OPEN_WORD.findall(lines)), blind=False)


def _pattern(lines: str | None) -> Pattern:
    """One alternative a line, written as customers read it and compiled as the plain form has it."""
    if not lines or not lines.strip():
        return NEVER
    return re.compile("|".join(plain_source(line.strip()) for line in lines.splitlines() if line.strip()))


def plain_source(line: str) -> str:
    """The pattern's letters go through the same door as the text's; escapes are ASCII and stay."""
    return line if line.isascii() else _ESCAPED.sub(lambda piece: folded(piece.group()), line)
