"""The house with its real queue, real savers and real time, in a process of its own that can be killed.

`Remains` is what such a process leaves: the files, read by the checker after the last one has ended.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from faults.clock import NOON, Clock
from faults.house import House, Sent, demo_stores
from faults.oracle import OracleChannel, ShopOracle, append, lines_of

from xiaoer.approvals.keys import load_or_make_key
from xiaoer.approvals.savers import open_saver
from xiaoer.inbox.queue import Pace, Queue
from xiaoer.storage.engine import make_engine

PACE = Pace(
    poll=0.05,
    heartbeat=0.3,
    stalled=1.5,
    drain=0.1,
    waits={"run_turn": (0.05, 0.1, 0.2), "send": (0.05, 0.1), "run_case": (0.05, 0.1, 0.2)},
)


@dataclass
class RunningClock(Clock):
    """Runs with the machine's clock from the day of seeding on, over all processes of one home."""

    epoch: float = field(default_factory=time.time)
    ahead: float = 0.0

    def __call__(self) -> datetime:
        return NOON + timedelta(seconds=time.time() - self.epoch + self.ahead)

    def forward(self, seconds: float) -> None:
        self.ahead += seconds

    @property
    def steady(self) -> Any:
        return self


class LivingHouse(House):
    """Started and killed as often as a test likes, over one home."""

    def __init__(self, home: Path, **options: Any) -> None:
        home.mkdir(parents=True, exist_ok=True)
        epoch = home / "epoch"  # stands once everything is laid out: a kill before that begins anew
        first = not epoch.exists()
        began = time.time() if first else float(epoch.read_text())
        super().__init__(home, clock=RunningClock(epoch=began), fresh=first, **options)
        if first:
            (home / "epoch.new").write_text(repr(began))
            (home / "epoch.new").rename(epoch)

    async def __aenter__(self) -> LivingHouse:
        self.url = f"sqlite:///{self.home / 'desk.db'}"
        self._opened = open_saver(self.url)
        self.saver = await self._opened.__aenter__()
        await super().__aenter__()
        await self.queue.open()
        self.worker.recover()
        self.ticks.recover()
        self._task = asyncio.create_task(self.queue.run_worker(8))
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.queue.close()
        await super().__aexit__(*failure)
        await self._opened.__aexit__(None, None, None)

    def enter(self, stack: ExitStack) -> None:
        """The real crash points stay, and logs go where they go."""

    def make_keys(self) -> tuple[Ed25519PrivateKey, Ed25519PrivateKey]:
        return load_or_make_key(self.home / "context.pem"), load_or_make_key(self.home / "grant.pem")

    def begin(self) -> None:
        self.queue = Queue(self.url, pace=PACE)
        self.queue.prepare()
        jobs: Any = self.queue
        self.jobs = jobs
        self.join()

        async def tick() -> None:
            await asyncio.to_thread(self.ticks.tick)

        self.queue.every_tick(tick)

    async def write(self, text: str, thread: str = "t1", event_id: str = "", **more: Any) -> Any:
        accepted = await super().write(text, thread, event_id, **more)
        one = self.sent[-1]
        note = {"store": one.store, "channel": one.channel, "event_id": one.event_id}
        append(self.home / "client.jsonl", {**note, "thread": one.thread, "text": one.text})
        return accepted

    async def until(self, look: Any, what: str, seconds: float = 30.0) -> Any:
        """Poll until it is so; the clock runs by itself."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not happen within {seconds} s: {self.loose_ends()}")
            await asyncio.sleep(0.02)
        return found

    async def rest(self, seconds: float = 30.0) -> None:
        """Until nothing is in the air; the ledger's waits are skipped by moving the clock."""
        deadline = time.monotonic() + seconds
        while self.loose_ends():
            if time.monotonic() > deadline:
                raise AssertionError(f"still in the air after {seconds} s: {self.loose_ends()}")
            self.clock.forward(1.0)
            self.ticks.tick()
            self.queue.kick()
            await asyncio.sleep(0.05)


class Remains:
    """A home after its processes have ended, as the checker reads it."""

    def __init__(self, home: Path, deaths: int = 0) -> None:
        self.home = home
        self.deaths, self.lost_commits = deaths, False
        self.stores = demo_stores()
        self.desk_engine = make_engine(f"sqlite:///{home / 'desk.db'}")
        self.shop_engine = make_engine(f"sqlite:///{home / 'shop.db'}")
        self.shop_oracle = ShopOracle(home / "effects.jsonl")
        self.channel = OracleChannel(home / "channel.jsonl")
        self.brain = None
        self.logs: list[dict[str, Any]] = []
        self.sent: list[Sent] = []
        for one in lines_of(home / "client.jsonl"):
            self.sent.append(Sent(**one, accepted=1))

    def close(self) -> None:
        self.desk_engine.dispose()
        self.shop_engine.dispose()
