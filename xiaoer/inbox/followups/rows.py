"""Promises enter and leave the table in the transaction of the turn that gives or keeps them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session

from xiaoer.agent.promising import seen_key
from xiaoer.agent.turn import TurnOutcome
from xiaoer.domain.ids import derived_id
from xiaoer.domain.orders import order_key
from xiaoer.domain.promises import LOOKS, Promise, PromiseKind
from xiaoer.inbox.followups.tables import CSAT, FOLLOW_UP, FollowUpState
from xiaoer.inbox.statements import AnyRow, columns
from xiaoer.inbox.storable import storable, storable_text

_COMMENT = 1_000
_OPEN_OF = (
    select(*columns(FOLLOW_UP, "id", "kind", "subject", "snapshot", "deadline"))
    .where(FOLLOW_UP.c.conversation_id == bindparam("of"), FOLLOW_UP.c.state == FollowUpState.OPEN.value)
    .with_for_update()
)
_INSERT = insert(FOLLOW_UP)


def enter_outcome(
    session: Session, conversation: AnyRow, turn_id: str, outcome: TurnOutcome, now: datetime
) -> None:
    """What a committed turn leaves behind: promises given and kept, the closing question and its answer.

    The conversation's row is locked by the turn's own commit: two turns never enter side by side.
    """
    if outcome.promises or outcome.seen:
        standing = list(session.connection().execute(_OPEN_OF, {"of": conversation.id}))
        if not outcome.hand_off:
            _note_seen(session, standing, outcome, now)
        _promise(session, conversation, turn_id, outcome, standing, now)
    if outcome.rating is not None:
        _answer(session, conversation.id, turn_id, outcome, now)


def ask_rating(session: Session, conversation: AnyRow, message_id: str, now: datetime) -> bool:
    """The closing question stands once a conversation; False when it was asked before."""
    values = {
        "conversation_id": conversation.id,
        "store": conversation.store,
        "message_id": message_id,
        "asked_at": now,
        "comment": "",
    }
    query = select(CSAT.c.conversation_id).where(CSAT.c.conversation_id == conversation.id)
    if session.connection().execute(query).first() is not None:
        return False
    session.connection().execute(insert(CSAT), values)
    return True


def _note_seen(session: Session, standing: list[AnyRow], outcome: TurnOutcome, now: datetime) -> None:
    """What the customer has just been answered is no news any more: such a promise is kept by the answer."""
    for row in standing:
        tool, _ = LOOKS[PromiseKind(row.kind)]
        known = outcome.seen.get(seen_key(tool, row.subject))
        if known is None or known == row.snapshot:
            continue
        changes: dict[str, Any] = {"snapshot": storable(known)}
        if row.snapshot:
            changes |= {"state": FollowUpState.KEPT.value, "closed_by": "turn", "closed_at": now}
        session.connection().execute(update(FOLLOW_UP).where(FOLLOW_UP.c.id == row.id).values(changes))


def _promise(
    session: Session,
    conversation: AnyRow,
    turn_id: str,
    outcome: TurnOutcome,
    standing: list[AnyRow],
    now: datetime,
) -> None:
    known = {(row.kind, _subject(row.subject)): row for row in _still_open(session, standing)}
    for promise in outcome.promises:
        row = known.get((promise.kind.value, _subject(promise.subject)))
        if row is None:
            values = _values(conversation, turn_id, promise, outcome, now)
            session.connection().execute(_INSERT, values)
            known[promise.kind.value, _subject(promise.subject)] = promise
        elif promise.deadline > row.deadline:
            # Promised again: the earlier look stays, the later end counts.
            later = update(FOLLOW_UP).where(FOLLOW_UP.c.id == row.id).values(deadline=promise.deadline)
            session.connection().execute(later)


def _still_open(session: Session, standing: list[AnyRow]) -> list[AnyRow]:
    if not standing:
        return []
    ids = [row.id for row in standing]
    query = select(*columns(FOLLOW_UP, "id", "kind", "subject", "deadline"))
    still = (FOLLOW_UP.c.id.in_(ids), FOLLOW_UP.c.state == FollowUpState.OPEN.value)
    return list(session.connection().execute(query.where(*still)))


def _subject(subject: str) -> str:
    return order_key(subject)


def _values(
    conversation: AnyRow, turn_id: str, promise: Promise, outcome: TurnOutcome, now: datetime
) -> dict[str, Any]:
    return {
        "id": derived_id("F", turn_id, promise.kind.value, promise.subject),
        "store": conversation.store,
        "conversation_id": conversation.id,
        "kind": promise.kind.value,
        "subject": storable_text(promise.subject),
        "order_no": storable_text(promise.order_no),
        "customer_ref": outcome.scope.customer_ref,
        "snapshot": storable(promise.snapshot or {}),
        "urgent": promise.urgent or outcome.sentiment == "angry",
        "promised_at": now,
        "next_look_at": promise.look_at,
        "deadline": promise.deadline,
        "tries": 0,
        "state": FollowUpState.OPEN.value,
        "turn_id": turn_id,
        "closed_by": "",
    }


def _answer(
    session: Session, conversation_id: str, turn_id: str, outcome: TurnOutcome, now: datetime
) -> None:
    assert outcome.rating is not None
    given = {
        "score": outcome.rating.score,
        "comment": storable_text(outcome.rating.comment)[:_COMMENT],
        "turn_id": turn_id,
        "answered_at": now,
    }
    first = (CSAT.c.conversation_id == conversation_id, CSAT.c.score.is_(None))
    session.connection().execute(update(CSAT).where(*first).values(given))
