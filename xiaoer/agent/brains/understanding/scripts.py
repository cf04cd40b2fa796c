"""What the characters of a message tell about its language, before any word is understood."""

from __future__ import annotations

import re
from functools import cache

KANA = re.compile(r"[\u3040-\u30fa\u30fd-\u30ff]")
HANGUL = re.compile(r"[\uac00-\ud7af\u3131-\u318e]")
ARABIC = re.compile(r"[\u0600-\u0659\u066e-\u06ef\u06fa-\u06ff]")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
HAN = re.compile(r"[\u3400-\u9fff]")

# Characters of both standards that only one side types today.
_OLD_ALSO = frozenset("妳咗嘅嘢喺哋嚟啲冇睇唔佢係噉嗰咁乜噃㗎咩啱瞓攞")
_NEW_ALSO = frozenset("咋嘞呗啥俺咱")
# Shared by both sides, though one standard lacks it.
_NEITHER = frozenset("台里后面布升征家占系准采背只松游谷丑志扎范胡干注吊别困板托着裏麽")


@cache
def _side(char: str) -> int:
    """1 for a traditional character, -1 for a simplified one, 0 for one that both sides write.

    The national character sets tell: GB 2312 holds what the mainland writes, Big5 what Taiwan does.
    """
    if char in _OLD_ALSO:
        return 1
    if char in _NEW_ALSO:
        return -1
    if char in _NEITHER or not HAN.match(char):
        return 0
    mainland, taiwan = _encodes(char, "gb2312"), _encodes(char, "big5") or _encodes(char, "big5hkscs")
    return int(taiwan) - int(mainland)


def _encodes(char: str, charset: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def traditional_surplus(text: str) -> int:
    """Traditional characters less simplified ones."""
    return sum(map(_side, text))
