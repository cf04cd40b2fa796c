"""The ledger: the only truth about what may happen, is happening and has happened.

Every function works inside the caller's transaction (`storage.engine.transaction`). A step of an
action is a compare-and-set and its history entry, together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, bindparam, delete, or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from xiaoer.approvals import matters
from xiaoer.approvals.history import append_event
from xiaoer.approvals.refusals import Conflict, IllegalTransition, LostRace, UnknownAction
from xiaoer.approvals.rows import held_lines, row_of, view_of
from xiaoer.approvals.tables import ActionHold, ActionRow, ActionWatch, CaseRow
from xiaoer.domain.actions import OPEN, TRANSITIONS, ActionDraft, ActionStatus, ActionView
from xiaoer.domain.ids import derived_id

_S = ActionStatus
_SUPERSEDABLE = frozenset({_S.PENDING, _S.APPROVED})
_CASE_KINDS = {
    "issue_refund": "refund",
    "issue_coupon": "coupon",
    "create_return_label": "return",
    "cancel_order": "cancellation",
}


@dataclass(frozen=True, slots=True)
class Proposed:
    """What stands in the ledger now. `new` is False when an earlier or another open action answers."""

    action_id: str
    case_id: str | None  # None when a clause refused: nothing will run
    new: bool = True
    superseded_case: str | None = None  # a case that ended by this proposal and is to be woken


def propose(
    session: Session, draft: ActionDraft, status: ActionStatus, now: datetime, *, actor: str = "assistant"
) -> Proposed:
    """Enter an action as pending, approved (by a rule) or rejected (by a clause).

    The same action id again returns the first. Lines that another open action speaks for are
    not spoken for twice: the open action is returned. `draft.supersedes` makes room first.
    """
    known = session.get(ActionRow, draft.terms.action_id)
    if known is not None:
        return Proposed(known.id, known.case_id, new=False)
    _require_consistent(draft)
    if draft.quote.decision == "deny" or status is _S.REJECTED:
        return _record_refused(session, draft, now)
    standing = None
    while standing is None:  # the open action may end between our try and our look
        try:
            with session.begin_nested():
                return _enter(session, draft, status, now, actor)
        except _LinesTaken:
            standing = _open_instead(session, draft)
    return standing


def transition(
    session: Session,
    action_id: str,
    expected: ActionStatus,
    to: ActionStatus,
    actor: str,
    note: str,
    *,
    now: datetime,
    fence: int | None = None,
    **changes: Any,
) -> ActionRow:
    """Move an action if it still stands where the caller saw it, with its history entry.

    `fence` also demands that the attempt which runs is still this one. `changes` are columns set
    in the same statement. Raises LostRace when somebody was faster, IllegalTransition for a step
    that the state machine does not have.
    """
    if to not in TRANSITIONS[expected]:
        raise IllegalTransition(f"no action goes from {expected} to {to}")
    statement = update(ActionRow).where(
        col(ActionRow.id) == action_id, col(ActionRow.status) == expected.value
    )
    if fence is not None:
        statement = statement.where(col(ActionRow.attempts) == fence)
    statement = statement.values(status=to.value, **changes)
    session.flush()
    if not _won(session, statement):
        raise LostRace(action_id, expected, status_of(session, action_id))
    row = get(session, action_id)
    append_event(session, row, to.value, actor, note, now, came_from=expected.value)
    if to not in OPEN:
        _close(session, row, now)
    return row


def note_attempt(session: Session, action_id: str, actor: str, note: str, now: datetime) -> None:
    """Record that somebody tried and was refused; the action stays where it is."""
    row = lock_row(session, action_id)
    append_event(session, row, row.status, actor, note, now, kind="attempt", came_from=row.status)


def note(session: Session, action_id: str, actor: str, text: str, now: datetime) -> None:
    """Tell something in the history; the action stays where it is."""
    row = lock_row(session, action_id)
    append_event(session, row, row.status, actor, text, now, kind="note", came_from=row.status)


def cancel_by_customer(session: Session, action_id: str, now: datetime) -> ActionView:
    """Take back what has not begun; raises Conflict when it is decided, running or done."""
    row = lock_row(session, action_id)
    status = ActionStatus(row.status)
    if status not in _SUPERSEDABLE:
        raise conflict_of(row)
    row = transition(
        session, action_id, status, _S.CANCELLED, "customer", "taken back by the customer", now=now
    )
    return view_of(row)


def get(session: Session, action_id: str) -> ActionRow:
    """The row as the database has it now; raises UnknownAction."""
    row = session.get(ActionRow, action_id, populate_existing=True)
    if row is None:
        raise UnknownAction(f"There is no action {action_id}.")
    return row


def lock_row(session: Session, action_id: str) -> ActionRow:
    """The row, held until the end of the transaction (SQLite's transaction holds everything anyway)."""
    row = session.get(ActionRow, action_id, populate_existing=True, with_for_update=True)
    if row is None:
        raise UnknownAction(f"There is no action {action_id}.")
    return row


def status_of(session: Session, action_id: str) -> ActionStatus | None:
    found = session.exec(select(ActionRow.status).where(ActionRow.id == action_id)).first()
    return ActionStatus(found) if found else None


# Every turn asks this; built once, because to build it takes longer than to run it.
_WATCHED = select(ActionWatch.action_id).where(ActionWatch.conversation_id == bindparam("conversation"))
_ACTIONS_OF = (
    select(ActionRow)
    .where(or_(col(ActionRow.conversation_id) == bindparam("conversation"), col(ActionRow.id).in_(_WATCHED)))
    .order_by(col(ActionRow.created_at), col(ActionRow.id))
)


def actions_of(session: Session, conversation_id: str) -> tuple[ActionView, ...]:
    """Every action of a conversation, and those of others that it waits for too, oldest first."""
    rows = session.exec(_ACTIONS_OF, params={"conversation": conversation_id})
    return tuple(view_of(row) for row in rows)


def conflict_of(row: ActionRow) -> Conflict:
    """Why this action can no longer be decided, in words for the one who was slower."""
    status = ActionStatus(row.status)
    if status is _S.EXPIRED:
        return Conflict("This action has expired; it can no longer be decided.", "expired", status)
    if status is _S.SUPERSEDED:
        return Conflict(
            "Another action has taken the place of this one.", "superseded", status, row.decided_by
        )
    if status is _S.CANCELLED:
        return Conflict("The customer has taken this request back.", "cancelled", status)
    winner = row.decided_by or "somebody else"
    return Conflict(
        f"{winner} has decided this already; it is {status.value}.", "decided", status, row.decided_by
    )


class _LinesTaken(Exception):
    """Another open action speaks for one of the lines; rolls the savepoint back."""


def _enter(session: Session, draft: ActionDraft, status: ActionStatus, now: datetime, actor: str) -> Proposed:
    old = _supersede(session, draft, now, actor)
    row = row_of(draft, now)
    _hold_lines(session, row)
    inherits = old is not None and old.case_id and (old.store, old.order_no) == (row.store, row.order_no)
    row.case_id = old.case_id if old and inherits else derived_id("CASE", row.id)
    row.supersedes = old.id if old else None
    session.add(row)
    session.flush()
    if inherits:
        _hand_over_case(session, row, now)
    else:
        session.add(_case_of(row, now))
        if old is not None:
            matters.dropped(session, old, now)
    matters.entered(session, row, now)
    append_event(session, row, _S.PROPOSED.value, actor, f"proposed for {row.intent}", now)
    _first_steps(session, row, status, now)
    return Proposed(row.id, row.case_id, True, old.case_id if old and not inherits else None)


def _first_steps(session: Session, row: ActionRow, status: ActionStatus, now: datetime) -> None:
    clause = row.quote["clause_id"]
    if status is _S.PENDING:
        transition(session, row.id, _S.PROPOSED, _S.PENDING, "policy", f"{clause}: a person decides", now=now)
        return
    if status is not _S.APPROVED or row.quote["decision"] != "allow":
        raise ValueError(f"{row.id}: a rule cannot make it {status.value} on {row.quote['decision']}")
    actor = f"rule:{clause}"
    decided: dict[str, Any] = {
        "decided_by": actor,
        "decided_role": "rule",
        "decided_at": now,
    }
    transition(session, row.id, _S.PROPOSED, _S.APPROVED, actor, f"{clause} allows it", now=now, **decided)


def _record_refused(session: Session, draft: ActionDraft, now: datetime) -> Proposed:
    row = row_of(draft, now)
    session.add(row)
    session.flush()
    append_event(session, row, _S.PROPOSED.value, "assistant", f"proposed for {row.intent}", now)
    actor = f"rule:{draft.quote.clause_id}"
    decided: dict[str, Any] = {
        "decided_by": actor,
        "decided_role": "rule",
        "decided_at": now,
        "told": "refused",
    }
    transition(session, row.id, _S.PROPOSED, _S.REJECTED, actor, "refused by the policy", now=now, **decided)
    return Proposed(row.id, None)


def _supersede(session: Session, draft: ActionDraft, now: datetime, actor: str) -> ActionRow | None:
    """Retire the action that this draft replaces, if it is this conversation's and has not begun."""
    if draft.supersedes is None:
        return None
    old = session.get(ActionRow, draft.supersedes, populate_existing=True, with_for_update=True)
    if old is None or old.conversation_id != draft.terms.conversation_id:
        return None
    status = ActionStatus(old.status)
    if status not in _SUPERSEDABLE:
        return None
    new_id = draft.terms.action_id
    return transition(
        session,
        old.id,
        status,
        _S.SUPERSEDED,
        actor,
        f"replaced by {new_id}",
        now=now,
        superseded_by=new_id,
    )


def _hold_lines(session: Session, row: ActionRow) -> None:
    for line in held_lines(row.args):
        hold = ActionHold(
            store=row.store, order_no=row.order_no, tool=row.tool, line_id=line, action_id=row.id
        )
        session.add(hold)
        try:
            session.flush()
        except IntegrityError as error:
            raise _LinesTaken from error


def _open_instead(session: Session, draft: ActionDraft) -> Proposed | None:
    terms = draft.terms
    statement = select(ActionHold.action_id).where(
        ActionHold.store == terms.store,
        ActionHold.order_no == terms.order_no,
        ActionHold.tool == terms.tool,
        col(ActionHold.line_id).in_(held_lines(terms.args)),
    )
    holders = list(session.exec(statement.order_by(col(ActionHold.line_id))))
    # The action that was to be replaced is not what stands in the way.
    holders.sort(key=lambda action_id: action_id == draft.supersedes)
    if not holders:
        return None
    row = get(session, holders[0])
    if row.conversation_id != terms.conversation_id:
        session.merge(ActionWatch(action_id=row.id, conversation_id=terms.conversation_id))
    return Proposed(row.id, row.case_id, new=False)


def _hand_over_case(session: Session, row: ActionRow, now: datetime) -> None:
    session.execute(
        update(CaseRow)
        .where(col(CaseRow.id) == row.case_id)
        .values(action_id=row.id, state="open", updated_at=now)
        .execution_options(synchronize_session=False)
    )


def _close(session: Session, row: ActionRow, now: datetime) -> None:
    """Nothing more will run: the lines are free, the case that was about this action is closed."""
    session.execute(delete(ActionHold).where(col(ActionHold.action_id) == row.id))
    session.execute(
        update(CaseRow)
        .where(col(CaseRow.id) == row.case_id, col(CaseRow.action_id) == row.id)
        .values(state="closed", updated_at=now)
        .execution_options(synchronize_session=False)
    )
    matters.ended(session, row, now)


def _case_of(row: ActionRow, now: datetime) -> CaseRow:
    return CaseRow(
        id=row.case_id or "",
        kind=_CASE_KINDS.get(row.tool, row.tool),
        action_id=row.id,
        conversation_id=row.conversation_id,
        order_no=row.order_no,
        store=row.store,
        created_at=now,
        updated_at=now,
    )


def _require_consistent(draft: ActionDraft) -> None:
    """The terms are the quote's; a caller that mixes two has a mistake, and nothing enters."""
    terms, quote = draft.terms, draft.quote
    pairs: Iterable[tuple[str, Any, Any]] = (
        ("tool", terms.tool, quote.tool),
        ("order_no", terms.order_no, quote.order_no),
        ("amount", terms.amount, quote.amount),
        ("destination", terms.destination, quote.destination),
        ("order_version", terms.order_version, quote.order_version),
        ("policy_version", terms.policy_version, quote.policy_version),
        ("args.order_no", terms.args.get("order_no", terms.order_no), terms.order_no),
    )
    for name, ours, theirs in pairs:
        if ours != theirs:
            raise ValueError(f"{terms.action_id}: terms and quote differ in {name}: {ours} and {theirs}")


def _won(session: Session, statement: Any) -> bool:
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
