"""One message under search: its folded text, what is already explained, and what was found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a token says; a reader still knows what stood there."""

    EMAIL = "email"
    PHONE = "phone"
    ID = "id"
    CARD = "card"
    IBAN = "iban"
    ADDRESS = "address"
    POSTCODE = "postcode"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Found:
    kind: Kind
    start: int
    end: int
    value: str  # as it stands in the text


# One character for one, so that places stay: full width, digits of other scripts, dashes, blanks.
_FOLD: dict[int, int] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **{zero + n: ord("0") + n for zero in (0x660, 0x6F0, 0x966, 0xE50, 0x1D7CE) for n in range(10)},
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212, 0x30FC, 0x2500), ord("-")),
    **dict.fromkeys((0xA0, 0x3000, 0x202F, 0x2009, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), ord(" ")),
}


def fold(text: str) -> str:
    return text if text.isascii() else text.translate(_FOLD)


@dataclass(slots=True)
class Search:
    """What one finder has taken or put under guard, no later one sees."""

    text: str  # as written
    plain: str  # folded, with explained parts blanked out by \\x00
    found: list[Found] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Search:
        return cls(text, fold(text))

    def take(self, kind: Kind, start: int, end: int) -> None:
        self.found.append(Found(kind, start, end, self.text[start:end]))
        self.guard(start, end)

    def guard(self, start: int, end: int) -> None:
        self.plain = f"{self.plain[:start]}{chr(0) * (end - start)}{self.plain[end:]}"

    def each(
        self,
        kind: Kind,
        pattern: re.Pattern[str],
        fits: Callable[[re.Match[str]], bool] = lambda _match: True,
        group: int | str = 0,
    ) -> None:
        for match in list(pattern.finditer(self.plain)):
            if fits(match):
                self.take(kind, *match.span(group))
