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
_HALF_KANA = re.compile("[\uff65-\uff9f]+")
# Arabic is typed with and without hamza, vowel signs and stretched letters.
_ARABIC = {
    **dict.fromkeys(map(ord, "أإآٱ"), "ا"),
    ord("ى"): "ي",
    ord("ئ"): "ي",
    ord("ؤ"): "و",
    ord("ة"): "ه",
    ord("ـ"): None,
    **dict.fromkeys(range(0x064B, 0x0660)),
}


def _bare_latin() -> dict[int, str]:
    """Every accented letter of the Latin alphabets by its bare one."""
    letters = {code: unicodedata.normalize("NFD", chr(code))[0] for code in range(0xC0, 0x250)}
    return {code: bare for code, bare in letters.items() if bare.isascii()}


_BARE: dict[int, str | None] = {
    **_bare_latin(),
    **_ARABIC,
    ord("ß"): "ss",
    ord("œ"): "oe",
    ord("æ"): "ae",
    ord("ø"): "o",
    ord("ё"): "е",
    ord("Ё"): "Е",
}


def fold(text: str) -> str:
    """Full-width forms, foreign digits and invisible characters made plain; case and words stay."""
    if text.isascii():
        return text.replace("\x00", "")
    plain = unicodedata.normalize("NFC", text.translate(_TABLE))
    plain = _HALF_KANA.sub(lambda kana: unicodedata.normalize("NFKC", kana[0]), plain)
    return _FOREIGN_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), plain)


def simplify(text: str) -> str:
    """Traditional characters by their simplified ones, one for one."""
    return text if text.isascii() else text.translate(TO_SIMPLIFIED)


def bare(text: str) -> str:
    """Without accents and vowel signs, as hurried customers type: "ou est", "nao", "طلبيه"."""
    return text if text.isascii() else text.translate(_BARE)


def clip(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    return f"{text[: MAX_CHARS * 3 // 4]}\n{text[-MAX_CHARS // 4 :]}"
