"""Promises over a real inbox, with a clock to turn and a lookout that sees what a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from support.inbox import Inbox, message, outcome_of

from xiaoer.agent.lookout import Sight, Watch
from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.domain.messages import Reply
from xiaoer.domain.promises import Promise, PromiseKind
from xiaoer.inbox import views
from xiaoer.inbox.followups.desk import FollowUp, FollowUps
from xiaoer.inbox.followups.keeper import Keeper
from xiaoer.inbox.tables import TURN
from xiaoer.storage.engine import reading
from xiaoer.stores.loader import load_stores

# Noon in Los Angeles, where the demo store is awake.
NOON = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
STUCK = {"state": "shipped", "parcels": {"1Z": "stuck"}, "unshipped": 0}
MOVED = {"state": "shipped", "parcels": {"1Z": "on_its_way"}, "unshipped": 0}


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Eyes:
    """A lookout: what it sees stands in `known`; None is a tool that does not answer."""

    known: dict[str, Any] | None = field(default_factory=lambda: dict(STUCK))
    looks: list[Watch] = field(default_factory=list)
    during: Any = None  # what happens elsewhere while it looks

    async def look(self, watch: Watch) -> Sight:
        self.looks.append(watch)
        if self.during is not None:
            self.during()
        trace = {"brain": "follow_up", "ms": 1.0}
        if self.known is None or self.known == watch.snapshot or not watch.snapshot:
            late = Reply("no news; a colleague takes over") if watch.final else None
            return Sight(
                self.known is not None, False, self.known or watch.snapshot, late, watch.final, trace
            )
        return Sight(True, True, self.known, Reply(f"news of {watch.order_no}"), False, trace)


def a_promise(now: datetime, **changes: Any) -> Promise:
    values: dict[str, Any] = {
        "kind": PromiseKind.PARCEL_MOVES,
        "subject": "#1006",
        "look_at": now + timedelta(hours=24),
        "deadline": now + timedelta(hours=72),
        "order_no": "#1006",
        "snapshot": STUCK,
    }
    return Promise(**{**values, **changes})


class Promising:
    """A graph that gives the promises it is told to give, and tells what it is told to have seen."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.promises: list[Promise] | None = None  # None: the usual one
        self.more: dict[str, Any] = {}

    async def __call__(self, turn: TurnInput) -> TurnOutcome:
        given = [a_promise(self.clock())] if self.promises is None else self.promises
        changes = {"promises": tuple(given), "served": True, **self.more}
        return outcome_of(turn, "I look again tomorrow.", **changes)


class World:
    """An inbox whose turns promise, and a keeper over it; `ask` runs one turn."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.graph = Promising(self.clock)
        self.inbox = Inbox(url, self.graph, clock=self.clock)
        self.eyes = Eyes()
        self.keeper = self.make_keeper()
        self.follow_ups = FollowUps(self.inbox.engine, self.inbox.queue, self.clock, self.inbox.live)

    def make_keeper(self) -> Keeper:
        inbox = self.inbox
        return Keeper(
            inbox.engine, inbox.queue, inbox.outbox, self.eyes, load_stores(), self.clock, inbox.live
        )

    async def ask(self, text: str = "where is it?", **changes: Any) -> str:
        event_id = f"{changes.get('thread', 't1')}-{text}"
        accepted = await self.inbox.intake.accept(message(text, event_id, **changes))
        await self.inbox.worker.run_turn(accepted.conversation_id)
        return accepted.conversation_id

    async def look_all(self) -> None:
        """One tick and every look that it has claimed."""
        await self.keeper.tick()
        for one in self.follow_ups.list():
            if one.next_look_at <= self.clock():
                await self.keeper.run(one.id)

    def all(self) -> tuple[FollowUp, ...]:
        return self.follow_ups.list(state=None)

    def said(self, conversation: str) -> list[str]:
        return [item.text for item in views.thread(self.inbox.engine, conversation) if item.kind != "note"]

    def notes(self, conversation: str) -> list[str]:
        return [item.text for item in views.thread(self.inbox.engine, conversation) if item.kind == "note"]

    def turns(self) -> int:
        with reading(self.inbox.engine) as session:
            return session.scalar(select(func.count()).select_from(TURN)) or 0
