"""One spelling for what customers type in many: widths, digits, traditional characters, repeats."""

from __future__ import annotations

import re
import unicodedata

from xiaoer.agent.brains.understanding.hanzi import TO_SIMPLIFIED

MAX_CHARS = 2_000  # what is judged; beyond it a message is a document, and its head and tail say enough

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_ODD = {
    0x3000: " ",  # ideographic space
    0x2018: "'",
    0x2019: "'",
    0x00B4: "'",
    0x201C: '"',
    0x201D: '"',
    0x00A0: " ",
    0x2010: "-",
    0x2011: "-",
    0x2013: "-",
    0x2014: "-",
    0x00AD: None,  # soft hyphen
    0x0000: None,
}
# Zero-width and direction marks: invisible, and a way to break words apart.
_INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF])
_TABLE: dict[int, int | str | None] = {**_WIDE, **_ODD, **_INVISIBLE}
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")


def fold(text: str) -> str:
    """Full-width forms, foreign digits and invisible characters made plain; case and words stay."""
    if text.isascii():
        return text.replace("\x00", "")
    plain = text.translate(_TABLE)
    return _FOREIGN_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), plain)


def simplify(text: str) -> str:
    """Traditional characters by their simplified ones, one for one."""
    return text if text.isascii() else text.translate(TO_SIMPLIFIED)


def clip(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    return f"{text[: MAX_CHARS * 3 // 4]}\n{text[-MAX_CHARS // 4 :]}"
