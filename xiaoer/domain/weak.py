"""Secrets that somebody guesses first: too short, too even, or made of the words of examples."""

from __future__ import annotations

import re

_MIN_LETTERS = 5
# A secret of nothing but these words comes from somebody's example.
_SAMPLE = re.compile(
    r"(?:change|replace|your|this|that|me|my|it|the|a|some|please|with|here|to|be|set|long|random|strong|super|very|not|"
    r"secret|password|passw0rd|pass|key|token|api|string|value|default|example|sample|demo|test|admin|root|user|"
    r"xiaoer|letmein|welcome|qwerty|asdf|abc|xyz|\d|\W|_)+",
    re.IGNORECASE,
)


def is_easy(secret: str, least: int = 12) -> bool:
    few = len(secret) < least or len(set(secret)) < _MIN_LETTERS
    return few or _SAMPLE.fullmatch(secret) is not None
