"""Random tokens that only their holder knows; the tables keep their hashes."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"
