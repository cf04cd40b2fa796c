"""What both databases can hold: PostgreSQL refuses U+0000, UTF-8 refuses lone surrogates."""

from __future__ import annotations

import re
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """The text without U+0000 and lone surrogates; nothing else is touched here."""
    return _UNSTORABLE.sub("", text) if _UNSTORABLE.search(text) else text


def storable(value: Any) -> Any:
    """Plain JSON with each unstorable character written out (`\\\\x00`), so that raw events stay readable."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(_write_out, value) if _UNSTORABLE.search(value) else value
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    return value


def _write_out(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
