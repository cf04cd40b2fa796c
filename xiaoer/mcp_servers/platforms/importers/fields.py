"""Field types of imported files: text that every database can hold, amounts, moments."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints

from xiaoer.domain.money import Money, exponent


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL and nobody takes half a character."""
    for char in text:
        if char != "\n" and unicodedata.category(char) in ("Cc", "Cs"):
            raise ValueError("holds a control character or half a character")
    return text


def _plausible(moment: datetime) -> datetime:
    if not 2000 <= moment.year < 2100:
        raise ValueError("is not in this century")
    return moment


Text = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), AfterValidator(_storable)]
LongText = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True), AfterValidator(_storable)]
NoteText = Annotated[
    str, StringConstraints(max_length=2000, strip_whitespace=True), AfterValidator(_storable)
]
Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]


def minor_units(amount: Decimal, currency: str) -> int:
    """Minor units of a decimal amount; raises ValueError for digits that the currency does not have."""
    scaled = amount.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more digits than {currency} has")
    return Money.parse(amount, currency).amount_minor
