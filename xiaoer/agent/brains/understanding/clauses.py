"""A message with several needs, cut where people cut it."""

from __future__ import annotations

import re
from functools import cache

from xiaoer.agent.brains.understanding.text import bare, simplify
from xiaoer.agent.brains.understanding.words import read_words

_STOPS = r"[。！？!?;；؛؟\n…~]+|(?<!\d)\.(?=\s|$)|[,，、،](?=\s*\S{2})"
_WORDY = re.compile(r"[^\W\d_]")
_MOST = 8


@cache
def _cuts() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Where a message is cut, and where its pieces are cut again."""
    table = read_words("clauses")
    coarse = f"{_STOPS}|{_any_of(table['runs'], table['words'])}"
    return re.compile(coarse), re.compile(_any_of(table["and_runs"], table["and"]))


def _any_of(runs: list[str], words: list[str]) -> str:
    def spelled(entries: list[str]) -> str:
        ordered = sorted({bare(simplify(entry)) for entry in entries}, key=lambda entry: (-len(entry), entry))
        return "|".join(map(re.escape, ordered))

    return rf"(?:{spelled(runs)})|\b(?:{spelled(words)})\b"


def split_clauses(normal: str) -> list[str]:
    """Clauses in order, at most eight; a text without a cut is one clause."""
    coarse, fine = _cuts()
    pieces = [part.strip() for piece in coarse.split(normal) for part in fine.split(piece)]
    return [piece for piece in pieces if len(piece) > 1 and _WORDY.search(piece)][:_MOST]
