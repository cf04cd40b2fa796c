"""Doing what was approved, once.

The order is fixed: fresh quote, compare-and-set to `executing`, grant written down, the call,
read-back, receipt. Whoever stops anywhere leaves the action in a state from which the next run
goes on by looking, never by calling again blindly:

- `approved`: nothing was sent. It may be executed.
- `executing` with a lease: somebody is at it. After the lease it becomes `unknown`.
- `unknown`: it may have happened. Only a read-back leaves this state (see `read_back`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from xiaoer.approvals import ledger, read_back
from xiaoer.approvals.context import CaseContext
from xiaoer.approvals.deadlines import expire, has_expired
from xiaoer.approvals.history import approved_digest, verify_chain
from xiaoer.approvals.limits import consents_of, needs_two, too_fast
from xiaoer.approvals.quotes import REFUSALS, NoQuote
from xiaoer.approvals.refusals import LostRace
from xiaoer.approvals.rows import terms_of
from xiaoer.approvals.tables import ActionRow
from xiaoer.domain.actions import ActionStatus, Quote, Terms
from xiaoer.domain.permits import META_GRANT
from xiaoer.storage.crashpoints import crash_point
from xiaoer.tools.calls import ToolResult
from xiaoer.tools.catalog import BRAIN_TOOLS

log = structlog.get_logger()

_S = ActionStatus
LEASE = timedelta(seconds=45)  # longer than grant, call and read-back together can take
PAUSE_LOOK = timedelta(seconds=5)  # how soon a paused action is looked at again
RETRY_QUOTE = timedelta(seconds=5)

Step = Callable[[Session], ActionStatus]


async def execute_action(context: CaseContext, action_id: str) -> ActionStatus:
    """Bring an approved action as far as it goes now; returns where it stands. Safe to call any time."""
    row = await context.read(lambda session: ledger.get(session, action_id))
    status = ActionStatus(row.status)
    if status is _S.EXECUTING:
        return await context.write(_after_lease(context, action_id))
    if status is not _S.APPROVED or not read_back.is_due(row, context.clock()):
        return status
    return await _run_approved(context, row)


async def _run_approved(context: CaseContext, row: ActionRow) -> ActionStatus:
    if context.paused(row.store):
        return await context.write(_postpone(context, row.id, "paused", "money is paused", PAUSE_LOOK))
    quote = await context.look_ups.quote(terms_of(row))
    if isinstance(quote, NoQuote) and not quote.definite:
        return await context.write(_postpone(context, row.id, quote.code, quote.error, RETRY_QUOTE))
    change = (
        quote.error if isinstance(quote, NoQuote) else what_changed(terms_of(row), quote, row.decided_role)
    )
    if change:
        return await _moved_on(context, row, change)
    if context.paused(row.store):
        return await context.write(_postpone(context, row.id, "paused", "money is paused", PAUSE_LOOK))
    limits = context.house.limits_of(row.store)
    if await context.read(lambda session: too_fast(session, row.store, limits, context.clock())):
        log.error("too many executions: money is stopped", store=row.store)
        await asyncio.to_thread(context.house.stop_money, row.store, "velocity")
        return await context.write(_postpone(context, row.id, "velocity", "too many at a time", PAUSE_LOOK))
    status, fence = await context.write(lambda session: _claim(context, session, row.id))
    if fence is None:
        return status
    crash_point("case.executing")
    return await _call(context, row.id, fence)


async def _moved_on(context: CaseContext, row: ActionRow, change: str) -> ActionStatus:
    """The record is not what was approved: somebody's doing, or our own that a lost commit made us forget."""
    found = await read_back.look(context, terms_of(row))
    if isinstance(found, read_back.Absent):
        return await context.write(_retire(context, row.id, change))
    if isinstance(found, read_back.NoAnswer):
        return await context.write(_postpone(context, row.id, found.code, found.error, RETRY_QUOTE))
    status, fence = await context.write(lambda session: _claim(context, session, row.id))
    if fence is None:
        return status
    return await context.write(lambda session: _done(context, session, row.id, fence, found))


