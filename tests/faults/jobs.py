"""The queue as a list that a test empties: the same jobs, locks left out, waits on the test's own clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from faults.clock import Clock
from sqlmodel import Session

from xiaoer.inbox.queue import Deferral
from xiaoer.inbox.queue.tasks import DEFAULT_WAITS, WAITS, Handler

_DEFERRED = "xiaoer_deferred"  # the word by which `has_deferred` knows


@dataclass
class Job:
    task: str
    args: dict[str, Any]
    due: datetime
    tries: int = 0


@dataclass
class Jobs:
    """Jobs outlive a crash, as rows do. One too many does no harm, so a rolled-back one may stay."""

    clock: Clock
    waiting: list[Job] = field(default_factory=list)
    handlers: dict[str, Handler] = field(default_factory=dict)

    def handle(self, task: str, run: Any, give_up: Any = None) -> None:
        self.handlers[task] = Handler(run, give_up)

    def every_tick(self, run: Callable[[], Awaitable[None]], name: str = "tick") -> None:
        """The test ticks by itself."""

    def prepare(self) -> None:
        """Nothing to prepare."""

    def kick(self) -> None:
        """Nobody sleeps here."""

    def defer(
        self, session: Session, task: str, lock: str, args: dict[str, Any], schedule_in: float | None = None
    ) -> None:
        session.info[_DEFERRED] = True
        due = self.clock() + timedelta(seconds=schedule_in or 0)
        self.waiting.append(Job(task, dict(args), due))

    def defer_all(self, session: Session, deferrals: list[Deferral]) -> None:
        for one in deferrals:
            self.defer(session, one.task, one.lock, one.args, one.schedule_in)

    def due(self) -> Job | None:
        now = self.clock()
        for at, job in enumerate(self.waiting):
            if job.due <= now:
                return self.waiting.pop(at)
        return None

    async def run(self, job: Job) -> None:
        """One try, with the back-off and the giving up of the real queue."""
        handler = self.handlers[job.task]
        waits = WAITS.get(job.task, DEFAULT_WAITS)
        try:
            await handler.run(**job.args)
        except Exception:  # noqa: BLE001 - whatever a job raises is tried again, as the queue does
            if handler.give_up is not None and job.tries >= len(waits):
                await handler.give_up(**job.args)
                return
            job.due = self.clock() + timedelta(seconds=waits[min(job.tries, len(waits) - 1)])
            job.tries += 1
            self.waiting.append(job)
        except BaseException:
            job.due = self.clock()  # the process died; the row is still there
            self.waiting.append(job)
            raise
