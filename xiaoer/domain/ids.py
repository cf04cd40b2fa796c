"""Short ids that people can read out, with a letter that says what they name."""

from __future__ import annotations

import hashlib
import secrets

# Crockford's alphabet: no I, L, O, U, so that nothing is misread aloud.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(prefix: str, length: int = 10) -> str:
    return f"{prefix}-{''.join(secrets.choice(_ALPHABET) for _ in range(length))}"


def derived_id(prefix: str, *parts: str, length: int = 10) -> str:
    """The same parts give the same id, so that a turn that runs again proposes nothing twice."""
    number = int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest(), "big")
    letters = []
    for _ in range(length):
        number, rest = divmod(number, 32)
        letters.append(_ALPHABET[rest])
    return f"{prefix}-{''.join(letters)}"
