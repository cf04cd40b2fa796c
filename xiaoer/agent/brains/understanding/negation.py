"""What a customer says he does not want must not be heard as what he wants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from xiaoer.agent.brains.understanding.text import bare, simplify
from xiaoer.agent.brains.understanding.words import read_words

NEGATED = "\ue010"

Intents = frozenset[str]


@dataclass(frozen=True, slots=True)
class _Refusals:
    """How one language refuses: words without which it does not, patterns, what each group means."""

    gates: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    meanings: tuple[Intents, ...]  # by the number of the pattern's group, from 1


@cache
def _languages() -> tuple[_Refusals, ...]:
    table = read_words("negation")
    return tuple(_refusals(words, table["meanings"]) for words in table["languages"].values())


def _refusals(words: dict[str, Any], meanings: dict[str, list[str]]) -> _Refusals:
    things = "|".join(f"({_spell(thing)})" for thing in words["things"].values())
    patterns = (_spell(pattern).replace("{thing}", f"(?:{things})") for pattern in words["patterns"])
    return _Refusals(
        tuple(map(_spell, words["gates"])),
        tuple(map(re.compile, patterns)),
        tuple(_intents(str(name), meanings) for name in words["things"]),
    )


def _spell(text: str) -> str:
    """As `normalise` spells what is matched."""
    return bare(simplify(text))


def _intents(name: str, meanings: dict[str, list[str]]) -> Intents:
    return frozenset(intent for word in name.split() for intent in meanings.get(word, ()))


def strip_refused(normal: str) -> tuple[str, Intents]:
    """The text without what is refused, and the intents that it must not be heard as."""
    refused: set[str] = set()
    for language in _languages():
        if any(gate in normal for gate in language.gates):
            for pattern in language.patterns:
                normal = pattern.sub(partial(_drop, language, refused), normal)
    return normal, frozenset(refused)


def _drop(language: _Refusals, refused: set[str], found: re.Match[str]) -> str:
    group = found.lastindex
    # A pattern without {thing} names the one thing that is asked of a shop like that: not to cancel.
    refused.update(language.meanings[group - 1] if group else ("cancel_order",))
    return f" {NEGATED} "
