"""When nobody can tell what became of an action: look once more, or two people give their word.

An action is stuck when the shop was asked and gave no answer that can be believed (no answer at all, or
one that contradicts the approval). The way out is a read-back that succeeds after all, or the same word of
two different people who have looked in the shop's own back office. Their word counts only when no permit
to execute is alive any more, for the attempt that it was given on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlmodel import Session, col, select

from xiaoer.approvals import ledger
from xiaoer.approvals.grants import SKEW_SECONDS, last_execution_expiry
from xiaoer.approvals.refusals import Conflict
from xiaoer.approvals.rows import amount_of
from xiaoer.approvals.tables import ActionClosing, ActionRow
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.clock import iso
from xiaoer.domain.refusals import BadInput, Refusal

_S = ActionStatus
Outcome = Literal["succeeded", "failed"]
OUTCOMES: dict[str, ActionStatus] = {"succeeded": _S.SUCCEEDED, "failed": _S.FAILED}
CLOSED = "closed"  # last_code of what people closed
_LONGEST_NOTE, _LONGEST_REFERENCE = 500, 80


@dataclass(frozen=True, slots=True)
class Word:
    """What one person says that has happened."""

    staff_id: str
    name: str
    outcome: str
    reference: str  # of the shop's back office, where it happened
    note: str
    at: datetime


def words_of(session: Session, row: ActionRow) -> tuple[Word, ...]:
    """The words that count now, in order: those on another attempt are void."""
    statement = select(ActionClosing).where(
        ActionClosing.action_id == row.id, ActionClosing.attempts == row.attempts
    )
    return tuple(
        Word(said.staff_id, said.name, said.outcome, said.reference, said.note, said.at)
        for said in session.exec(statement.order_by(col(ActionClosing.at), col(ActionClosing.staff_id)))
    )


def is_stuck(session: Session, row: ActionRow, now: datetime) -> bool:
    """Whether people may give their word: looked up in vain, and nothing on its way any more."""
    if row.status != _S.UNKNOWN or not row.look_ups:
        return False
    dies = last_execution_expiry(session, row.id)
    return dies is None or now >= dies + timedelta(seconds=SKEW_SECONDS)


def look_again(session: Session, action_id: str, who: str, now: datetime) -> ActionRow:
    """Make the next read-back due; the caller wakes the case. Raises Conflict when it is known meanwhile."""
    row = _require_unknown(session, action_id)
    row.next_try_at = None
    session.add(row)
    ledger.note(session, action_id, who, "asked for another look in the shop", now)
    return ledger.get(session, action_id)


def give_word(
    session: Session,
    action_id: str,
    staff_id: str,
    name: str,
    outcome: str,
    reference: str,
    note: str,
    now: datetime,
) -> ActionRow:
    """One person's word; the second who says the same closes the action. Raises BadInput, Refusal, Conflict."""
    reference, note = _checked(outcome, reference, note)
    row = _require_unknown(session, action_id)
    if not is_stuck(session, row, now):
        raise Refusal("It is still being looked up. Wait until the shop has been asked.", "too_early")
    session.merge(
        ActionClosing(
            action_id=row.id, staff_id=staff_id, name=name, outcome=outcome, reference=reference,
            note=note, attempts=row.attempts, at=now,
        )
    )  # fmt: skip
    session.flush()
    agreeing = [
        word for word in words_of(session, row) if (word.outcome, word.reference) == (outcome, reference)
    ]
    said = f"{name} says it {'happened' if outcome == 'succeeded' else 'did not happen'}: {note}"
    if len(agreeing) < 2:
        ledger.note(session, row.id, name, f"{said} (a second person has to say the same)", now)
        return ledger.get(session, row.id)
    names = " and ".join(word.name for word in agreeing)
    return ledger.transition(
        session, row.id, _S.UNKNOWN, OUTCOMES[outcome], names, f"closed by two people. {said}", now=now,
        fence=row.attempts, **_changes(row, outcome, reference, [word.name for word in agreeing], now),
    )  # fmt: skip


def _changes(row: ActionRow, outcome: str, reference: str, names: list[str], now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {"next_try_at": None, "last_code": CLOSED, "last_error": ""}
    if outcome != "succeeded":
        return changes
    amount = amount_of(row)
    return changes | {
        "receipt": {
            "action_id": row.id,
            "tool": row.tool,
            "store": row.store,
            "order_no": row.order_no,
            "reference": reference,
            "amount": {"amount_minor": amount.amount_minor, "currency": amount.currency} if amount else None,
            "destination": row.destination,
            "lines": row.args.get("lines", []),
            "details": {},
            "at": iso(now),
            "closed_by": names,  # not read back: two people looked
        }
    }


def _checked(outcome: str, reference: str, note: str) -> tuple[str, str]:
    reference, note = reference.strip(), note.strip()
    if outcome not in OUTCOMES:
        raise BadInput("What happened is succeeded or failed.")
    if not 1 <= len(note) <= _LONGEST_NOTE:
        raise BadInput(f"Say in 1 to {_LONGEST_NOTE} characters where you looked and what you saw.")
    if outcome == "succeeded" and not 1 <= len(reference) <= _LONGEST_REFERENCE:
        raise BadInput("Give the reference under which the shop has it.")
    return (reference if outcome == "succeeded" else ""), note


def _require_unknown(session: Session, action_id: str) -> ActionRow:
    row = ledger.lock_row(session, action_id)
    if row.status != _S.UNKNOWN:
        status = ActionStatus(row.status)
        raise Conflict(f"It is known meanwhile: {status.value}.", "settled", status)
    return row
