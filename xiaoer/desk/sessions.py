"""Signed-in browsers: a random token in a cookie, its hash in the table, ended by the server at will."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete
from sqlmodel import Session, col, select

from xiaoer.approvals.desk import Staff
from xiaoer.desk.roles import Right, rights_of
from xiaoer.desk.staff import staff_of
from xiaoer.desk.tables import DeskSession, DeskUser
from xiaoer.desk.tokens import hash_token, new_token
from xiaoer.domain.clock import Clock
from xiaoer.domain.ids import new_id
from xiaoer.storage.engine import reading, transaction

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
PROVEN = timedelta(minutes=5)  # how long a password counts for what asks for it again
_NOTE_SEEN = timedelta(minutes=1)  # not every look is written down


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who asks. `csrf` is None for a bearer token, which no foreign page can make a browser send."""

    staff: Staff
    csrf: str | None = None
    session_id: str | None = None

    def may(self, right: Right) -> bool:
        return right in rights_of(self.staff.roles)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of a person's sessions, as he sees it."""

    id: str
    address: str
    browser: str
    created_at: datetime
    seen_at: datetime


def open_session(engine: Engine, staff: Staff, clock: Clock, address: str = "", browser: str = "") -> str:
    """A fresh token for the cookie; sessions that have run out are cleared away."""
    token, now = new_token(), clock()
    with transaction(engine) as session:
        session.execute(delete(DeskSession).where(col(DeskSession.created_at) < now - LONGEST))
        session.add(
            DeskSession(
                token_hash=hash_token(token),
                id=new_id("S"),
                user_id=staff.id,
                csrf=secrets.token_urlsafe(24),
                address=address[:64],
                browser=browser[:200],
                created_at=now,
                seen_at=now,
                proved_at=now,
            )
        )
    return token


def find_session(engine: Engine, token: str, clock: Clock, *, touch: bool = True) -> SignedIn | None:
    """Whose token this is now, with the roles of now; None when unknown, ended, idle or too old.

    `touch`: somebody is there; what a page asks for by itself keeps no session alive.
    """
    now = clock()
    with reading(engine) as session:
        pair = session.exec(
            select(DeskSession, DeskUser)
            .join(DeskUser, col(DeskUser.id) == col(DeskSession.user_id))
            .where(DeskSession.token_hash == hash_token(token))
        ).first()
    if pair is None:
        return None
    row, user = pair
    if not user.active or not _alive(row, now):
        return None
    if touch and now - row.seen_at > _NOTE_SEEN:
        _note(engine, row.token_hash, seen_at=now)
    proven = now - row.proved_at <= PROVEN
    return SignedIn(replace(staff_of(user), proven=proven), row.csrf, row.id)


def note_proof(engine: Engine, token: str, clock: Clock) -> None:
    """The password was given again."""
    _note(engine, hash_token(token), proved_at=clock())


def sessions_of(engine: Engine, user_id: str, clock: Clock) -> tuple[OpenSession, ...]:
    """A person's living sessions, the latest used first."""
    statement = select(DeskSession).where(DeskSession.user_id == user_id)
    with reading(engine) as session:
        rows = session.exec(statement.order_by(col(DeskSession.seen_at).desc()))
        return tuple(
            OpenSession(row.id, row.address, row.browser, row.created_at, row.seen_at)
            for row in rows
            if _alive(row, clock())
        )


def close_session(engine: Engine, token: str) -> None:
    with transaction(engine) as session:
        session.execute(delete(DeskSession).where(col(DeskSession.token_hash) == hash_token(token)))


def end_sessions(session: Session, user_id: str, *, only: str | None = None, but: str | None = None) -> int:
    """End a person's sessions in the caller's transaction: all, `only` one, or all `but` one (by public id)."""
    statement = delete(DeskSession).where(col(DeskSession.user_id) == user_id)
    if only is not None:
        statement = statement.where(col(DeskSession.id) == only)
    if but is not None:
        statement = statement.where(col(DeskSession.id) != but)
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]  # a CursorResult


def _alive(row: DeskSession, now: datetime) -> bool:
    return now - row.seen_at <= IDLE and now - row.created_at <= LONGEST


def _note(engine: Engine, token_hash: str, **moments: datetime) -> None:
    with transaction(engine) as session:
        row = session.get(DeskSession, token_hash)
        if row is not None:
            for name, moment in moments.items():
                setattr(row, name, moment)
            session.add(row)
