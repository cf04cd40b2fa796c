"""A keeper in a process of its own, for tests that kill it.

`python promise_process.py URL SENT_FILE` keeps the promises that are due by its clock, a day ahead, until none
is open and nothing waits to be sent any more, and ends with 0.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from support.inbox_process import PACE, FileChannel, waits
from support.promises import MOVED, NOON, Clock, Eyes, World

from xiaoer.inbox.queue import Queue


class LateWorld(World):
    """The same desk, a day later, with a channel outside of the system."""

    def __init__(self, url: str, sent: str) -> None:
        super().__init__(url, Clock(NOON + timedelta(hours=24, minutes=5)))
        self.inbox.queue = self.inbox.outbox._queue = Queue(url, pace=PACE)
        self.inbox.outbox._senders["telegram"] = FileChannel(sent)
        self.eyes = Eyes(dict(MOVED))
        self.keeper = self.make_keeper()


async def main(url: str, sent: str) -> None:
    world = LateWorld(url, sent)
    world.inbox.worker._queue = world.inbox.queue
    world.inbox.worker.attach()
    world.keeper.attach()
    await world.inbox.start()
    while world.follow_ups.list() or waits(world.inbox):
        await world.keeper.tick()
        world.clock.forward(seconds=1)
        await asyncio.sleep(0.05)
    await world.inbox.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
