"""Signed turn contexts: the one place that turns a scope into a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from xiaoer.domain.clock import Clock
from xiaoer.domain.identity import Scope
from xiaoer.domain.permits import sign_context

LIFETIME = timedelta(seconds=120)
# A token is used again while this much of its life is left: longer than any tool's deadline.
_MARGIN = timedelta(seconds=60)
_REMEMBERED = 256


@dataclass(slots=True)
class ContextMint:
    """Signs a scope once for the calls of a turn, and again when it changes or ages."""

    key: Ed25519PrivateKey
    clock: Clock
    _minted: dict[Scope, tuple[str, datetime]] = field(default_factory=dict)

    def token(self, scope: Scope) -> str:
        now = self.clock()
        known = self._minted.get(scope)
        if known and now < known[1]:
            return known[0]
        if len(self._minted) >= _REMEMBERED:
            self._minted.clear()
        token = sign_context(scope, self.key, now, int(LIFETIME.total_seconds()))
        self._minted[scope] = (token, self._reusable_until(scope, now))
        return token

    def _reusable_until(self, scope: Scope, now: datetime) -> datetime:
        """A proof that ends sooner than the token must not live on in a remembered one."""
        until = now + LIFETIME - _MARGIN
        return min(until, scope.expires_at) if scope.expires_at and scope.expires_at > now else until
