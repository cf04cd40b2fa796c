"""kill −9 at every named point on every road; a run in which a registered point never fires fails.

`python -m faults.crashes [--quick] [--json FILE]`. The parent imports the house once and forks: a child
plays a road with one point armed and is killed by it, a second child starts on what is left. Then the
checker looks. A crash test whose point never fires passes whatever the code does, so the exit code −9 of
every point is part of the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faults.checker import broken
from faults.house import MAYA, empty_desk, playbooks, seeded_shop
from faults.living import LivingHouse, Remains
from faults.minds import calls, script

from xiaoer.approvals.refusals import Conflict
from xiaoer.storage.crashpoints import POINTS

OMAR = ("verify_customer", {"order_no": "#1004", "email": "omar@example.com"})
JANE = ("verify_customer", {"order_no": "#1001", "email": "jane@example.com"})
ONE = [{"line_id": "L1", "quantity": 1}]
TWO = [{"line_id": "L2", "quantity": 1}]
REFUND = ("issue_refund", {"order_no": "#1004", "lines": ONE, "reason": "damaged_or_wrong"})
REFUND_TWO = ("issue_refund", {"order_no": "#1004", "lines": TWO, "reason": "damaged_or_wrong"})
LABEL = ("create_return_label", {"order_no": "#1004", "lines": TWO, "reason": "changed_mind"})
COUPON = ("issue_coupon", {"order_no": "#1004", "reason": "late"})
CANCEL = ("cancel_order", {"order_no": "#1001", "reason": "changed_mind"})

Road = Callable[[LivingHouse], Awaitable[None]]


def asking(proof: Any, *wishes: Any, decision: str = "approve") -> Road:
    """A proven customer asks for these things, one message each; a person decides; all come to rest."""

    async def road(house: LivingHouse) -> None:
        for at, wish in enumerate(wishes):
            await house.write(script(calls(proof), calls(wish)), event_id=f"e{at}")
        await house.until(lambda: len(house.actions()) >= len(wishes), "the proposals")
        for row in house.actions():
            if row.status == "pending":
                with suppress(Conflict):
                    await house.desk.decide(row.id, decision, row.digest, MAYA, note="why")  # type: ignore[arg-type]  # a word of Decision
        await house.rest()

    return road


async def a_question(house: LivingHouse) -> None:
    for at in range(3):
        await house.write(f"where is it? {at}", event_id=f"e{at}")
    await house.rest()


ROADS: dict[str, Road] = {
    "refund": asking(OMAR, REFUND),
    "label": asking(OMAR, LABEL),
    "coupon": asking(OMAR, COUPON),
    "cancellation": asking(JANE, CANCEL),
    "two refunds of one order": asking(OMAR, REFUND, REFUND_TWO),
    "rejected": asking(OMAR, REFUND, decision="reject"),
    "question": a_question,
}
PROMISE = "promise"  # its own world: see `support.promise_process`
# The first refund moves the order on, so that the second approval no longer fits and is asked for anew.
EXPECTED = {"refund": 1, "label": 1, "coupon": 1, "cancellation": 1, "two refunds of one order": 1}


@dataclass
class Crash:
    point: str
    road: str
    code: int  # of the first process: -9 when the point has killed it
    effects: int = 0
    problems: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def fired(self) -> bool:
        return self.code == -signal.SIGKILL


def play(point: str, road: str) -> Crash:
    started = time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="xiaoer-crash-"))
    first = fork(home, road, point)
    crash = Crash(point, road, first)
    if crash.fired:
        second = fork(home, road, None)
        if second != 0:
            crash.problems = (f"the next process ended with {second}: {_said(home)}",)
    elif first != 0:
        crash.problems = (f"the process ended with {first} instead of a kill: {_said(home)}",)
    crash.problems += tuple(_problems(home, road))
    crash.effects = _effects(home)
    crash.seconds = time.monotonic() - started
    return crash


def fork(home: Path, road: str, point: str | None) -> int:
    """A child process on this road; its exit code, negative when a signal has ended it."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.environ.pop("XIAOER_CRASH_AT", None)
            if point:
                os.environ["XIAOER_CRASH_AT"] = point
                os.environ["XIAOER_CRASH_LOG"] = str(home / "points")
            log = os.open(home / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            asyncio.run(_promise(home) if road == PROMISE else _walk(home, road))
            code = 0
        except BaseException:  # noqa: BLE001 - a forked child must never return into the parent's code
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


async def _walk(home: Path, road: str) -> None:
    async with asyncio.timeout(60), LivingHouse(home) as house:
        await ROADS[road](house)


async def _promise(home: Path) -> None:
    from support import promise_process
    from support.promises import World

    url, sent = f"sqlite:///{home / 'desk.db'}", str(home / "sent")
    if not (home / "desk.db").exists():
        world = World(url)
        conversation = await world.ask(channel="telegram")
        await world.inbox.outbox.send(conversation)
        world.inbox.engine.dispose()
    async with asyncio.timeout(60):
        await promise_process.main(url, sent)


def _problems(home: Path, road: str) -> list[str]:
    if road == PROMISE:
        told = [line for line in _lines(home / "sent") if "news" in line]
        return [] if len(set(told)) == 1 else [f"the news was told {len(set(told))} times"]
    remains: Any = Remains(home, deaths=1)
    try:
        found = broken(remains)
    finally:
        remains.close()
    done, wanted = _effects(home), EXPECTED.get(road, 0)
    return found if done == wanted else [*found, f"{done} effects instead of {wanted}"]


def _effects(home: Path) -> int:
    return sum('"shop_effects"' in line for line in _lines(home / "effects.jsonl"))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _said(home: Path) -> str:
    return " | ".join(_lines(home / "said")[-4:])[:600]


def pairs(quick: bool) -> list[tuple[str, str]]:
    """Every point on every road that leads over it; quick: every point once."""
    outbox_only = {"outbox.sent"}
    turn = {"intake.stored", "turn.loaded", "turn.planned", "turn.committed"} | outbox_only
    money = set(POINTS) - {point for point in POINTS if point.startswith("followup.")} - turn
    roads: dict[str, set[str]] = {
        "refund": turn | money,
        "label": money,
        "coupon": money,
        "cancellation": money,
        "two refunds of one order": {*money, "turn.committed"},
        "rejected": {"decision.committed", *outbox_only},
        "question": turn,
        PROMISE: {point for point in POINTS if point.startswith("followup.")} | outbox_only,
    }
    every = [(point, road) for road, points in roads.items() for point in POINTS if point in points]
    if not quick:
        return every
    seen: set[str] = set()
    return [pair for pair in every if not (pair[0] in seen or seen.add(pair[0]))]  # type: ignore[func-returns-value]  # add says nothing


def run_all(quick: bool = False, processes: int = 2) -> list[Crash]:
    playbooks(), empty_desk(), seeded_shop()
    from support import promise_process  # noqa: F401 - imported before the forks, so that each is quick

    return _side_by_side(pairs(quick), processes)


def _side_by_side(wanted: list[tuple[str, str]], processes: int) -> list[Crash]:
    """Shares of the list, each in a process of its own that has not started a thread."""
    shares = [wanted[at::processes] for at in range(processes)]
    readers = []
    for share in shares:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            done = [asdict(play(point, road)) for point, road in share]
            with os.fdopen(write, "w") as out:
                json.dump(done, out)
            os._exit(0)
        os.close(write)
        readers.append((pid, read))
    found: list[Crash] = []
    for pid, read in readers:
        with os.fdopen(read) as incoming:
            said = incoming.read()
        os.waitpid(pid, 0)
        found += [Crash(**{**one, "problems": tuple(one["problems"])}) for one in json.loads(said or "[]")]
    return found


def verdict(crashes: list[Crash]) -> list[str]:
    """What is wrong with the whole run: broken invariants, points that never fired."""
    wrong = [f"{one.point} on the road {one.road}: {p}" for one in crashes for p in one.problems]
    fired = {one.point for one in crashes if one.fired}
    wrong += [f"the registered point {point} never fired" for point in POINTS if point not in fired]
    return wrong


def table(crashes: list[Crash]) -> str:
    by_point: dict[str, list[Crash]] = defaultdict(list)
    for one in crashes:
        by_point[one.point].append(one)
    rows = []
    for point in POINTS:
        mine = by_point[point]
        killed = sum(one.fired for one in mine)
        bad = sum(bool(one.problems) for one in mine)
        rows.append(f"  {point:22} {len(mine):3} roads  {killed:3} × exit −9  {bad} broken")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults.crashes")
    parser.add_argument("--quick", action="store_true", help="every point once")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    crashes = run_all(options.quick)
    wrong = verdict(crashes)
    print(table(crashes))
    print("\n".join(wrong) or f"{len(crashes)} crashes, every point fired, all invariants hold")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in crashes]))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