async def _call(context: CaseContext, action_id: str, fence: int) -> ActionStatus:
    signed = await context.write(lambda session: _sign(context, session, action_id, fence))
    if signed is None:
        return await context.read(lambda session: _standing(session, action_id))
    terms, token = signed
    spec = BRAIN_TOOLS[terms.tool]
    result = await context.execute(spec.server, spec.name, terms.args, {META_GRANT: token}, spec.seconds)
    if not result.ok:
        return await context.write(lambda session: _not_done(context, session, action_id, fence, result))
    crash_point("receipt.unrecorded")
    found = await read_back.look(context, terms)
    status = await context.write(lambda session: _done(context, session, action_id, fence, found))
    if status is _S.SUCCEEDED:
        crash_point("receipt.recorded")
    return status


def what_changed(terms: Terms, quote: Quote, decided_role: str | None = None) -> str | None:
    """Why this approval no longer fits the record, None when it does."""
    if quote.decision == "deny":
        return f"the rules refuse it now ({quote.clause_id})"
    if decided_role == "rule" and quote.decision != "allow":
        return f"the rules want a person for it now ({quote.clause_id})"
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("the order", terms.order_version, quote.order_version),
        ("the rules", terms.policy_version, quote.policy_version),
        ("the amount", terms.amount, quote.amount),
        ("the destination", terms.destination, quote.destination),
    )
    for name, then, now in pairs:
        if then != now:
            return f"{name} changed after the approval was asked for ({then} then, {now} now)"
    return None


def _claim(context: CaseContext, session: Session, action_id: str) -> tuple[ActionStatus, int | None]:
    """Take the action for this run: compare-and-set to executing, with a fence and a lease."""
    row = ledger.lock_row(session, action_id)
    status, now = ActionStatus(row.status), context.clock()
    if status is not _S.APPROVED:
        return status, None
    if has_expired(session, row, now):
        expire(session, action_id, status, now)
        context.teller.tell_outcome(session, ledger.lock_row(session, action_id))
        return _S.EXPIRED, None
    if verify_chain(session, action_id) or approved_digest(session, action_id) != terms_of(row).digest():
        log.error("action differs from its approval", action=action_id)
        return _fail(context, session, row, "tampered", "the record is not what was approved"), None
    if trouble := _unauthorised(context, session, row):
        log.error("approval does not hold any more", action=action_id, why=trouble)
        return _fail(context, session, row, "approver", trouble), None
    fence = row.attempts + 1
    ledger.transition(
        session,
        action_id,
        _S.APPROVED,
        _S.EXECUTING,
        "executor",
        f"attempt {fence}",
        now=now,
        attempts=fence,
        lease_until=now + LEASE,
        look_ups=0,
        last_code="",
        last_error="",
    )
    return _S.EXECUTING, fence


def _unauthorised(context: CaseContext, session: Session, row: ActionRow) -> str:
    """Why those who approved may not have this executed now; empty when they may."""
    if row.decided_role == "rule":
        return ""
    agreed = {consent.staff_id for consent in consents_of(session, row.id)} | {row.decided_by_id or ""}
    if not all(context.house.may_decide(staff_id) for staff_id in agreed):
        return "who approved it may not approve any more"
    if needs_two(row, context.house.limits_of(row.store)) and len(agreed) < 2:
        return "a second person has to agree"
    return ""


def _sign(context: CaseContext, session: Session, action_id: str, fence: int) -> tuple[Terms, str] | None:
    """The grant of this attempt; None when another run has declared it dead meanwhile."""
    row = ledger.lock_row(session, action_id)
    if row.status != _S.EXECUTING or row.attempts != fence:
        return None
    terms = terms_of(row)
    server = BRAIN_TOOLS[terms.tool].server
    return terms, context.signer.issue(session, terms, server, terms.tool, terms.args, context.clock())


