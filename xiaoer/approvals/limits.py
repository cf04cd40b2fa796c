"""Daily limits, the second pair of eyes and the velocity stop, read inside the deciding transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from xiaoer.approvals.rows import amount_of
from xiaoer.approvals.tables import ActionConsent, ActionEvent, ActionRow
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.limits import Limits
from xiaoer.domain.money import Money
from xiaoer.domain.refusals import Refusal

DAY = timedelta(hours=24)
_S = ActionStatus
# What has been promised or has happened; everything else moved no money and never will.
_COUNTED = (_S.APPROVED, _S.EXECUTING, _S.UNKNOWN, _S.SUCCEEDED)
UNUSUAL = "unusual_destination"  # a fact of a quote


class OverLimit(Refusal):
    """One of the shop's daily limits would be passed. `whose`: store | customer | approver."""

    code = "over_limit"

    def __init__(self, whose: str, limit: Money, spent: Money, amount: Money) -> None:
        super().__init__(
            f"This would pass the limit of {limit} in 24 hours for {_WHOSE[whose]}: {spent} has been approved already"
            f" and this is {amount}. Reject it, approve less, or wait; an admin can raise the limit in the store's file."
        )
        self.whose, self.limit, self.spent, self.amount = whose, limit, spent, amount


_WHOSE = {"store": "this store", "customer": "this customer", "approver": "you"}


def over_limit(
    session: Session,
    row: ActionRow,
    limits: Limits,
    now: datetime,
    approver_id: str | None,
    *,
    looking: bool = False,
) -> OverLimit | None:
    """The limit that this approval would pass, None when all hold. Call it in the transaction that approves.

    On PostgreSQL approvals of one store queue up here, so that two cannot pass on the same sum; who is only
    `looking` does not wait.
    """
    amount = amount_of(row)
    if amount is None:
        return None
    if not looking:
        _one_at_a_time(session, row.store)
    since = now - DAY
    checks = (
        ("store", limits.store_day, ActionRow.store == row.store),
        ("customer", limits.customer_day if row.customer_ref else None, _customer(row)),
        ("approver", limits.approver_day if approver_id else None, _approver(row, approver_id)),
    )
    for whose, limit, of in checks:
        if limit is None:
            continue
        spent = _spent(session, of, row, since)
        if spent + amount.amount_minor > limit:
            return OverLimit(whose, Money(limit, amount.currency), Money(spent, amount.currency), amount)
    return None


def needs_two(row: ActionRow, limits: Limits) -> bool:
    return limits.needs_two(row.amount_minor, bool(row.quote.get("facts", {}).get(UNUSUAL)))


def needs_step_up(row: ActionRow, limits: Limits) -> bool:
    return limits.needs_step_up(row.amount_minor, bool(row.quote.get("facts", {}).get(UNUSUAL)))


def consents_of(session: Session, action_id: str) -> tuple[ActionConsent, ...]:
    """Who has agreed so far, in order."""
    statement = select(ActionConsent).where(ActionConsent.action_id == action_id)
    return tuple(session.exec(statement.order_by(col(ActionConsent.at), col(ActionConsent.staff_id))))


def agree(session: Session, row: ActionRow, staff_id: str, name: str, now: datetime) -> None:
    """One person's agreement to exactly these terms."""
    session.add(ActionConsent(action_id=row.id, staff_id=staff_id, name=name, digest=row.digest, at=now))
    session.flush()


def too_fast(session: Session, store: str, limits: Limits, now: datetime) -> bool:
    """Whether more has been executed in this store within the last minutes than ever should be."""
    if limits.velocity_actions is None:
        return False
    begun = (
        select(func.count())
        .select_from(ActionEvent)
        .join(ActionRow, col(ActionRow.id) == col(ActionEvent.action_id))
        .where(ActionRow.store == store, ActionEvent.to_status == _S.EXECUTING.value)
        .where(
            ActionEvent.kind == "step", col(ActionEvent.at) > now - timedelta(minutes=limits.velocity_minutes)
        )
    )
    return session.exec(begun).one() >= limits.velocity_actions


def _customer(row: ActionRow) -> object:
    return (col(ActionRow.store) == row.store) & (col(ActionRow.customer_ref) == row.customer_ref)


def _approver(row: ActionRow, approver_id: str | None) -> object:
    """All that this person has agreed to in this store, first or second."""
    agreed = select(ActionConsent.action_id).where(ActionConsent.staff_id == approver_id)
    mine = (col(ActionRow.decided_by_id) == approver_id) | col(ActionRow.id).in_(agreed)
    return (col(ActionRow.store) == row.store) & mine


def _spent(session: Session, of: object, row: ActionRow, since: datetime) -> int:
    statement = (
        select(func.coalesce(func.sum(ActionRow.amount_minor), 0))
        .where(of)  # type: ignore[arg-type]  # a comparison of columns, whatever its exact type
        .where(col(ActionRow.status).in_([status.value for status in _COUNTED]))
        .where(col(ActionRow.decided_at) > since, ActionRow.currency == row.currency, ActionRow.id != row.id)
    )
    return int(session.exec(statement).one() or 0)


def _one_at_a_time(session: Session, store: str) -> None:
    """SQLite's writers queue up anyway; PostgreSQL is told what must."""
    if session.connection().dialect.name == "postgresql":
        session.connection().execute(
            select(func.pg_advisory_xact_lock(func.hashtext(f"approvals/limits/{store}")))
        )
