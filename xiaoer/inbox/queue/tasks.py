"""The tasks of the queue: their names, their locks, how often they are tried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from procrastinate import BaseRetryStrategy, RetryDecision, utils
from procrastinate.jobs import Job

Run = Callable[..., Awaitable[None]]
GiveUp = Callable[..., Awaitable[None]]

RUN_TURN = "run_turn"  # args: conversation_id; lock: the conversation
SEND = "send"  # args: conversation_id; lock: out:<conversation>
RUN_CASE = "run_case"  # args: case_id; lock: case:<id>
LOOK = "look"  # args: follow_up_id; lock: look:<id>


@dataclass(frozen=True, slots=True)
class Deferral:
    """A job to be deferred in the transaction that makes it necessary."""

    task: str
    lock: str
    args: dict[str, Any] = field(default_factory=dict)
    schedule_in: float | None = None  # seconds


@dataclass(frozen=True, slots=True)
class Handler:
    """What runs a task. `give_up` is called with the task's arguments after the last try.

    Without it the task is tried for ever, at the last of its waits: nothing is dropped in silence.
    """

    run: Run
    give_up: GiveUp | None = None


# Seconds between tries. A customer hears from a turn that keeps failing within 20 s.
WAITS: dict[str, tuple[float, ...]] = {
    RUN_TURN: (0.5, 3.0, 6.0),
    SEND: (1.0, 4.0, 15.0, 30.0),
    RUN_CASE: (0.5, 2.0, 5.0, 15.0, 30.0),
}
DEFAULT_WAITS = (1.0, 5.0, 30.0)
# A job that kills its process each time never raises; after so many starts it is given up as well.
MOST_STARTS = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the queue's own clocks run, in seconds; tests run them faster."""

    poll: float = 0.2  # the library's 5 s would delay the follow-up job of a conversation by as much
    heartbeat: float = 2.0
    stalled: float = 6.0  # a worker without a heartbeat for this long is dead: its jobs are taken back
    drain: float = 10.0  # what a stopping worker leaves its running jobs
    waits: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: WAITS)


def turn_of(conversation_id: str, schedule_in: float | None = None) -> Deferral:
    """One writer a conversation: the lock is the conversation."""
    return Deferral(RUN_TURN, conversation_id, {"conversation_id": conversation_id}, schedule_in)


def sending_of(conversation_id: str) -> Deferral:
    return Deferral(SEND, f"out:{conversation_id}", {"conversation_id": conversation_id})


def looking_of(follow_up_id: str) -> Deferral:
    """Not under the conversation's lock: a carrier that does not answer must not hold up the customer."""
    return Deferral(LOOK, f"look:{follow_up_id}", {"follow_up_id": follow_up_id})


def case_of(case_id: str, schedule_in: float | None = None) -> Deferral:
    return Deferral(RUN_CASE, f"case:{case_id}", {"case_id": case_id}, schedule_in)


class BackOff(BaseRetryStrategy):
    """Try again after the task's next wait, for ever; giving up is the task's own decision."""

    def __init__(self, waits: tuple[float, ...]) -> None:
        self.waits = waits

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        wait = self.waits[min(job.attempts, len(self.waits) - 1)]
        if not isinstance(exception, Exception):
            wait = 0.0  # cancelled because this process stops: whoever is there goes on at once
        return RetryDecision(retry_at=utils.utcnow() + timedelta(seconds=wait))
