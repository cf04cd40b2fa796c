"""Signed-in browsers: a random token in a cookie, its hash in the table, ended by the server at will."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, delete
from sqlmodel import col, select

from xiaoer.approvals.desk import Staff
from xiaoer.desk.staff import staff_of
from xiaoer.desk.tables import DeskSession, DeskUser
from xiaoer.domain.clock import Clock
from xiaoer.storage.engine import reading, transaction

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
_NOTE_SEEN = timedelta(minutes=1)  # a page that refreshes itself does not write at every look


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who asks. `csrf` is None for a bearer token, which no foreign page can make a browser send."""

    staff: Staff
    csrf: str | None = None

    def has(self, *roles: str) -> bool:
        return not self.staff.roles.isdisjoint(roles)


def open_session(engine: Engine, staff: Staff, clock: Clock) -> str:
    """A fresh token for the cookie; sessions that have run out are cleared away."""
    token, now = secrets.token_urlsafe(32), clock()
    with transaction(engine) as session:
        session.execute(delete(DeskSession).where(col(DeskSession.created_at) < now - LONGEST))
        session.add(
            DeskSession(
                token_hash=_hash(token),
                user_id=staff.id,
                csrf=secrets.token_urlsafe(24),
                created_at=now,
                seen_at=now,
            )
        )
    return token


def find_session(engine: Engine, token: str, clock: Clock) -> SignedIn | None:
    """Whose token this is now, with the roles of now; None when unknown, ended, idle or too old."""
    now = clock()
    with reading(engine) as session:
        pair = session.exec(
            select(DeskSession, DeskUser)
            .join(DeskUser, col(DeskUser.id) == col(DeskSession.user_id))
            .where(DeskSession.token_hash == _hash(token))
        ).first()
    if pair is None:
        return None
    row, user = pair
    if not user.active or now - row.seen_at > IDLE or now - row.created_at > LONGEST:
        return None
    if now - row.seen_at > _NOTE_SEEN:
        _note_seen(engine, row.token_hash, clock)
    return SignedIn(staff_of(user), row.csrf)


def close_session(engine: Engine, token: str) -> None:
    with transaction(engine) as session:
        session.execute(delete(DeskSession).where(col(DeskSession.token_hash) == _hash(token)))


def _note_seen(engine: Engine, token_hash: str, clock: Clock) -> None:
    with transaction(engine) as session:
        row = session.get(DeskSession, token_hash)
        if row is not None:
            row.seen_at = clock()
            session.add(row)


def _hash(token: str) -> str:
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"
