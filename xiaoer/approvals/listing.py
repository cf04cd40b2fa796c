"""What pages and the API read of the ledger: lists, and one action with everything to decide on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from xiaoer.approvals import ledger, settling
from xiaoer.approvals.history import history_of
from xiaoer.approvals.limits import OverLimit, consents_of, needs_step_up, needs_two, over_limit
from xiaoer.approvals.refusals import UnknownAction
from xiaoer.approvals.rows import quote_of, view_of
from xiaoer.approvals.tables import ActionEvent, ActionRow
from xiaoer.domain.actions import ActionStatus, ActionView, Quote
from xiaoer.domain.limits import Limits


@dataclass(frozen=True, slots=True)
class ActionSummary:
    """One line of a list."""

    action: ActionView
    store: str
    conversation_id: str
    case_id: str | None
    intent: str
    language: str
    digest: str
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    attempts: int
    trouble: str  # the last thing that went wrong, "" when nothing did


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    seq: int
    kind: str  # "step" | "attempt" | "note"
    from_status: str | None
    to_status: str
    actor: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ActionDetail:
    """Everything needed to decide. `customer_words` is unverified text by a customer."""

    summary: ActionSummary
    quote: Quote  # facts, lines, clause text: from the record
    evidence: tuple[dict[str, Any], ...]
    customer_words: str
    history: tuple[HistoryEntry, ...]
    decided_role: str | None
    supersedes: str | None
    superseded_by: str | None
    agreed: tuple[str, ...] = ()  # names, in order
    needs_two: bool = False
    step_up: bool = False  # whoever approves is asked for the password again
    over: OverLimit | None = None  # the daily limit that an approval would pass now
    stuck: bool = False  # looked up in vain: two people may close it
    words: tuple[settling.Word, ...] = ()  # what has been said towards that


@dataclass(frozen=True, slots=True)
class Page:
    items: tuple[ActionSummary, ...]
    next_cursor: str | None


def list_actions(
    session: Session,
    status: ActionStatus | None = None,
    store: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """A page of actions: those that wait for a decision oldest first, all others newest first."""
    oldest_first = status is ActionStatus.PENDING
    statement = select(ActionRow).limit(limit + 1)
    if status is not None:
        statement = statement.where(ActionRow.status == status.value)
    if store is not None:
        statement = statement.where(ActionRow.store == store)
    if cursor is not None:
        statement = statement.where(_beyond(session, cursor, oldest_first))
    keys = (col(ActionRow.created_at), col(ActionRow.id))
    rows = list(session.exec(statement.order_by(*(key if oldest_first else key.desc() for key in keys))))
    more = rows[limit - 1].id if len(rows) > limit else None
    return Page(tuple(summary_of(row) for row in rows[:limit]), more)


def describe(
    session: Session, action_id: str, limits: Limits, now: datetime, approver_id: str | None = None
) -> ActionDetail:
    """One action in full, as it looks to this approver; raises UnknownAction."""
    row = ledger.get(session, action_id)
    pending = row.status == ActionStatus.PENDING
    return ActionDetail(
        summary=summary_of(row),
        quote=quote_of(row),
        evidence=tuple(row.evidence),
        customer_words=row.customer_words,
        history=tuple(_entry(event) for event in history_of(session, action_id)),
        decided_role=row.decided_role,
        supersedes=row.supersedes,
        superseded_by=row.superseded_by,
        agreed=tuple(consent.name for consent in consents_of(session, action_id)),
        needs_two=needs_two(row, limits),
        step_up=needs_step_up(row, limits),
        over=over_limit(session, row, limits, now, approver_id, looking=True) if pending else None,
        stuck=settling.is_stuck(session, row, now),
        words=settling.words_of(session, row) if row.status == ActionStatus.UNKNOWN else (),
    )


def summary_of(row: ActionRow) -> ActionSummary:
    return ActionSummary(
        action=view_of(row),
        store=row.store,
        conversation_id=row.conversation_id,
        case_id=row.case_id,
        intent=row.intent,
        language=row.language,
        digest=row.digest,
        created_at=row.created_at,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
        attempts=row.attempts,
        trouble=row.last_error,
    )


def _entry(event: ActionEvent) -> HistoryEntry:
    return HistoryEntry(
        seq=event.seq,
        kind=event.kind,
        from_status=event.from_status,
        to_status=event.to_status,
        actor=event.actor,
        note=event.note,
        at=event.at,
    )


def _beyond(session: Session, cursor: str, oldest_first: bool) -> Any:
    """Rows after the last one of the page before, whose id is the cursor."""
    last = session.get(ActionRow, cursor)
    if last is None:
        raise UnknownAction(f"There is no action {cursor} to go on from.")
    at, key = col(ActionRow.created_at), col(ActionRow.id)
    if oldest_first:
        return or_(at > last.created_at, and_(at == last.created_at, key > last.id))
    return or_(at < last.created_at, and_(at == last.created_at, key < last.id))
