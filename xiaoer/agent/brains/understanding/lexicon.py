"""Words and phrases found in a text by dictionary look-ups, whatever the script: microseconds, not regexes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_RUN = re.compile(rf"[{_UNSPACED}]+")
_WORD = re.compile(rf"[^\W_{_UNSPACED}]+(?:['-][^\W_{_UNSPACED}]+)*")
_LONGEST_RUN = 8  # characters
_LONGEST_PHRASE = 4  # words
_SHORTEST_STEM = 3


class Lexicon:
    """Groups of entries. In spaced scripts an entry is whole words, and a star stands for any ending;
    in Chinese, Japanese and Korean it is found anywhere, the longest first."""

    def __init__(self, table: Mapping[str, Iterable[object]]) -> None:
        self._runs: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        for group, entries in table.items():
            for entry in entries:
                self._add(group, str(entry).lower())

    def _add(self, group: str, entry: str) -> None:
        if _RUN.match(entry):
            self._runs[entry] = group
        elif entry.endswith("*"):
            self._stems[_spell(entry[:-1])] = group
        else:
            self._phrases[_spell(entry)] = group

    def find(self, lowered: str) -> Iterator[str]:
        """The group of every entry found: runs first, then words, each in the order of the text."""
        for run in _RUN.findall(lowered):
            yield from self._in_run(run)
        words = _WORD.findall(lowered)
        for place in range(len(words)):
            for size in range(min(_LONGEST_PHRASE, len(words) - place), 0, -1):
                phrase = words[place] if size == 1 else " ".join(words[place : place + size])
                group = self._phrases.get(phrase) or self._by_stem(phrase)
                if group:
                    yield group

    def _in_run(self, run: str) -> Iterator[str]:
        start = 0
        while start < len(run):
            for size in range(min(_LONGEST_RUN, len(run) - start), 0, -1):
                group = self._runs.get(run[start : start + size])
                if group:
                    yield group
                    start += size - 1
                    break
            start += 1

    def _by_stem(self, phrase: str) -> str | None:
        for size in range(len(phrase), _SHORTEST_STEM - 1, -1):
            group = self._stems.get(phrase[:size])
            if group:
                return group
        return None


def _spell(entry: str) -> str:
    return " ".join(_WORD.findall(entry))
