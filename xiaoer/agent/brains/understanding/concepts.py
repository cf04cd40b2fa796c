"""The things a shop's customers speak of, in the words of ten languages: one feature for each.

A lexicon of a few hundred words lets what was learned from Chinese and English examples carry over
to wordings and languages of which there are fewer. Latin, Cyrillic and Arabic entries are whole
words or phrases of up to three words; a star stands for any ending.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

LEXICON = Path(__file__).with_name("concepts.yaml")
_CJK_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_WORD = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+(?:'[^\W\d_]+)*")
_LONGEST_CJK = 7
_SHORTEST_STEM = 3


class _Lexicon:
    def __init__(self, table: dict[str, list[str]]) -> None:
        self.cjk: dict[str, str] = {}
        self.whole: dict[str, str] = {}
        self.stems: dict[str, str] = {}
        for concept, entries in table.items():
            for entry in entries:
                self._add(concept, str(entry).lower())

    def _add(self, concept: str, entry: str) -> None:
        if _CJK_RUN.match(entry):
            self.cjk[entry] = concept
        elif entry.endswith("*"):
            self.stems[entry[:-1]] = concept
        else:
            self.whole[entry] = concept


@cache
def _lexicon() -> _Lexicon:
    return _Lexicon(yaml.safe_load(LEXICON.read_text(encoding="utf-8")))


def concepts_in(normal: str) -> list[str]:
    """Concepts in the order of the text, each once."""
    lexicon = _lexicon()
    found: dict[str, None] = {}
    for run in _CJK_RUN.findall(normal):
        _scan_run(run, lexicon, found)
    _scan_words(_WORD.findall(normal), lexicon, found)
    return list(found)


def _scan_run(run: str, lexicon: _Lexicon, found: dict[str, None]) -> None:
    start = 0
    while start < len(run):
        for size in range(min(_LONGEST_CJK, len(run) - start), 0, -1):
            concept = lexicon.cjk.get(run[start : start + size])
            if concept:
                found[concept] = None
                start += size - 1
                break
        start += 1


def _scan_words(words: list[str], lexicon: _Lexicon, found: dict[str, None]) -> None:
    for place in range(len(words)):
        for size in (3, 2, 1):
            phrase = " ".join(words[place : place + size])
            concept = lexicon.whole.get(phrase) or _by_stem(phrase, lexicon)
            if concept:
                found[concept] = None


def _by_stem(phrase: str, lexicon: _Lexicon) -> str | None:
    for size in range(len(phrase), _SHORTEST_STEM - 1, -1):
        concept = lexicon.stems.get(phrase[:size])
        if concept:
            return concept
    return None
