"""The clock's part: expiry, wakes for cases that nobody else wakes, and the first look after a start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Engine, and_, or_
from sqlmodel import Session, col, select

from xiaoer.approvals import ledger
from xiaoer.approvals.deadlines import expire_due
from xiaoer.approvals.executor import declare_unknown
from xiaoer.approvals.outcomes import Tell, Teller
from xiaoer.approvals.read_back import LONGEST_WAIT
from xiaoer.approvals.receipts import default_receipts
from xiaoer.approvals.tables import ActionRow, CaseRow
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.clock import Clock
from xiaoer.storage.engine import transaction

_S = ActionStatus
RUN_CASE = "run_case"
_UNATTENDED = timedelta(seconds=15)  # a wake that was deferred should long have run
_AT_ONCE = 200
_FIRST_REST, _LONGEST_REST = timedelta(seconds=4), timedelta(minutes=10)
_REMEMBERED = 1_000

Deferral = tuple[str, str, dict[str, Any]]  # (task, lock, args)


class Defer(Protocol):
    """Puts a job into the queue in the caller's transaction."""

    def __call__(self, session: Session, task: str, lock: str, args: dict[str, Any]) -> object: ...


def wake(case_id: str) -> Deferral:
    return RUN_CASE, f"case:{case_id}", {"case_id": case_id}


@dataclass(frozen=True, slots=True)
class CaseClock:
    """`tick` every few seconds, `recover` once when the only executor starts."""

    engine: Engine
    tell: Tell
    defer: Defer
    clock: Clock
    paused: Callable[[str], bool]  # is money stopped in this store? (asked again before each execution)
    _woken: dict[str, tuple[datetime, timedelta]] = field(default_factory=dict)

    def tick(self) -> tuple[str, ...]:
        """Expire what is over, wake what is due; returns the ids of the woken cases."""
        with transaction(self.engine) as session:
            expired = self._expire(session)
            cases = tuple(dict.fromkeys((*expired, *self._due(session))))
            for case_id in cases:
                self.defer(session, *wake(case_id))
        return cases

    def recover(self) -> tuple[str, ...]:
        """After a start nobody is executing: whatever says so may have happened, and is looked up."""
        with transaction(self.engine) as session:
            running = select(ActionRow.id).where(ActionRow.status == _S.EXECUTING.value)
            for action_id in list(session.exec(running)):
                declare_unknown(session, action_id, self.clock(), ignore_lease=True)
            cases = self._started(session)
            for case_id in cases:
                self.defer(session, *wake(case_id))
        return tuple(cases)

    def _expire(self, session: Session) -> list[str]:
        teller = Teller(self.tell, default_receipts())
        cases = []
        for action_id in expire_due(session, self.clock()):
            row = ledger.lock_row(session, action_id)
            teller.tell_outcome(session, row)
            cases += [row.case_id] if row.case_id else []
        return cases

    def _due(self, session: Session) -> list[str]:
        now = self.clock()
        row = ActionRow
        due = or_(col(row.next_try_at) <= now, col(row.next_try_at) > now + LONGEST_WAIT)
        forgotten = and_(col(row.next_try_at).is_(None), col(row.updated_at) <= now - _UNATTENDED)
        waiting = and_(col(row.status).in_([_S.APPROVED.value, _S.UNKNOWN.value]), or_(due, forgotten))
        abandoned = and_(col(row.status) == _S.EXECUTING.value, col(row.lease_until) <= now)
        found = self._cases(session, or_(waiting, abandoned))
        ready = [case.id for case, status in found if not (status == _S.APPROVED and self.paused(case.store))]
        return [case_id for case_id in ready if self._may_wake(case_id, now)]

    def _may_wake(self, case_id: str, now: datetime) -> bool:
        """A case that keeps failing is not woken at every tick: each wake is a job that tries for itself."""
        known = self._woken.get(case_id)
        if known and known[0] <= now < known[0] + known[1]:
            return False
        self._woken[case_id] = (now, min(2 * known[1], _LONGEST_REST) if known else _FIRST_REST)
        while len(self._woken) > _REMEMBERED:
            self._woken.pop(next(iter(self._woken)))
        return True

    def _started(self, session: Session) -> list[str]:
        moving = (_S.APPROVED.value, _S.EXECUTING.value, _S.UNKNOWN.value)
        return [case.id for case, _ in self._cases(session, col(ActionRow.status).in_(moving))]

    def _cases(self, session: Session, condition: Any) -> Sequence[tuple[CaseRow, str]]:
        statement = (
            select(CaseRow, ActionRow.status)
            .join(ActionRow, col(ActionRow.id) == col(CaseRow.action_id))
            .where(condition)
            .order_by(col(ActionRow.updated_at))
            .limit(_AT_ONCE)
        )
        return list(session.exec(statement))
