"""Text from outside is data: what is stripped, capped and marked before anything reads it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARS = 4_000

# Bidirectional overrides, zero-width characters and Unicode tags: invisible to people, read by models.
# https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Zero-width joiner and non-joiner belong to emoji, Persian and Indic words: kept between visible letters.
_JOINERS = "\u200c\u200d"
_RUNS = re.compile(r"\n{4,}")


@dataclass(frozen=True, slots=True)
class Cleaned:
    text: str
    marks: tuple[str, ...]  # "control", "invisible", "truncated", "flooded"


def clean_text(text: str, limit: int = MAX_CHARS) -> Cleaned:
    """Readable text and what was done to it; never raises, whatever the text."""
    marks = []
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if _CONTROL.search(text):
        marks.append("control")
        text = _CONTROL.sub("", text)
    visible = _INVISIBLE.sub(_keep_joiner, text)
    if visible != text:
        marks.append("invisible")
    if _RUNS.search(visible):
        marks.append("flooded")
        visible = _RUNS.sub("\n\n", visible)
    if len(visible) > limit:
        marks.append("truncated")
        visible = visible[:limit]
    return Cleaned(visible.strip(), tuple(marks))


def _keep_joiner(match: re.Match[str]) -> str:
    if match.group() not in _JOINERS:
        return ""
    start, end = match.span()
    around = match.string[start - 1 : start] + match.string[end : end + 1]
    return match.group() if len(around) == 2 and not around.isspace() else ""


def excerpt(text: str, limit: int = 200) -> str:
    """One line for a card or a summary."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
