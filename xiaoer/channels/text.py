"""What a customer typed, made storable: control characters go, words stay."""

from __future__ import annotations

import re

MAX_CHARS = 10_000

# C0 and C1 controls but tab and line feed, lone surrogates, and noncharacters.
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def clean_text(text: str) -> str:
    """The same words without what no screen shows and some databases refuse."""
    return _UNSTORABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
