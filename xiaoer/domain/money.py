"""Money in integer minor units with its currency; never a float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# ISO 4217 exponents that differ from two: https://www.iso.org/iso-4217-currency-codes.html
_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3, "BHD": 3}
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥", "KRW": "₩", "BRL": "R$"}


class CurrencyMismatch(ValueError):
    """Two amounts in different currencies were combined."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    amount_minor: int
    currency: str

    @classmethod
    def parse(cls, value: Decimal | str | int | float, currency: str) -> Money:
        """Read a decimal amount in major units ("272.33") as it stands in shop exports."""
        scaled = Decimal(str(value)).scaleb(exponent(currency))
        return cls(int(scaled.to_integral_value(ROUND_HALF_UP)), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount_minor - self._same(other), self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.amount_minor * count, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount_minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount_minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.amount_minor != 0

    def __str__(self) -> str:
        """As a customer reads it: `$272.33`, `¥68.00`, or `CHF 12.00` without a known symbol."""
        digits = exponent(self.currency)
        major = Decimal(self.amount_minor).scaleb(-digits)
        text = f"{abs(major):,.{digits}f}"
        sign = "-" if self.amount_minor < 0 else ""
        symbol = _SYMBOLS.get(self.currency)
        return f"{sign}{symbol}{text}" if symbol else f"{sign}{self.currency} {text}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be combined")
        return other.amount_minor


def exponent(currency: str) -> int:
    """How many digits stand behind the decimal point in this currency."""
    return _EXPONENTS.get(currency, 2)


def total(amounts: list[Money], currency: str) -> Money:
    return sum(amounts, Money.zero(currency))
