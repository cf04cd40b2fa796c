"""An inbox in a process of its own, for tests that kill it.

`python inbox_process.py URL SENT_FILE [--hiccups] [THREAD:EVENT:TEXT …]` accepts the messages, works until
nothing waits any more, and ends with 0; with `--serve` it works until it is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys

from sqlalchemy import func, select
from support.inbox import Inbox, message, outcome_of

from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.inbox.outbox import Delivery
from xiaoer.inbox.queue import Pace
from xiaoer.inbox.tables import MESSAGE, OUTBOX
from xiaoer.storage.engine import reading

PACE = Pace(
    heartbeat=0.3, stalled=1.5, drain=0.1, waits={"run_turn": (0.05, 0.05, 0.05, 0.05), "send": (0.05,)}
)


class FileChannel:
    """Appends what it is told to a file: the customer's eyes, outside the system under test."""

    instant = False

    def __init__(self, path: str) -> None:
        self.path = path

    async def send(self, delivery: Delivery) -> str:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{delivery.key}\t{delivery.text}\n".encode())
        os.close(descriptor)
        return delivery.key


async def answer(turn: TurnInput) -> TurnOutcome:
    if "--hiccups" in sys.argv:
        await asyncio.sleep(random.uniform(0, 0.05))
        if random.random() < 0.1:
            raise ConnectionError("a hiccup")
    return outcome_of(turn, "answer to: " + " | ".join(message.text for message in turn.new))


def waits(inbox: Inbox) -> int:
    with reading(inbox.engine) as session:
        received = select(func.count()).select_from(MESSAGE).where(MESSAGE.c.state == "received")
        queued = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.state == "queued")
        return (session.scalar(received) or 0) + (session.scalar(queued) or 0)


async def main(url: str, sent: str, words: list[str]) -> None:
    inbox = Inbox(url, answer, pace=PACE, senders={"telegram": FileChannel(sent)})
    await inbox.start()
    for word in words:
        thread, event, text = word.split(":", 2)
        await inbox.intake.accept(message(text, event_id=event, thread=thread, channel="telegram"))
    while "--serve" in sys.argv or waits(inbox):
        await asyncio.sleep(0.05)
    await inbox.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], [word for word in sys.argv[3:] if not word.startswith("--")]))
