"""Which of our languages a message is in: script first, then the language that carries the sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from xiaoer.agent.brains.understanding import scripts
from xiaoer.agent.brains.understanding.examples import Example
from xiaoer.agent.brains.understanding.words import read_words

LATIN = ("en", "es", "fr", "de", "pt")
_WORD = re.compile(r"[a-zà-öø-ÿœßñ]+(?:'[a-zà-ÿ]+)*")
_CHAT_WORD = re.compile(r"[a-z0-9']+")
_NOISE = re.compile(r"\S+@\S+|https?://\S+|#\S+|\S*\d{3}\S*", re.IGNORECASE)
# Arabic typed in Latin letters: 2, 3, 5, 7 and 9 stand for letters that Latin has not.
_CHAT_DIGIT = re.compile(r"(?<![0-9])(?:[235679](?=[a-z]{2})|(?<=[a-z])[23578](?=[a-z]|$|\s))")
_UNITS = re.compile(r"\b(?:\d+(?:st|nd|rd|th|x|xl|cm|mm|kg|pcs|g|l|ml|pm|am|h|days?)|x+\d|[a-z]\d)\b")

# Letters that nearly tell the language.
_MARKS: tuple[tuple[str, str], ...] = (
    ("ñ¿¡", "es"),
    ("ßäöü", "de"),
    ("ãõ", "pt"),
    ("çèêœùëîû", "fr"),
)
_SIZES = (1, 2, 3, 4)  # of the character n-grams
_SMOOTH = 0.3
_TELLING = 1.2  # how much a telling word weighs, in nats
_MARK = 1.5
_HINTED = 1.0  # the conversation's language, beside what the message says
_HAN_A_WORD = 1.6  # Chinese characters that say as much as a word of English


@dataclass(frozen=True, slots=True)
class LatinModel:
    """How likely words and character n-grams are in each language with Latin letters."""

    places: dict[str, int]
    logs: np.ndarray[Any, Any]  # n-gram × language, against the languages' mean

    def scores(self, words: Sequence[str]) -> dict[str, float]:
        places = [place for gram in _grams(words) if (place := self.places.get(gram)) is not None]
        sums = self.logs[places].sum(axis=0) if places else np.zeros(len(LATIN))
        return dict(zip(LATIN, map(float, sums), strict=True))


def _grams(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        padded = f" {word} "
        yield padded
        for size in _SIZES:
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]


def train_latin(examples: Iterable[Example]) -> LatinModel:
    """Naive Bayes over what customers wrote in each language."""
    counts: dict[str, Counter[str]] = {lang: Counter() for lang in LATIN}
    for example in examples:
        if example.lang in counts:
            counts[example.lang].update(_grams(_words(example.text)))
    names = sorted({gram for counter in counts.values() for gram in counter})
    table = np.array([[counts[lang][name] for lang in LATIN] for name in names], dtype=np.float64)
    table = (table + _SMOOTH) / (table.sum(axis=0) + _SMOOTH * len(names))
    logs = np.log(table)
    logs -= logs.mean(axis=1, keepdims=True)
    # N-grams of one word are no independent witnesses.
    return LatinModel({name: i for i, name in enumerate(names)}, (logs / 4).astype(np.float32))


@cache
def _telling() -> dict[str, frozenset[str]]:
    return {lang: frozenset(map(str, words)) for lang, words in read_words("languages")["telling"].items()}


@cache
def _typed_in_latin(name: str) -> frozenset[str]:
    return frozenset(map(str, read_words("languages")[name]))


def detect_language(text: str, latin: LatinModel, lang_hint: str | None = None) -> str:
    """One of our languages; the hint, else English, when there is nothing to judge by."""
    lowered = text.lower()
    words = _words(lowered)
    if not text.isascii():
        by_script = _by_script(text, words, lang_hint)
        if by_script:
            return by_script
    if _is_chat_arabic(lowered, words):
        return "ar"
    if not words:
        return lang_hint or "en"
    return _by_words(words, latin, lang_hint)


def _words(text: str) -> list[str]:
    return _WORD.findall(_NOISE.sub(" ", text.lower()))


def _by_script(text: str, words: list[str], lang_hint: str | None) -> str | None:
    """The language whose script carries the sentence; None when that is the Latin one."""
    han = len(scripts.HAN.findall(text))
    kana = len(scripts.KANA.findall(text))
    counts = {
        "ko": len(scripts.HANGUL.findall(text)) / 2,
        "ar": len(scripts.ARABIC.findall(text)) / 4,
        "ru": len(scripts.CYRILLIC.findall(text)) / 5,
        # A single の is fashionable in Chinese; kana in quantity is Japanese.
        "ja": (han + kana) / 2 if kana >= 2 or (kana and kana * 6 >= han) or _is_kanji_only(text, han) else 0,
    }
    counts["zh"] = 0 if counts["ja"] else han / _HAN_A_WORD
    best = max(counts, key=lambda lang: counts[lang])
    foreign = sum(word in told for word in set(words) for told in (_telling()["en"],))
    if counts[best] == 0 or (foreign >= 3 and foreign > 1.5 * counts[best]):
        return None
    return _which_chinese(text, lang_hint) if best == "zh" else best


def _is_kanji_only(text: str, han: int) -> bool:
    """ "注文番号 1032": Japanese without a single kana."""
    return bool(han) and any(word in text for word in _typed_in_latin("kanji"))


def _which_chinese(text: str, lang_hint: str | None) -> str:
    surplus = scripts.traditional_surplus(text)
    if surplus == 0:
        return "zh-Hant" if lang_hint == "zh-Hant" else "zh"
    return "zh-Hant" if surplus > 0 else "zh"


def _is_chat_arabic(lowered: str, words: list[str]) -> bool:
    known = _typed_in_latin("arabizi")
    chat = _CHAT_WORD.findall(_UNITS.sub(" ", _NOISE.sub(" ", lowered)))
    if not chat:
        return False
    hits = sum(word in known or bool(_CHAT_DIGIT.search(word) and not word.isdigit()) for word in chat)
    plain = sum(word in _telling()["en"] for word in words)
    return hits >= max(1, 0.34 * len(chat)) and hits > plain and (hits >= 2 or len(chat) <= 4)


def _by_words(words: list[str], latin: LatinModel, lang_hint: str | None) -> str:
    pinyin = sum(word in _typed_in_latin("pinyin") for word in words)
    if pinyin >= max(2, 0.7 * len(words)) and not _is_english(words):
        return "zh"
    scores = latin.scores(words)
    for lang, told in _telling().items():
        scores[lang] += _TELLING * sum(word in told for word in words)
    for marks, lang in _MARKS:
        scores[lang] += _MARK * sum(any(mark in word for mark in marks) for word in words)
    if lang_hint in scores:
        scores[str(lang_hint)] += _HINTED
    best = max(scores, key=lambda lang: scores[lang])
    if lang_hint and lang_hint not in LATIN and scores[best] < _HINTED:
        return lang_hint
    return best


def _is_english(words: list[str]) -> bool:
    return sum(word in _telling()["en"] for word in words) * 2 >= len(words)
