"""Passwords: what is a good one, how it is kept, how it is compared without telling anything by time."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from xiaoer.domain.refusals import Refusal
from xiaoer.domain.weak import is_easy

MIN_PASSWORD, MAX_PASSWORD = 10, 256
NONE = ""  # the hash of somebody who has not chosen a password yet


class WeakPassword(Refusal):
    """Codes: password_length, password_easy."""

    code = "password_easy"


def require_good(password: str, name: str = "") -> None:
    """Raise WeakPassword for one that is guessed first. No rules on kinds of characters: length is what counts."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        told = f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters."
        raise WeakPassword(told, "password_length")
    bare = password.casefold().replace(name.casefold(), "") if name else password
    if is_easy(password, MIN_PASSWORD) or len(bare) < MIN_PASSWORD // 2:
        raise WeakPassword(
            "This password is guessed too easily. Take a sentence that only you would think of."
        )


def hash_password(password: str) -> str:
    return PasswordHasher().hash(password)


def fits(password_hash: str | None, password: str) -> bool:
    """Whether it is this person's password; as slow where there is no person or no password."""
    try:
        right = PasswordHasher().verify(password_hash or _decoy(), password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return right and bool(password_hash) and len(password) <= MAX_PASSWORD


@cache
def _decoy() -> str:
    return hash_password("nobody has this password")
