"""Browsers that somebody has signed in from before.

Wrong tries from all over the world lock an account for a while. Its owner, in a browser that is known, is
counted by himself, so that nobody can keep him out.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, delete
from sqlmodel import col, select

from xiaoer.desk.tables import DeskDevice, DeskUser
from xiaoer.desk.tokens import hash_token, new_token
from xiaoer.domain.clock import Clock
from xiaoer.storage.engine import reading, transaction

KNOWN_FOR = timedelta(days=180)


def is_known(engine: Engine, token: str, name: str, clock: Clock) -> bool:
    """Whether somebody of this name has signed in with this token's browser."""
    statement = (
        select(DeskDevice.seen_at)
        .join(DeskUser, col(DeskUser.id) == col(DeskDevice.user_id))
        .where(DeskDevice.token_hash == hash_token(token), DeskUser.name == name)
    )
    with reading(engine) as session:
        seen = session.exec(statement).first()
    return seen is not None and clock() - seen <= KNOWN_FOR


def remember(engine: Engine, user_id: str, clock: Clock) -> str:
    """A fresh token for the browser's cookie."""
    token, now = new_token(), clock()
    with transaction(engine) as session:
        session.execute(delete(DeskDevice).where(col(DeskDevice.seen_at) < now - KNOWN_FOR))
        session.add(DeskDevice(token_hash=hash_token(token), user_id=user_id, seen_at=now))
    return token
