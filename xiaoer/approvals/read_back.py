"""Looking what really happened, by the action's id, before anything else is done.

An absence counts only when no permit to execute is alive any more: a call that was delayed on its
way could still arrive with one. Until then the action stays unknown.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from xiaoer.approvals import ledger
from xiaoer.approvals.context import CaseContext
from xiaoer.approvals.grants import SKEW_SECONDS, last_execution_expiry
from xiaoer.approvals.parsing import Garbage, parse_effect
from xiaoer.approvals.quotes import REFUSALS
from xiaoer.approvals.refusals import LostRace
from xiaoer.approvals.rows import terms_of
from xiaoer.approvals.tables import ActionRow
from xiaoer.domain.actions import ActionStatus, Receipt, Terms
from xiaoer.domain.canonical import digest
from xiaoer.domain.changes import ARGS_DIGEST, CHANGING_TOOLS
from xiaoer.domain.clock import iso

log = structlog.get_logger()

_S = ActionStatus
MAX_ATTEMPTS = 3
_SKEW = timedelta(seconds=SKEW_SECONDS)
_FIRST_WAIT = 2.0
LONGEST_WAIT = timedelta(seconds=300)


@dataclass(frozen=True, slots=True)
class Found:
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Absent:
    """The server knows of no effect under this id."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The server could not be asked, or said something that cannot be believed."""

    code: str
    error: str


Looked = Found | Absent | NoAnswer


async def read_back_action(context: CaseContext, action_id: str) -> ActionStatus:
    """Find out what became of an unknown action; returns where it stands. Safe to call any time."""
    row = await context.read(lambda session: ledger.get(session, action_id))
    if row.status != _S.UNKNOWN or not is_due(row, context.clock()):
        return ActionStatus(row.status)
    found = await look(context, terms_of(row))
    return await context.write(lambda session: _record(context, session, action_id, row.attempts, found))


async def look(context: CaseContext, terms: Terms) -> Looked:
    """What the server has under this action's id, compared with what was approved."""
    result = await context.look_ups.effect(terms)
    if not result.ok:
        return NoAnswer(result.code or "down", result.error)
    try:
        receipt = parse_effect(result.data, terms.store)
    except Garbage as error:
        return NoAnswer("garbage", str(error))
    if receipt is None:
        return Absent()
    difference = what_differs(terms, receipt)
    if difference:
        log.error("effect differs from its approval", action=terms.action_id, field=difference)
        return NoAnswer("mismatch", f"what happened differs from what was approved in: {difference}")
    return Found(receipt)


def what_differs(terms: Terms, receipt: Receipt) -> str | None:
    """The first field in which the effect is not the approved one."""
    wanted = _quantities(terms.args.get("lines"))
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("action_id", terms.action_id, receipt.action_id),
        ("tool", terms.tool, receipt.tool),
        ("order_no", terms.order_no, receipt.order_no),
        ("amount", terms.amount, receipt.amount),
        ("destination", terms.destination, receipt.destination),
        # A tool that takes the whole order names its lines only in the receipt.
        ("lines", wanted, wanted if wanted is None else dict(receipt.lines)),
        ("args", _told(terms), receipt.details.get(ARGS_DIGEST) if terms.tool in CHANGING_TOOLS else None),
    )
    return next((name for name, ours, theirs in pairs if ours != theirs), None)


def record_success(
    context: CaseContext,
    session: Session,
    action_id: str,
    came_from: ActionStatus,
    receipt: Receipt,
    fence: int,
) -> ActionStatus:
    """Receipt, step and message to the customer, in one transaction."""
    try:
        row = ledger.transition(
            session,
            action_id,
            came_from,
            _S.SUCCEEDED,
            "executor",
            f"read back: {receipt.reference}",
            now=context.clock(),
            fence=fence,
            receipt=receipt_json(receipt),
            next_try_at=None,
            last_code="",
            last_error="",
        )
    except LostRace:
        return ActionStatus(ledger.get(session, action_id).status)
    context.teller.tell_outcome(session, row)
    return _S.SUCCEEDED


def is_due(row: ActionRow, now: datetime) -> bool:
    """Whether its next try is now; a time further off than any wait was set by a clock since set back."""
    if row.next_try_at is None:
        return True
    return not now < row.next_try_at <= now + LONGEST_WAIT


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    body = asdict(receipt)
    body["lines"] = [{"line_id": line, "quantity": quantity} for line, quantity in receipt.lines]
    body["at"] = iso(receipt.at)
    return body


def _record(
    context: CaseContext, session: Session, action_id: str, fence: int, found: Looked
) -> ActionStatus:
    row = ledger.lock_row(session, action_id)
    if row.status != _S.UNKNOWN or row.attempts != fence:
        return ActionStatus(row.status)
    if isinstance(found, Found):
        return record_success(context, session, action_id, _S.UNKNOWN, found.receipt, fence)
    if isinstance(found, NoAnswer):
        return _wait_for_answer(context, session, row, found)
    return _record_absence(context, session, row)


def _record_absence(context: CaseContext, session: Session, row: ActionRow) -> ActionStatus:
    now = context.clock()
    dies = last_execution_expiry(session, row.id)
    if dies is not None and now < dies + _SKEW:
        row.next_try_at = dies + _SKEW
        session.add(row)
        return _S.UNKNOWN
    if row.last_code in REFUSALS or row.attempts >= MAX_ATTEMPTS:
        note = f"nothing happened; given up after {row.attempts} attempts ({row.last_code})"
        row = ledger.transition(session, row.id, _S.UNKNOWN, _S.FAILED, "executor", note, now=now)
        context.teller.tell_outcome(session, row)
        return _S.FAILED
    note = "read back: nothing has happened"
    ledger.transition(
        session, row.id, _S.UNKNOWN, _S.APPROVED, "executor", note, now=now, next_try_at=None, look_ups=0
    )
    return _S.APPROVED


def _wait_for_answer(context: CaseContext, session: Session, row: ActionRow, why: NoAnswer) -> ActionStatus:
    row.look_ups += 1
    row.last_error = f"read-back: {why.code}: {why.error}"[:500]
    wait = timedelta(seconds=_FIRST_WAIT * 2 ** min(row.look_ups - 1, 10))
    row.next_try_at = context.clock() + min(LONGEST_WAIT, wait)
    session.add(row)
    context.teller.tell_waiting(session, row)
    return _S.UNKNOWN


def _told(terms: Terms) -> str | None:
    """What a receipt of these tools says of its arguments: a new address or variant stands nowhere else in it."""
    return digest(terms.args) if terms.tool in CHANGING_TOOLS else None


def _quantities(lines: list[dict[str, Any]] | None) -> dict[str, int] | None:
    if lines is None:
        return None
    counted: dict[str, int] = {}
    for line in lines:
        counted[line["line_id"]] = counted.get(line["line_id"], 0) + line["quantity"]
    return counted
