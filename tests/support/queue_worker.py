"""A worker in a process of its own, for tests that kill it: `python queue_worker.py URL FILE`.

Each job writes `start NAME` and, after its wait, `end NAME` to the file.
"""

from __future__ import annotations

import asyncio
import os
import sys

from xiaoer.inbox.queue import Handler, Pace, Queue


async def main(url: str, path: str) -> None:
    def note(line: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)

    async def run(name: str, wait: float) -> None:
        note(f"start {name}")
        await asyncio.sleep(wait)
        note(f"end {name}")

    queue = Queue(url, {"run_case": Handler(run)}, Pace(heartbeat=0.3, stalled=1.5))
    await queue.open()
    await queue.run_worker(4)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
