"""Words and phrases found in a text by dictionary look-ups, whatever the script: microseconds, not regexes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from xiaoer.agent.brains.understanding.text import bare, simplify

_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_RUN = re.compile(rf"[{_UNSPACED}]+")
_GAP = re.compile(rf"(?<=[{_UNSPACED}])\s+(?=[{_UNSPACED}])")
_WORD = re.compile(rf"[^\W_{_UNSPACED}]+(?:['-][^\W_{_UNSPACED}]+)*")
_SHORTEST_STEM = 3
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
# "and", "with the", "for the" are written onto the Arabic word.
_JOINED = re.compile(r"^(?:[وف](?=[\u0600-\u06ff]{3}))?(?:(?:[بك]?ال|لل)(?=[\u0600-\u06ff]{3}))?")
_PARTICLE = "بلك"

Groups = tuple[str, ...]


class Lexicon:
    """Groups of entries. In spaced scripts an entry is whole words, and a star stands for any ending;
    in Chinese, Japanese and Korean it is found anywhere, whatever the spaces: the longest first and
    nothing inside it, or also what is inside where entries may overlap."""

    def __init__(self, table: Mapping[str, Iterable[object]], *, overlapping: bool = False) -> None:
        self._overlapping = overlapping
        self._runs: dict[str, Groups] = {}
        self._longest: dict[str, int] = {}  # first character of a run → characters of the longest
        self._phrases: dict[str, Groups] = {}
        self._stems: dict[str, list[str]] = {}  # first three letters → stems, the longest first
        self._stem_groups: dict[str, Groups] = {}
        self._heads: dict[str, int] = {}  # first word of a phrase → words of the longest
        for group, entries in table.items():
            for entry in entries:
                self._add(group, str(entry).lower().strip())
        for stems in self._stems.values():
            stems.sort(key=len, reverse=True)

    def _add(self, group: str, entry: str) -> None:
        if _RUN.match(entry):
            run = _GAP.sub("", simplify(entry)).rstrip("*")
            _join(self._runs, run, group)
            self._longest[run[0]] = max(len(run), self._longest.get(run[0], 0))
            return
        for spelling in {entry, entry.translate(_UMLAUTS)}:
            self._add_words(group, _words(bare(spelling)), starred=entry.endswith("*"))

    def _add_words(self, group: str, words: list[str], *, starred: bool) -> None:
        if not words:
            return
        phrase = " ".join(words)
        if len(words) > 1:
            self._heads[words[0]] = max(len(words), self._heads.get(words[0], 0))
        if not starred or len(phrase) < _SHORTEST_STEM:
            _join(self._phrases, phrase, group)
            return
        if phrase not in self._stem_groups:
            self._stems.setdefault(phrase[:_SHORTEST_STEM], []).append(phrase)
        _join(self._stem_groups, phrase, group)

    def find(self, normal: str) -> Iterator[str]:
        """The groups of every entry found in a lower-case, simplified text: runs first, then words,
        each in the order of the text."""
        if not normal.isascii():
            for run in _RUN.findall(_GAP.sub("", normal)):
                yield from self._in_run(run)
        words = _words(bare(normal))
        for place, word in enumerate(words):
            yield from self._at(word) or (self._at(word[1:]) if word[0] in _PARTICLE else ())
            for size in range(2, min(self._heads.get(word, 0), len(words) - place) + 1):
                yield from self._at(" ".join(words[place : place + size]))

    def _in_run(self, run: str) -> Iterator[str]:
        start = 0
        while start < len(run):
            for size in range(min(self._longest.get(run[start], 0), len(run) - start), 0, -1):
                groups = self._runs.get(run[start : start + size])
                if groups:
                    yield from groups
                    if not self._overlapping:
                        start += size - 1
                        break
            start += 1

    def _at(self, phrase: str) -> Groups:
        groups = self._phrases.get(phrase)
        if groups:
            return groups
        for stem in self._stems.get(phrase[:_SHORTEST_STEM], ()):
            if phrase.startswith(stem):
                return self._stem_groups[stem]
        return ()


def _join(table: dict[str, Groups], key: str, group: str) -> None:
    known = table.get(key, ())
    if group not in known:
        table[key] = (*known, group)


def _words(text: str) -> list[str]:
    words = _WORD.findall(text)
    if text.isascii():
        return words
    return [_JOINED.sub("", word) if word[0] >= "\u0600" else word for word in words]
