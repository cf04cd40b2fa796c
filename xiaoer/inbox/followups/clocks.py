"""The worker's clocks for what is said unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import Engine

from xiaoer.domain.clock import Clock
from xiaoer.domain.stores import Store
from xiaoer.inbox.followups.keeper import Keeper, Look
from xiaoer.inbox.hooks import LedgerHooks
from xiaoer.inbox.live import Live
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.queue import Queue
from xiaoer.inbox.silence import Say, Silence


class Speaking(Look, Protocol):
    """agent.lookout.Lookout: looks, and has the words."""

    @property
    def say(self) -> Say: ...


def attach_clocks(
    engine: Engine,
    queue: Queue,
    outbox: Outbox,
    lookout: Speaking,
    stores: Mapping[str, Store],
    hooks: LedgerHooks,
    clock: Clock,
    live: Live,
) -> None:
    """Promises are kept and silence ends from now on, while this process works on the queue."""
    Keeper(engine, queue, outbox, lookout, stores, clock, live).attach()
    Silence(engine, queue, outbox, lookout.say, stores, hooks, clock, live).attach()
