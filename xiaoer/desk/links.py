"""Links by which a person chooses a password: an invitation, or a fresh start. Each works once, and not for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, update
from sqlmodel import Session, col, select

from xiaoer.approvals.desk import Staff
from xiaoer.desk.passwords import NONE, hash_password, require_good
from xiaoer.desk.staff import add_person, find_colleague, shut_out, staff_of
from xiaoer.desk.tables import DeskLink, DeskUser
from xiaoer.desk.tokens import hash_token, new_token
from xiaoer.domain.clock import Clock
from xiaoer.domain.refusals import Refusal
from xiaoer.storage.engine import reading, transaction

INVITE, RESET = "invite", "reset"
LASTS = {INVITE: timedelta(hours=72), RESET: timedelta(hours=24)}


class DeadLink(Refusal):
    """Used, too old, withdrawn or never made: the four are told alike."""

    code = "dead_link"

    def __init__(self) -> None:
        super().__init__("This link is not good any more. Ask an admin for a new one.")


@dataclass(frozen=True, slots=True)
class Made:
    """A fresh link; its token is nowhere else."""

    staff: Staff
    token: str
    expires_at: datetime


def invite(engine: Engine, by: Staff, name: str, roles: Sequence[str], clock: Clock) -> Made:
    """Add a person who has yet to choose a password; raises BadInput."""
    with transaction(engine) as session:
        return _make(session, by, add_person(session, name, roles, clock()), INVITE, clock())


def reset(engine: Engine, by: Staff, person_id: str, clock: Clock) -> Made:
    """Void a person's password and sessions, and make the link to a new one."""
    with transaction(engine) as session:
        user = find_colleague(session, by, person_id)
        kind = RESET if user.password_hash != NONE else INVITE
        user.password_hash = NONE
        session.add(user)
        shut_out(session, user.id)
        return _make(session, by, user, kind, clock())


def look_up(engine: Engine, token: str, clock: Clock) -> Staff:
    """Whose link this is; raises DeadLink. Changes nothing."""
    with reading(engine) as session:
        return staff_of(_find(session, token, clock()))


def use(engine: Engine, token: str, password: str, clock: Clock) -> Staff:
    """Choose the password; of two uses at once one counts. Raises DeadLink or WeakPassword."""
    now = clock()
    with reading(engine) as session:
        name = _find(session, token, now).name
    require_good(password, name)
    hashed = hash_password(password)
    with transaction(engine) as session:
        user = _find(session, token, now)
        taken: Any = session.execute(
            update(DeskLink)
            .where(col(DeskLink.token_hash) == hash_token(token), col(DeskLink.used_at).is_(None))
            .values(used_at=now)
        )
        if taken.rowcount != 1:
            raise DeadLink
        user.password_hash = hashed
        session.add(user)
        return staff_of(user)


def _make(session: Session, by: Staff, user: DeskUser, kind: str, now: datetime) -> Made:
    token, expires = new_token(), now + LASTS[kind]
    session.execute(delete(DeskLink).where(col(DeskLink.expires_at) < now))
    session.add(
        DeskLink(
            token_hash=hash_token(token),
            user_id=user.id,
            kind=kind,
            made_by=by.name,
            created_at=now,
            expires_at=expires,
        )
    )
    return Made(staff_of(user), token, expires)


def _find(session: Session, token: str, now: datetime) -> DeskUser:
    pair = session.exec(
        select(DeskLink, DeskUser)
        .join(DeskUser, col(DeskUser.id) == col(DeskLink.user_id))
        .where(DeskLink.token_hash == hash_token(token))
    ).first()
    if pair is None:
        raise DeadLink
    link, user = pair
    if link.used_at is not None or link.expires_at <= now or not user.active:
        raise DeadLink
    return user
