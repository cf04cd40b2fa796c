"""A whole inbox over a real database, with a scripted graph in the place of the agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.domain.clock import Clock, utc_now
from xiaoer.domain.messages import HandOff, InboundMessage, Reply
from xiaoer.inbox.console import Console
from xiaoer.inbox.hooks import LedgerHooks, NoLedger
from xiaoer.inbox.intake import Intake
from xiaoer.inbox.live import Live
from xiaoer.inbox.outbox import Delivery, Outbox, Sender, TableSender
from xiaoer.inbox.pause import Pauses
from xiaoer.inbox.queue import Pace, Queue
from xiaoer.inbox.tables import MESSAGE
from xiaoer.inbox.worker import Worker
from xiaoer.storage.engine import make_engine, reading
from xiaoer.storage.metadata import desk_metadata
from xiaoer.stores.loader import load_stores


def outcome_of(
    turn: TurnInput, *replies: str, hand_off: HandOff | None = None, **changes: Any
) -> TurnOutcome:
    """An outcome that changes nothing but what is named."""
    values: dict[str, Any] = {
        "replies": tuple(Reply(text) for text in replies),
        "drafts": (),
        "rejected": (),
        "scope": turn.scope,
        "memory": turn.memory,
        "lang": turn.lang or "en",
        "sentiment": "neutral",
        "hand_off": hand_off,
        "trace": {"brain": "scripted", "tool_calls": [], "guard": [], "model_calls": []},
        "misses": 0,
    }
    return TurnOutcome(**{**values, **changes})


@dataclass
class Echo:
    """A graph that answers with the words it was given, and remembers every turn."""

    turns: list[TurnInput] = field(default_factory=list)
    before: Callable[[TurnInput], Awaitable[None]] | None = None

    async def __call__(self, turn: TurnInput) -> TurnOutcome:
        self.turns.append(turn)
        if self.before is not None:
            await self.before(turn)
        return outcome_of(turn, "answer to: " + " | ".join(message.text for message in turn.new))


@dataclass
class FakeChannel:
    """An outside channel that keeps what it was sent; `fails` are raised first, one a try."""

    sent: list[Delivery] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    instant: bool = False

    async def send(self, delivery: Delivery) -> str:
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(delivery)
        return f"ref-{len(self.sent)}"


class Inbox:
    """Everything joined as the application joins it; `start` runs the worker."""

    def __init__(
        self,
        url: str,
        run_turn: Any = None,
        *,
        hooks: LedgerHooks | None = None,
        turn_seconds: float = 45.0,
        senders: dict[str, Sender] | None = None,
        pace: Pace | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.url = url
        # A stopping test does not wait ten seconds for a turn that hangs on purpose.
        pace = pace or Pace(drain=0.1)
        self.engine = make_engine(url)
        desk_metadata.create_all(self.engine)
        self.queue = Queue(url, pace=pace)
        self.queue.prepare()
        self.live = Live()
        self.graph = run_turn or Echo()
        self.channel = FakeChannel()
        channels = senders or {"web": TableSender(), "telegram": self.channel}
        self.outbox = Outbox(self.engine, self.queue, channels, clock, self.live)
        self.intake = Intake(self.engine, self.queue, clock, self.live)
        self.console = Console(self.engine, self.queue, self.outbox, clock, self.live)
        self.pauses = Pauses(self.engine, self.queue, clock, self.live)
        self.worker = Worker(
            self.engine,
            self.queue,
            self.graph,
            load_stores(),
            hooks or NoLedger(),
            self.outbox,
            clock,
            self.live,
            turn_seconds,
        )
        self.worker.attach()
        self._task: asyncio.Task[None] | None = None

    async def start(self, concurrency: int = 8) -> None:
        await self.queue.open()
        self._task = asyncio.create_task(self.queue.run_worker(concurrency))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self.queue.close()
            self._task = None
        self.engine.dispose()

    def texts(self, *authors: str) -> list[str]:
        """What stands in the message table, in order; of these authors only."""
        query = select(MESSAGE.c.text, MESSAGE.c.author).where(MESSAGE.c.kind != "note")
        with reading(self.engine) as session:
            rows = session.execute(query.order_by(MESSAGE.c.conversation_id, MESSAGE.c.seq)).all()
        return [row.text for row in rows if not authors or row.author in authors]


def message(text: str, event_id: str = "", **changes: Any) -> InboundMessage:
    """A web message of the demo store; the text stands in for the event id."""
    values = {
        "store": "demo-us",
        "channel": "web",
        "thread": "t1",
        "event_id": event_id or text,
        "text": text,
    }
    return InboundMessage(**{**values, **changes})


async def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Poll a condition until it is true; fails with the last value after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {condition} is {value!r}")
        await asyncio.sleep(0.01)
