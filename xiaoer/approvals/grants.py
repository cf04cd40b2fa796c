"""Signing of grants: each written down before it is used, each for one call on one server."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import func
from sqlmodel import Session, col, select

from xiaoer.approvals.keys import load_key_file
from xiaoer.approvals.tables import IssuedGrant
from xiaoer.domain.actions import Terms
from xiaoer.domain.ids import new_id
from xiaoer.domain.permits import Grant, sign_grant
from xiaoer.tools.catalog import CATALOG, Effect

GRANT_SECONDS = 60
# A server's clock may be behind ours; a grant counts as dead only after this much more.
SKEW_SECONDS = 5


class GrantSigner:
    """Holds the grant key; nobody else does."""

    def __init__(self, key: Ed25519PrivateKey, seconds: int = GRANT_SECONDS) -> None:
        self._key = key
        self._seconds = seconds

    @classmethod
    def from_file(cls, path: Path, seconds: int = GRANT_SECONDS) -> GrantSigner:
        """Raises KeyFileError with the sentence that says what is wrong with the file."""
        return cls(load_key_file(path), seconds)

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self._key.public_key()

    def issue(
        self, session: Session, terms: Terms, server: str, tool: str, args: dict[str, Any], now: datetime
    ) -> str:
        """Write the grant down in this transaction and return its token; use it after the commit."""
        spec = CATALOG[(server, tool)]
        grant = self._grant_for(terms, spec.server, tool, args, now)
        session.add(
            IssuedGrant(
                jti=grant.grant_id,
                action_id=terms.action_id,
                digest=grant.digest,
                tool=tool,
                audience=spec.server,
                executes=spec.effect is Effect.IRREVERSIBLE,
                issued_at=grant.issued_at,
                expires_at=grant.expires_at,
            )
        )
        session.flush()
        return sign_grant(grant, self._key)

    def _grant_for(self, terms: Terms, server: str, tool: str, args: dict[str, Any], now: datetime) -> Grant:
        return Grant(
            grant_id=new_id("G", 20),
            action_id=terms.action_id,
            audience=server,
            tool=tool,
            store=terms.store,
            order_no=terms.order_no,
            args=args,
            digest=terms.digest(),
            amount_minor=terms.amount.amount_minor if terms.amount else None,
            currency=terms.amount.currency if terms.amount else None,
            order_version=terms.order_version,
            policy_version=terms.policy_version,
            issued_at=now,
            expires_at=now + timedelta(seconds=self._seconds),
        )


def last_execution_expiry(session: Session, action_id: str) -> datetime | None:
    """When the youngest permit to execute this action dies; None when none was ever signed."""
    statement = select(func.max(col(IssuedGrant.expires_at))).where(
        IssuedGrant.action_id == action_id, col(IssuedGrant.executes).is_(True)
    )
    return session.exec(statement).one()
