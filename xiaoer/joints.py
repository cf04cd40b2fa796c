"""Where two rooms meet that do not know each other: each takes the other's word in its own shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlmodel import Session

from xiaoer.approvals.context import HouseRules
from xiaoer.approvals.hooks import LedgerHooks
from xiaoer.approvals.refusals import Conflict
from xiaoer.desk.staff import may_decide
from xiaoer.domain.actions import ActionDraft, ActionStatus, ActionView
from xiaoer.domain.stores import Store
from xiaoer.inbox.hooks import Entered, Overtaken
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.pause import MONEY, Pauses
from xiaoer.inbox.queue import Deferral, Queue


def house_rules(stores: Mapping[str, Store], desk: Engine, pauses: Pauses) -> HouseRules:
    """What the ledger asks of the rooms around it: limits, rights, the stop button."""

    def stop_money(store: str, why: str) -> None:
        pauses.pause(MONEY, store, why)

    return HouseRules(
        limits_of=lambda store: stores[store].limits,
        may_decide=lambda staff_id: may_decide(desk, staff_id),
        stop_money=stop_money,
    )


@dataclass(frozen=True)
class Defer:
    """A job in the caller's transaction; this process's workers hear of it when it commits."""

    queue: Queue

    def __call__(self, session: Session, task: str, lock: str, args: dict[str, Any]) -> None:
        self.queue.defer(session, task, lock, args)
        _kick_after_commit(self.queue, session)


@dataclass(frozen=True)
class Tell:
    outbox: Outbox
    queue: Queue

    def __call__(self, session: Session, conversation_id: str, reply: Any, dedupe: str) -> str:
        _kick_after_commit(self.queue, session)
        return self.outbox.tell(session, conversation_id, reply, dedupe)


@dataclass(frozen=True)
class Hooks:
    """The ledger as the inbox knows it: approvals name jobs by tuples, the inbox by its own word."""

    ledger: LedgerHooks

    def actions_of(self, session: Session, conversation_id: str) -> tuple[ActionView, ...]:
        return self.ledger.actions_of(session, conversation_id)

    def propose(self, session: Session, draft: ActionDraft, status: ActionStatus) -> Entered:
        action_id, stands, jobs = self.ledger.propose(session, draft, status)
        return Entered(action_id, stands, [Deferral(task, lock, args) for task, lock, args in jobs])

    def withdraw(self, session: Session, action_id: str, conversation_id: str) -> list[Deferral]:
        try:
            jobs = self.ledger.withdraw(session, action_id, conversation_id)
        except Conflict as error:
            raise Overtaken(action_id) from error
        return [Deferral(task, lock, args) for task, lock, args in jobs]


def _kick_after_commit(queue: Queue, session: Session) -> None:
    event.listen(session, "after_commit", lambda _session: queue.kick(), once=True)
