"""A cheap look before a costly one: most replies hold nothing that most patterns could find.

A pattern is kept line by line. A line of Latin, Cyrillic or Arabic words is tried only when a word of
the text begins like one of its own; a line of a script without spaces only when that script occurs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from xiaoer.domain.claims.lexicon import SHORT, START, Hint, hint_of, plain_source

_WORD = re.compile(r"[^\W\d_]+")
_EAST = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


@dataclass(frozen=True, slots=True)
class Words:
    """How the words of one text begin, and whether it holds signs of a script without spaces."""

    starts: frozenset[str]
    east: bool


@lru_cache(maxsize=64)
def words_of(text: str) -> Words:
    words = _WORD.findall(text)
    starts = {word[:START] for word in words}
    starts.update([word[:SHORT] for word in words])
    return Words(frozenset(starts), _EAST.search(text) is not None)


@dataclass(frozen=True, slots=True)
class Gated:
    lines: tuple[tuple[Hint, re.Pattern[str]], ...]

    def finditer(self, text: str, words: Words | None = None) -> Iterator[re.Match[str]]:
        """Matches line by line; expects lower case, as `folded` and `plain` give it."""
        words = words or words_of(text)
        for hint, pattern in self.lines:
            if _worth(hint, text, words):
                yield from pattern.finditer(text)

    def search(self, text: str) -> re.Match[str] | None:
        return next(self.finditer(text), None)


def _worth(hint: Hint, text: str, words: Words) -> bool:
    if hint.blind:
        return words.east
    return not hint.starts.isdisjoint(words.starts) or any(part in text for part in hint.parts)


def gated(source: str) -> Gated:
    """One pattern a line; a line without a word of three letters is refused, for nothing could open it."""
    lines = []
    for line in (plain_source(line.strip()) for line in source.splitlines() if line.strip()):
        hint = hint_of(line)
        if not (hint.blind or hint.starts or hint.parts):
            raise ValueError(f"no word opens the pattern {line}")
        lines.append((hint, re.compile(line)))
    return Gated(tuple(lines))
