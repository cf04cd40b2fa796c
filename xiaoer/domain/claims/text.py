"""One plain form of a text in any script, and the forms in which a claim may hide."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from xiaoer.domain.hanzi import TO_SIMPLIFIED

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]"
)
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_HANGUL = "\uac00-\ud7a3"
_CJK_GAP = re.compile(rf"(?<=[{_CJK}])[ \t]+(?=[{_CJK}])")
# "退-款-已-完-成": one sign, again and again, between single characters.
_CJK_SIGNS = re.compile(rf"(?<![{_CJK}])[{_CJK}](?:[-_*·•|.~/+=][{_CJK}]){{2,}}(?![{_CJK}])")
_HANGUL_GAP = re.compile(rf"(?<![{_HANGUL}])[{_HANGUL}](?: [{_HANGUL}]){{2,}}(?![{_HANGUL}])")
# "r e f u n d e d", "r.e.f.u.n.d": four letters or more that stand alone. Wider gaps part the words.
_SPACED = re.compile(r"(?<![^\W\d_])[^\W\d_](?:([ .\-_*·|])[^\W\d_])(?:\1[^\W\d_]){2,}(?![^\W\d_])")
_LEET = str.maketrans("013457@$!", "oieastasi")
_LEET_WORD = re.compile(r"(?<![\w#$€£¥@!])[a-z]+[013457@$!]+[a-z][a-z013457@$!]*(?![\w@])")
# "1. Dezember" is no end of a sentence.
_ORDINAL = re.compile(
    r"\b(\d{1,2})\.(?= (?:jan|feb|marz|mar|april|apr|mai|jun|jul|aug|sep|okt|oct|nov|dez|dec))"
)
_ACCENTS = re.compile("[\u0300-\u036f]")
_ARABIC = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي", "ـ": None}
)
_HARAKAT = re.compile("[\u064b-\u065f\u0670]")
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "ё": "е", "ß": "ss", "ı": "i", "週": "周"}
)
# Letters of other scripts that look like Latin ones: https://www.unicode.org/reports/tr39/#Confusable_Detection
_LOOKALIKE = str.maketrans(
    "аеорсухіјѕԁһԛԝьвкмнтпгαβεηικμνορτυχγωϲϳоⅼ",
    "aeopcyxijsdhqwbbkmhtnrabenikmvoptuxywcjol",
)
_MIXED = re.compile(
    r"(?<![^\W\d_])[^\W\d_]*(?:[a-z][\u0370-\u04ff\u0500-\u052f]|[\u0370-\u04ff\u0500-\u052f][a-z])[^\W\d_]*"
)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{12,}={0,2}(?![A-Za-z0-9+/_=-])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}[ :]?){8,}(?![0-9A-Za-z])")
_READABLE = 0.9
_LETTERS = re.compile(rf"[^\W\d_]{{3,}}|[{_CJK}]")


def plain(text: str) -> str:
    """Lower case, one width, no accents, simplified characters, nothing between letters that is not seen."""
    text = folded(text)
    if not text.isascii():
        text = _MIXED.sub(lambda found: found.group().translate(_LOOKALIKE), text)
        text = _CJK_GAP.sub("", text)
        text = _CJK_SIGNS.sub(_only_letters, text)
        text = _HANGUL_GAP.sub(_only_letters, text)
    if "." in text:
        text = _ORDINAL.sub(r"\1", text)
    return _unleet(_SPACED.sub(_only_letters, text))


def folded(text: str) -> str:
    """The letters alone brought to one form; what stands between them is kept."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).lower().translate(_QUOTES)
    if text.isascii():
        return text
    return _without_accents(_HARAKAT.sub("", text).translate(_ARABIC).translate(TO_SIMPLIFIED))


def _without_accents(text: str) -> str:
    """Latin letters lose their accents; й and Korean syllables stay whole."""
    return "".join(_bare(char) if "\u00c0" <= char <= "\u024f" else char for char in text)


def _bare(char: str) -> str:
    return _ACCENTS.sub("", unicodedata.normalize("NFD", char))


def _only_letters(found: re.Match[str]) -> str:
    return "".join(char for char in found.group() if char.isalpha())


def _unleet(text: str) -> str:
    return _LEET_WORD.sub(lambda found: found.group().translate(_LEET), text)


def hidden(text: str) -> Iterator[str]:
    """What the text says when decoded: base64, hex, entities, percent signs, backwards, rot13.

    Only readable results are given; whether one claims something is for the caller to see.
    """
    for found in _BASE64.finditer(text):
        yield from _readable(_from_base64(found.group()))
    for found in _HEX.finditer(text):
        yield from _readable(_from_hex(found.group()))
    if "&" in text and (decoded := html.unescape(text)) != text:
        yield decoded
    if "%" in text and (decoded := unquote(text)) != text:
        yield decoded
    if "\\u" in text or "\\x" in text:
        yield re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", _escaped, text)


def mirrored(text: str) -> Iterator[str]:
    """The text backwards, word by word and whole, and turned by thirteen letters."""
    yield text[::-1]
    yield " ".join(word[::-1] for word in text.split(" "))
    yield codecs.encode(text, "rot13")


def _escaped(found: re.Match[str]) -> str:
    return chr(int(found.group(1) or found.group(2), 16))


def _readable(data: bytes) -> Iterator[str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return
    shown = sum(char.isprintable() or char.isspace() for char in text)
    if text and shown >= _READABLE * len(text) and _LETTERS.search(text):
        yield text


def _from_base64(text: str) -> bytes:
    padded = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _from_hex(text: str) -> bytes:
    digits = re.sub(r"[ :]", "", text)
    return bytes.fromhex(digits[: len(digits) // 2 * 2])
