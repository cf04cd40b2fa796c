"""When the model fails, the embedded brain plans the same view: slower words, never silence."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace

import structlog

from xiaoer.agent.brains.handover import memory_after
from xiaoer.agent.brains.protocol import Brain, BrainFailed, Plan, TurnView

log = structlog.get_logger()

FAILURES = 3
WINDOW = 60.0  # seconds in which that many failures close the door
REST = 30.0  # seconds for which it stays closed
TURNS_KEPT = 10_000  # switched turns kept in mind; a turn lasts seconds


class Breaker:
    """Closed after some failures in a row of seconds; after its rest one caller tries, the others wait."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._closed_until: float | None = None

    def allows(self) -> bool:
        if self._closed_until is None:
            return True
        if self._monotonic() < self._closed_until:
            return False
        self._closed_until = self._monotonic() + REST  # for the others, until this one knows
        return True

    def succeeded(self) -> None:
        self._failures.clear()
        self._closed_until = None

    def failed(self) -> None:
        now = self._monotonic()
        self._failures.append(now)
        full = len(self._failures) == FAILURES and now - self._failures[0] <= WINDOW
        if full or self._closed_until is not None:
            self._closed_until = now + REST


class FallbackBrain:
    """The primary brain, and the embedded one for every view it fails at; why is said in `Plan.notes`."""

    def __init__(
        self, primary: Brain, embedded: Brain, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = primary.name
        self._primary = primary
        self._embedded = embedded
        self._provider = primary.name.partition(":")[0]
        self._breaker = Breaker(monotonic)
        self._switched: OrderedDict[str, None] = OrderedDict()

    async def start(self) -> None:
        """Warm the primary up; its failure is told when it is asked."""
        start = getattr(self._primary, "start", None)
        if start is None:
            return
        try:
            await start()
        except Exception:  # a provider that cannot be loaded must not keep the shop from opening
            log.exception("brain_start_failed", brain=self.name)

    async def plan(self, view: TurnView) -> Plan:
        if view.turn_id in self._switched:
            return await self._take_over(view, f"{self._provider} failed earlier in this turn")
        if not self._breaker.allows():
            self._switch(view)
            return await self._take_over(view, f"{self._provider} is resting after {FAILURES} failures")
        try:
            plan = await self._primary.plan(view)
        except BrainFailed as failed:
            return await self._replace(view, failed)
        except Exception as error:  # a bug of ours in the model's way must not silence the shop either
            log.exception("brain_crashed", brain=self.name)
            return await self._replace(view, BrainFailed("crashed", type(error).__name__))
        self._breaker.succeeded()
        if plan.reply is None or plan.memory is not None:
            return plan
        return replace(plan, memory=memory_after(view))

    async def _replace(self, view: TurnView, failed: BrainFailed) -> Plan:
        if failed.outage:
            self._breaker.failed()
        else:  # it answered, if badly: one odd conversation must not close the door for all
            self._breaker.succeeded()
        self._switch(view)
        plan = await self._take_over(view, f"{self._provider} {failed}")
        return replace(plan, model_calls=(*failed.model_calls, *plan.model_calls))

    async def _take_over(self, view: TurnView, why: str) -> Plan:
        plan = await self._embedded.plan(view)
        note = f"{why}, {self._embedded.name} took over"
        return replace(plan, notes=(note, *plan.notes))

    def _switch(self, view: TurnView) -> None:
        """A turn that changed brains stays with the second: two minds in one turn repeat themselves."""
        self._switched[view.turn_id] = None
        while len(self._switched) > TURNS_KEPT:
            self._switched.popitem(last=False)
