"""Named places where a test may kill the process: nothing in production, SIGKILL under a test.

`XIAOER_CRASH_AT=name` (or `name:3` for the third passage) arms one point; a file beside it,
`XIAOER_CRASH_LOG`, receives the names of the points that were passed, so that a test can prove
that the point it armed was really there.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

# Every point, with what has just become durable there.
POINTS: dict[str, str] = {
    "intake.stored": "the message is stored, the sender not yet answered",
    "turn.loaded": "the turn has read its history",
    "turn.planned": "the graph has run, nothing is committed",
    "turn.committed": "replies, proposals and trace are committed, nothing is sent",
    "outbox.sent": "the channel has the message, the row is not marked",
    "followup.claimed": "a promise is claimed for a look, nothing is read",
    "followup.looked": "the truth is read, nothing is committed",
    "followup.told": "the news is committed, nothing is sent",
    "decision.committed": "a person's decision is committed, the case not woken",
    "case.executing": "the action is executing, the server not called",
    "effect.done": "the shop has done it, the caller has not heard",
    "receipt.unrecorded": "the server has answered, the ledger not written",
    "receipt.recorded": "the ledger holds the receipt, the customer is not told",
}

_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Die here when a test has armed this point."""
    armed = os.environ.get("XIAOER_CRASH_AT")
    if armed is None:
        return
    if name not in POINTS:
        raise KeyError(f"{name} is not a registered crash point")
    _passed[name] += 1
    wanted, _, times = armed.partition(":")
    log = os.environ.get("XIAOER_CRASH_LOG")
    if log:
        with Path(log).open("a") as file:
            file.write(f"{name}\n")
    if name == wanted and _passed[name] == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)
