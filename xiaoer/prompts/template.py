"""Replies with blanks: `{name}` is filled, and a `[section]` is dropped when a blank in it is empty."""

from __future__ import annotations

import re
from collections.abc import Callable

_SECTION = re.compile(r"\[([^\[\]]*)\]")
_BLANK = re.compile(r"\{(\w+)\}")


def blanks(text: str) -> frozenset[str]:
    return frozenset(_BLANK.findall(text))


def fill(text: str, value: Callable[[str], str]) -> str:
    """The text with its blanks filled; what a value contains is never read as a template."""
    pieces = _SECTION.split(text)
    # re.split puts what the group matched, the sections, at the odd places.
    return "".join(
        _fill_section(piece, value) if index % 2 else _fill(piece, value)
        for index, piece in enumerate(pieces)
    )


def _fill_section(piece: str, value: Callable[[str], str]) -> str:
    if any(not value(name) for name in blanks(piece)):
        return ""
    return _fill(piece, value)


def _fill(piece: str, value: Callable[[str], str]) -> str:
    return _BLANK.sub(lambda match: value(match.group(1)), piece)
