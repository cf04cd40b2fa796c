"""Which of our languages a message is in: script first, then words, then statistics."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from xiaoer.agent.brains.understanding.hanzi import SIMPLIFIED, TRADITIONAL
from xiaoer.agent.brains.understanding.words import read_words

_LATIN = ("en", "es", "fr", "de", "pt")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af\u3131-\u318e]")
_ARABIC = re.compile(r"[\u0600-\u0659\u066e-\u06ef\u06fa-\u06ff]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[a-zà-öø-ÿœßñ]+(?:'[a-zà-ÿ]+)*")
_NOISE = re.compile(r"\S+@\S+|https?://\S+|[#a-z]*\d\S*", re.IGNORECASE)

# Letters that nearly tell the language.
_MARKS: tuple[tuple[str, str], ...] = (
    ("ñ¿¡", "es"),
    ("ßäöü", "de"),
    ("ãõ", "pt"),
    ("çèêœùëîû", "fr"),
)
_STATISTICS_FROM = 3  # words; below it statistics guess


@cache
def _telling() -> dict[str, frozenset[str]]:
    return {lang: frozenset(map(str, words)) for lang, words in read_words("languages")["telling"].items()}


@cache
def _pinyin() -> frozenset[str]:
    return frozenset(read_words("languages")["pinyin"])


def detect_language(text: str, lang_hint: str | None = None) -> str:
    """One of our languages; the hint, else English, when there is nothing to judge by."""
    by_script = _by_script(text)
    if by_script:
        return by_script
    words = _WORD.findall(_NOISE.sub(" ", text.lower()))
    if not words:
        return lang_hint or "en"
    return _by_words(words, lang_hint)


def _by_script(text: str) -> str | None:
    if text.isascii():
        return None
    if len(_KANA.findall(text)) >= 1 and _HAN.search(text) is None:
        return "ja"
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    # A single の is fashionable in Chinese; kana in quantity is Japanese.
    if kana >= 2 or (kana and kana * 6 >= han):
        return "ja"
    counts = {
        "ko": len(_HANGUL.findall(text)),
        "ar": len(_ARABIC.findall(text)),
        "ru": len(_CYRILLIC.findall(text)),
    }
    best = max(counts, key=lambda lang: counts[lang])
    if counts[best] >= 2 and counts[best] >= han:
        return best
    return _which_chinese(text) if han else None


def _which_chinese(text: str) -> str:
    old = sum(char in TRADITIONAL for char in text)
    new = sum(char in SIMPLIFIED for char in text)
    return "zh-Hant" if old > new else "zh"


def _by_words(words: list[str], lang_hint: str | None) -> str:
    if sum(word in _pinyin() for word in words) >= max(2, 0.7 * len(words)) and not _is_english(words):
        return "zh"
    scores = {lang: sum(word in told for word in words) for lang, told in _telling().items()}
    for marks, lang in _MARKS:
        scores[lang] += sum(any(mark in word for mark in marks) for word in words)
    ranked = sorted(scores, key=lambda lang: -scores[lang])
    if scores[ranked[0]] > scores[ranked[1]]:
        return ranked[0]
    tied = [lang for lang in ranked if scores[lang] == scores[ranked[0]]]
    if len(words) >= _STATISTICS_FROM:
        return _by_statistics(" ".join(words), tied)
    base = (lang_hint or "").split("-")[0]
    return lang_hint if lang_hint and (base in tied or scores[ranked[0]] == 0) else tied[0]


def _is_english(words: list[str]) -> bool:
    return sum(word in _telling()["en"] for word in words) * 2 >= len(words)


def _by_statistics(text: str, among: list[str]) -> str:
    ranked: list[tuple[str, float]] = _identifier().rank(text)
    return next((lang for lang, _ in ranked if lang in among), "en")


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(_LATIN))
    return identifier


def warm_up() -> None:
    """Load the statistics before the first customer needs them (0.7 s)."""
    _identifier()
