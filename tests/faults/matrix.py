"""The fault matrix: every row that one machine can play, each as named cases; all invariants after each.

    @case(24, "20 people approve in the same moment")
    async def twenty(stage): ...; return "what was done"

A case asserts what is special to it. That the eight invariants hold afterwards is the runner's business.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.checker import broken
from faults.house import House

ROWS: dict[int, str] = {
    1: "kill −9 at each named point",
    2: "random kill of any process",
    3: "a stopped process comes back (zombie)",
    4: "tool server dead before the call",
    5: "tool server dies after the effect",
    6: "tool server slow or hanging",
    7: "tool server answers garbage, changes, vanishes",
    8: "model limited (429)",
    9: "model fails (500, 529, refused, TLS)",
    10: "model's stream cut, empty, refused",
    11: "model loops, or calls 30 tools at once",
    12: "shop fails after doing it",
    13: "shop replays an old 500 under our key",
    14: "carrier 404, 500, stale, contradictory",
    15: "database locked",
    16: "disk full",
    17: "power loss (last commits gone)",
    18: "the same webhook ten times at once",
    19: "messages out of order",
    20: "a retry four hours later",
    21: "a webhook lost",
    22: "five messages while a turn runs",
    23: "taken back while the approval waits",
    24: "double click, two tabs, two people",
    25: "approve against reject",
    26: "approve after expiry, clock set back",
    27: "the order changed in between",
    28: "the approver may no longer approve",
    29: "clock +1 h, −1 h, summer time, year's end",
    30: "recovery with a second approval pending",
    31: "two wishes at once, one approved",
    32: "channel fails, or times out after sending",
    33: "a new version with approvals pending",
    34: "configuration missing or bad",
    35: "200 conversations at once",
}
# What cannot be played on one machine within minutes, and what stands for it.
NOT_HERE: dict[int, str] = {
    21: "no channel with a list to poll is built yet; what stands here: a lost job is found again at the next start",
    33: "played: rules change under a pending approval. Old program → new → old is tests/storage/test_migrations",
}


@dataclass
class Stage:
    """One shared house, fresh for every case, and others for cases that need them built differently."""

    house: House
    others: list[House] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    effects: int = 0
    rest: float = 180.0  # how long the house has to come to rest, on its own clock

    @asynccontextmanager
    async def other(self, **options: Any) -> AsyncIterator[House]:
        home = Path(tempfile.mkdtemp(prefix="xiaoer-row-"))
        async with House(home, **options) as house:
            yield house
            await self.judge(house)

    async def judge(self, house: House) -> None:
        await house.settle(self.rest)
        self.problems += broken(house)
        self.effects += len(house.shop_oracle.entries("shop_effects"))


Play = Callable[[Stage], Awaitable[str]]


@dataclass(frozen=True)
class Case:
    row: int
    name: str
    play: Play
    short: bool = False  # quick and steady enough for the normal suite


@dataclass
class Outcome:
    row: int
    name: str
    done: str = ""
    effects: int = 0
    problems: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def line(self) -> str:
        verdict = "holds" if not self.problems else "BROKEN"
        return f"{self.row:>3}  {self.name[:58]:58} {self.effects:>3}  {verdict:6} {self.seconds:5.1f} s  {self.done}"


CASES: list[Case] = []


def case(row: int, name: str, short: bool = False) -> Callable[[Play], Play]:
    def register(play: Play) -> Play:
        CASES.append(Case(row, name, play, short))
        return play

    return register


def all_cases() -> list[Case]:
    """Importing the rows registers them."""
    from faults import (  # noqa: F401
        rows_clock,
        rows_doors,
        rows_messages,
        rows_model,
        rows_people,
        rows_shop,
        rows_tools,
    )

    return sorted(CASES, key=lambda one: one.row)


async def play_one(house: House, one: Case) -> Outcome:
    started = time.monotonic()
    house.anew()
    stage = Stage(house)
    outcome = Outcome(one.row, one.name)
    try:
        async with asyncio.timeout(120):
            outcome.done = await one.play(stage)
            await stage.judge(house)
    except Exception as error:  # noqa: BLE001 - a case that fails is a line in the table, and the next one runs
        at = traceback.extract_tb(error.__traceback__)
        ours = next((frame for frame in reversed(at) if "/faults/" in frame.filename), at[-1])
        stage.problems.append(f"{type(error).__name__}: {error} ({Path(ours.filename).name}:{ours.lineno})")
    outcome.problems, outcome.effects = tuple(stage.problems), stage.effects
    outcome.seconds = time.monotonic() - started
    return outcome


async def play_all(cases: list[Case], tell: Callable[[str], None] = print) -> list[Outcome]:
    outcomes = []
    async with House(Path(tempfile.mkdtemp(prefix="xiaoer-matrix-"))) as house:
        for one in cases:
            outcome = await play_one(house, one)
            outcomes.append(outcome)
            tell(outcome.line)
            for problem in outcome.problems:
                tell(f"       {problem[:400]}")
    return outcomes
