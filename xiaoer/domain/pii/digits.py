"""Numbers that check themselves: cards (Luhn), IBANs (mod 97), resident ids of mainland China."""

from __future__ import annotations

from datetime import date

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"

# Prefixes of card networks and how many digits their cards have.
_CARDS: tuple[tuple[tuple[str, ...], frozenset[int]], ...] = (
    (("4",), frozenset({13, 16, 19})),
    (tuple(str(n) for n in range(51, 56)), frozenset({16})),
    (tuple(str(n) for n in range(2221, 2721)), frozenset({16})),
    (("34", "37"), frozenset({15})),
    (("6011", "644", "645", "646", "647", "648", "649", "65"), frozenset({16, 19})),
    (("62", "81"), frozenset({16, 17, 18, 19})),
    (tuple(str(n) for n in range(3528, 3590)), frozenset({16})),
    (("300", "301", "302", "303", "304", "305", "36", "38", "39"), frozenset({14, 16})),
    (("50", "56", "57", "58", "63", "67"), frozenset({16, 18, 19})),
    (("220",), frozenset({16})),  # Mir: 2200 to 2204
)

# https://www.swift.com/standards/data-standards/iban-international-bank-account-number
_IBANS = {
    "NO": 15,
    "BE": 16,
    "DK": 18,
    "FI": 18,
    "FO": 18,
    "GL": 18,
    "NL": 18,
    "MK": 19,
    "SI": 19,
    "AT": 20,
    "BA": 20,
    "EE": 20,
    "KZ": 20,
    "LT": 20,
    "LU": 20,
    "XK": 20,
    "CH": 21,
    "HR": 21,
    "LI": 21,
    "LV": 21,
    "BG": 22,
    "BH": 22,
    "CR": 22,
    "DE": 22,
    "GB": 22,
    "GE": 22,
    "IE": 22,
    "ME": 22,
    "RS": 22,
    "AE": 23,
    "GI": 23,
    "IL": 23,
    "IQ": 23,
    "TL": 23,
    "OM": 23,
    "AD": 24,
    "CZ": 24,
    "ES": 24,
    "MD": 24,
    "PK": 24,
    "RO": 24,
    "SA": 24,
    "SE": 24,
    "SK": 24,
    "TN": 24,
    "VG": 24,
    "LY": 25,
    "PT": 25,
    "ST": 25,
    "IS": 26,
    "TR": 26,
    "BI": 27,
    "DJ": 27,
    "FR": 27,
    "GR": 27,
    "IT": 27,
    "MC": 27,
    "MR": 27,
    "SM": 27,
    "AL": 28,
    "AZ": 28,
    "BY": 28,
    "CY": 28,
    "DO": 28,
    "GT": 28,
    "HU": 28,
    "LB": 28,
    "NI": 28,
    "PL": 28,
    "SV": 28,
    "BR": 29,
    "EG": 29,
    "PS": 29,
    "QA": 29,
    "UA": 29,
    "JO": 30,
    "KW": 30,
    "MU": 30,
    "SC": 31,
    "MT": 31,
    "LC": 32,
    "RU": 33,
}


def is_card(digits: str) -> bool:
    """A network's prefix and length, and Luhn's sum; 16 digits pass Luhn alone one time in ten."""
    known = any(len(digits) in lengths and digits.startswith(heads) for heads, lengths in _CARDS)
    return known and len(set(digits)) > 1 and _luhn(digits)


def _luhn(digits: str) -> bool:
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Upper case, without spaces: a country's length, and the remainder of 97."""
    if _IBANS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def is_resident_id(text: str) -> bool:
    """18 characters: a region, a day that has been, a serial, and the check digit of GB 11643."""
    if len(text) != 18 or not text[:17].isdecimal() or text[0] not in "12345678":
        return False
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(char) * weight for char, weight in zip(text, _ID_WEIGHTS, strict=False))
    return 1900 <= born.year <= 2100 and _ID_CHECKS[total % 11] == text[17].upper()
