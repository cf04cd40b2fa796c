"""The history of an action: appended, chained by hash, verified from end to end.

Each action has its own chain, so that no two actions wait for each other; the newest hash also
stands in the action's row, so that entries cut off the end are missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from xiaoer.approvals.rows import terms_of
from xiaoer.approvals.tables import ActionEvent, ActionRow
from xiaoer.domain.actions import TRANSITIONS, ActionStatus
from xiaoer.domain.canonical import digest
from xiaoer.domain.pii import Masker

GENESIS = "sha256:0"


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold, in a sentence."""

    action_id: str
    seq: int | None
    reason: str


def append_event(
    session: Session,
    row: ActionRow,
    to: str,
    actor: str,
    note: str,
    now: datetime,
    *,
    kind: str = "step",
    came_from: str | None = None,
) -> ActionEvent:
    """Add one entry; the caller holds the action's row (by its compare-and-set or FOR UPDATE).

    An entry can never be erased, so what a colleague wrote is kept without personal data.
    """
    note = _without_people(row, note)
    last = session.exec(_newest_first(row.id).limit(1)).first()
    event = ActionEvent(
        action_id=row.id,
        seq=last.seq + 1 if last else 1,
        kind=kind,
        from_status=came_from,
        to_status=to,
        actor=actor,
        note=note,
        digest=row.digest,
        # A clock set back does not turn the history around.
        at=max(now, last.at) if last else now,
        prev_hash=last.hash if last else GENESIS,
        hash="",
    )
    event.hash = event_hash(event)
    session.add(event)
    row.head_hash = event.hash
    row.updated_at = event.at
    session.add(row)
    session.flush()
    return event


ERASED = "erased"  # the kind of the entry that says from when on an action's terms hold tokens


def record_erasure(session: Session, action_id: str, now: datetime) -> None:
    """Say in the chain that personal data was taken out of the terms, and what they are since.

    The digest that people approved stays in the row and in every entry; the terms themselves are checked
    against the newest of these entries from here on.
    """
    row = session.get(ActionRow, action_id, populate_existing=True)
    assert row is not None
    append_event(
        session, row, row.status, "privacy", terms_of(row).digest(), now, kind=ERASED, came_from=row.status
    )


def _without_people(row: ActionRow, note: str) -> str:
    masker = Masker()
    masker.learn_from([row.evidence, row.args])
    return masker.text(note)


def event_hash(event: ActionEvent) -> str:
    content: dict[str, Any] = {
        "action_id": event.action_id,
        "seq": event.seq,
        "kind": event.kind,
        "from": event.from_status,
        "to": event.to_status,
        "actor": event.actor,
        "note": event.note,
        "digest": event.digest,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "prev": event.prev_hash,
    }
    return digest(content)


def history_of(session: Session, action_id: str) -> list[ActionEvent]:
    statement = select(ActionEvent).where(ActionEvent.action_id == action_id).order_by(col(ActionEvent.seq))
    return list(session.exec(statement))


def verify_chain(session: Session, action_id: str | None = None) -> list[Break]:
    """Every break of one action's chain, or of all; empty when the ledger is whole."""
    statement = select(ActionRow).order_by(col(ActionRow.id))
    if action_id is not None:
        statement = statement.where(ActionRow.id == action_id)
    breaks: list[Break] = []
    for row in session.exec(statement.execution_options(populate_existing=True)):
        breaks += _verify_action(row, history_of(session, row.id))
    return breaks


def approved_digest(session: Session, action_id: str) -> str | None:
    """The digest that the approval in force was given for."""
    for event in session.exec(_newest_first(action_id)):
        if event.kind == "step" and event.to_status == ActionStatus.APPROVED:
            return event.digest
    return None


def _newest_first(action_id: str) -> SelectOfScalar[ActionEvent]:
    return select(ActionEvent).where(ActionEvent.action_id == action_id).order_by(col(ActionEvent.seq).desc())


def _verify_action(row: ActionRow, events: list[ActionEvent]) -> list[Break]:
    breaks: list[Break] = []
    previous, status = GENESIS, None
    for position, event in enumerate(events, start=1):
        reason = _flaw(event, position, previous, status, row)
        if reason:
            breaks.append(Break(row.id, event.seq, reason))
        previous = event.hash
        status = event.to_status
    if not events or previous != row.head_hash:
        breaks.append(Break(row.id, None, "the newest entry is missing"))
    if status != row.status:
        breaks.append(Break(row.id, None, f"the action says {row.status}, its history {status}"))
    if terms_of(row).digest() != _terms_now(row, events):
        breaks.append(Break(row.id, None, "the terms are not those that were proposed"))
    return breaks


def _terms_now(row: ActionRow, events: list[ActionEvent]) -> str:
    return next((event.note for event in reversed(events) if event.kind == ERASED), row.digest)


def _flaw(event: ActionEvent, position: int, previous: str, status: str | None, row: ActionRow) -> str | None:
    if event.seq != position:
        return "an entry is missing before this one"
    if event.prev_hash != previous:
        return "it does not follow the entry before it"
    if event_hash(event) != event.hash:
        return "its content was changed"
    if event.digest != row.digest:
        return "it speaks of other terms"
    if event.from_status != status:
        return f"it starts from {event.from_status}, but the action was {status}"
    return _illegal(event)


def _illegal(event: ActionEvent) -> str | None:
    if event.kind != "step" or event.from_status is None:
        return None
    if ActionStatus(event.to_status) in TRANSITIONS[ActionStatus(event.from_status)]:
        return None
    return f"no action goes from {event.from_status} to {event.to_status}"
