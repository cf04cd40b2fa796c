"""Expiry, always to the safe side: a clock set back revives nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from xiaoer.approvals.ledger import transition
from xiaoer.approvals.refusals import LostRace
from xiaoer.approvals.tables import ActionRow, LedgerTime
from xiaoer.domain.actions import ActionStatus

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_EXPIRING = (ActionStatus.PENDING, ActionStatus.APPROVED)


def ledger_now(session: Session, now: datetime) -> datetime:
    """The later of the clock and the latest time that the ledger has seen."""
    seen = session.exec(select(LedgerTime.latest).where(LedgerTime.id == 1)).first()
    return max(now, seen) if seen else now


def see_time(session: Session, now: datetime) -> datetime:
    """Remember this time if it is the latest, and return the latest."""
    insert = _INSERTS[session.get_bind().dialect.name](LedgerTime).values(id=1, latest=now)
    session.execute(insert.on_conflict_do_nothing(index_elements=["id"]))
    session.execute(
        update(LedgerTime)
        .where(col(LedgerTime.id) == 1, col(LedgerTime.latest) < now)
        .values(latest=now)
        .execution_options(synchronize_session=False)
    )
    return ledger_now(session, now)


def has_expired(session: Session, row: ActionRow, now: datetime) -> bool:
    """Whether the action's time was over at any moment the ledger or this action has seen."""
    return max(ledger_now(session, now), row.updated_at) >= row.expires_at


def expire_due(session: Session, now: datetime, limit: int = 100) -> tuple[str, ...]:
    """Expire what nobody decided, or nobody executed, in time; returns the action ids."""
    latest = see_time(session, now)
    statement = (
        select(ActionRow.id, ActionRow.status)
        .where(col(ActionRow.status).in_([status.value for status in _EXPIRING]))
        .where(col(ActionRow.expires_at) <= latest)
        .order_by(col(ActionRow.id))
        .limit(limit)
    )
    due = list(session.exec(statement))
    return tuple(
        action_id for action_id, status in due if expire(session, action_id, ActionStatus(status), latest)
    )


def expire(session: Session, action_id: str, status: ActionStatus, now: datetime) -> bool:
    """Expire one action; False when somebody was faster."""
    note = f"nobody decided in time; it was {status.value}"
    if status is ActionStatus.APPROVED:
        note = "approved, but not executed in time"
    try:
        transition(session, action_id, status, ActionStatus.EXPIRED, "clock", note, now=now)
    except LostRace:
        return False
    return True