def _done(
    context: CaseContext, session: Session, action_id: str, fence: int, found: read_back.Looked
) -> ActionStatus:
    """The server says it is done; believed when the read-back says the same."""
    if isinstance(found, read_back.Found):
        return read_back.record_success(context, session, action_id, _S.EXECUTING, found.receipt, fence)
    note = "the server says it is done, but it cannot be read back yet"
    return _leave_unknown(context, session, action_id, fence, "unverified", note)


def _not_done(
    context: CaseContext, session: Session, action_id: str, fence: int, result: ToolResult
) -> ActionStatus:
    """Refused for certain on the first try: failed. Anything else may have happened: unknown."""
    if result.code in REFUSALS and fence == 1:
        row = ledger.lock_row(session, action_id)
        if row.status != _S.EXECUTING or row.attempts != fence:
            return ActionStatus(row.status)
        return _fail(context, session, row, result.code, result.error)
    return _leave_unknown(context, session, action_id, fence, result.code, result.error)


def _leave_unknown(
    context: CaseContext, session: Session, action_id: str, fence: int, code: str, error: str
) -> ActionStatus:
    now = context.clock()
    changes: dict[str, Any] = {"last_code": code, "last_error": error[:500], "next_try_at": None}
    note = f"no certain answer ({code})"
    try:
        ledger.transition(
            session, action_id, _S.EXECUTING, _S.UNKNOWN, "executor", note, now=now, fence=fence, **changes
        )
    except LostRace:
        return _standing(session, action_id)
    return _S.UNKNOWN


def _fail(context: CaseContext, session: Session, row: ActionRow, code: str, error: str) -> ActionStatus:
    status, now = ActionStatus(row.status), context.clock()
    row = ledger.transition(
        session,
        row.id,
        status,
        _S.FAILED,
        "executor",
        f"refused ({code})",
        now=now,
        last_code=code,
        last_error=error[:500],
    )
    context.teller.tell_outcome(session, row)
    return _S.FAILED


def _retire(context: CaseContext, action_id: str, change: str) -> Step:
    """The record moved on: this approval will never run, and the customer hears it."""

    def retire(session: Session) -> ActionStatus:
        changes: dict[str, Any] = {"last_code": "changed", "last_error": change[:500]}
        note, now = f"not executed: {change}"[:300], context.clock()
        try:
            row = ledger.transition(
                session, action_id, _S.APPROVED, _S.SUPERSEDED, "executor", note, now=now, **changes
            )
        except LostRace:
            return _standing(session, action_id)
        context.teller.tell_outcome(session, row)
        return _S.SUPERSEDED

    return retire


def _postpone(context: CaseContext, action_id: str, code: str, error: str, delay: timedelta) -> Step:
    """Nothing was sent and nothing will be for now; the clock wakes the case again."""

    def postpone(session: Session) -> ActionStatus:
        row = ledger.lock_row(session, action_id)
        if row.status == _S.APPROVED:
            row.next_try_at = context.clock() + delay
            row.last_code, row.last_error = code, error[:500]
            session.add(row)
        return ActionStatus(row.status)

    return postpone


def _after_lease(context: CaseContext, action_id: str) -> Step:
    def give_up(session: Session) -> ActionStatus:
        return declare_unknown(session, action_id, context.clock(), ignore_lease=False)

    return give_up


def declare_unknown(session: Session, action_id: str, now: datetime, *, ignore_lease: bool) -> ActionStatus:
    """An execution whose owner is gone: it may have happened. Its fence dies with it."""
    row = ledger.lock_row(session, action_id)
    alive = row.lease_until is not None and now < row.lease_until
    if row.status != _S.EXECUTING or (alive and not ignore_lease):
        return ActionStatus(row.status)
    changes: dict[str, Any] = {
        "last_code": "lost",
        "last_error": "the execution was interrupted",
        "next_try_at": None,
    }
    ledger.transition(
        session, action_id, _S.EXECUTING, _S.UNKNOWN, "executor", "interrupted", now=now, **changes
    )
    return _S.UNKNOWN


def _standing(session: Session, action_id: str) -> ActionStatus:
    return ActionStatus(ledger.get(session, action_id).status)
