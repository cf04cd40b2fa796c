"""Processes that are stopped, and come back when another has long taken over; processes killed at random.

Rows 2 and 3 of the matrix, with real signals on forked processes.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.checker import broken
from faults.crashes import EXPECTED, ROADS, fork
from faults.living import LivingHouse, Remains
from faults.matrix import Outcome


def child(work: Callable[[], Any], home: Path) -> int:
    """Start a process for this; its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        log = os.open(home / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        asyncio.run(work())
        code = 0
    except BaseException:  # noqa: BLE001 - a forked child must never return into the parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def judged(home: Path, row: int, name: str, done: str, begun: float, effects: int) -> Outcome:
    remains: Any = Remains(home, deaths=20)
    try:
        problems = broken(remains)
        happened = len(remains.shop_oracle.entries("shop_effects"))
    finally:
        remains.close()
    if happened != effects:
        problems.append(f"{happened} effects instead of {effects}")
    return Outcome(row, name, done, happened, tuple(problems), time.monotonic() - begun)


def stopped_in(seam: str, name: str) -> Outcome:
    """The first process stops itself (SIGSTOP) at the seam; a second one finishes; the first wakes up again."""
    begun, home = time.monotonic(), Path(tempfile.mkdtemp(prefix="xiaoer-zombie-"))

    async def first() -> None:
        async with asyncio.timeout(60), LivingHouse(home) as house:
            plain = house.toolbox.execute if seam == "execute" else house.brain.plan

            async def stops(*args: Any) -> Any:
                if (seam == "plan" or args[1] == "issue_refund") and not (home / "stopped").exists():
                    (home / "stopped").touch()
                    os.kill(os.getpid(), signal.SIGSTOP)
                return await plain(*args)

            setattr(*((house.toolbox, "execute") if seam == "execute" else (house.brain, "plan")), stops)
            await ROADS["refund"](house)

    pid = child(first, home)
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), f"the process was not stopped: {(home / 'said').read_text()[-300:]}"
    second = fork(home, "refund", None)
    os.kill(pid, signal.SIGCONT)
    _, status = os.waitpid(pid, 0)
    third = fork(home, "refund", None)
    done = (
        f"second ended with {second}, the zombie with {os.waitstatus_to_exitcode(status)}, third with {third}"
    )
    outcome = judged(home, 3, name, done, begun, 1)
    if third != 0:
        outcome.problems += (f"the last process ended with {third}: {(home / 'said').read_text()[-300:]}",)
    return outcome


def killed_at_random(loops: int, seed: int) -> Outcome:
    """So many times: a process on a random road, killed after a random time; then one that may finish."""
    begun, picker, problems, effects, kills = time.monotonic(), random.Random(seed), [], 0, 0
    for at in range(loops):
        home = Path(tempfile.mkdtemp(prefix="xiaoer-random-"))
        road = picker.choice(list(ROADS))

        async def walk(home: Path = home, road: str = road) -> None:
            async with asyncio.timeout(60), LivingHouse(home) as house:
                await ROADS[road](house)

        for _ in range(picker.randint(1, 3)):
            pid = child(walk, home)
            time.sleep(picker.uniform(0.15, 1.5))
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            kills += os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        last = fork(home, road, None)
        outcome = judged(home, 2, road, "", begun, EXPECTED.get(road, 0))
        effects += outcome.effects
        problems += [f"loop {at}, {road}: {problem}" for problem in outcome.problems]
        if last != 0:
            problems.append(f"loop {at}, {road}: the last process ended with {last}")
    name = f"{loops} stories killed at random, seed {seed}"
    return Outcome(2, name, f"{kills} kills", effects, tuple(problems), time.monotonic() - begun)


def all_zombies(loops: int = 6, seed: int = 7) -> list[Outcome]:
    return [
        killed_at_random(loops, seed),
        stopped_in("plan", "a worker stopped while it thinks, and back later"),
        stopped_in("execute", "an executor stopped before its call, and back later"),
    ]
