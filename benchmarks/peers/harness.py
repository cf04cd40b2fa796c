"""The same measuring for every contender: standard library only, so that each runs in its own environment.

A contender is an async context manager that yields `turn(conversation, text) -> reply`. One turn is one
customer message with its answer, history kept on disk. Prints one JSON line:
p50/p95 in ms and CPU ms of a turn at one conversation, turns a second at 16, model calls a turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

Turn = Callable[[str, str], Awaitable[str]]
QUESTION = "Hi, where is my parcel? It's order #1002, jane@example.com"
ANSWER_MARK = "DEMO-IN-TRANSIT"
IN_MEMORY = ":memory:"
WARM_UP = 3  # turns that are not measured


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="", help="the MCP server's address")
    parser.add_argument(
        "--delay", type=float, default=0.0, help="seconds that the scripted model takes a call"
    )
    parser.add_argument("--turns", type=int, default=60, help="turns one after another")
    parser.add_argument("--parallel", type=int, default=16, help="conversations at the same time")
    parser.add_argument("--each", type=int, default=6, help="turns of each of those")
    parser.add_argument("--database", default=IN_MEMORY)
    return parser


def run(
    contender: Callable[[argparse.Namespace], AbstractAsyncContextManager[Turn]],
    calls: Callable[[], int],
    asked: argparse.Namespace | None = None,
    loop: Callable[[], AbstractEventLoop] | None = None,
) -> None:
    """Measure and print; `calls` tells how many model calls were made so far."""
    options = asked or parser().parse_args()
    with asyncio.Runner(loop_factory=loop) as runner:
        print(json.dumps(runner.run(_measure(contender(options), options, calls))))


async def _measure(
    contender: AbstractAsyncContextManager[Turn], asked: argparse.Namespace, calls: Callable[[], int]
) -> dict[str, float]:
    async with contender as turn:
        for number in range(WARM_UP):
            await _checked(turn, f"warm-{number}")
        before, cpu = calls(), time.process_time()
        times = [await _timed(turn, f"one-{number}") for number in range(asked.turns)]
        cpu, made = time.process_time() - cpu, calls() - before
        started = time.perf_counter()
        await asyncio.gather(*(_talk(turn, f"many-{number}", asked.each) for number in range(asked.parallel)))
        took = time.perf_counter() - started
    one_by_one = sum(times) / 1000
    times.sort()
    return {
        "p50_ms": round(statistics.median(times), 2),
        "p95_ms": round(times[int(len(times) * 0.95) - 1], 2),
        "cpu_ms": round(cpu * 1000 / len(times), 2),
        "turns_per_s_at_1": round(len(times) / one_by_one, 1),
        "turns_per_s_at_16": round(asked.parallel * asked.each / took, 1),
        "model_calls": round(made / len(times), 2),
        "all_turns": WARM_UP + len(times) + asked.parallel * asked.each,
    }


async def _talk(turn: Turn, name: str, times: int) -> None:
    for number in range(times):
        await _checked(turn, f"{name}-{number}")


async def _timed(turn: Turn, conversation: str) -> float:
    started = time.perf_counter()
    await _checked(turn, conversation)
    return (time.perf_counter() - started) * 1000


async def _checked(turn: Turn, conversation: str) -> None:
    reply = await turn(conversation, QUESTION)
    if ANSWER_MARK not in reply:
        raise SystemExit(f"a contender answered wrongly: {reply[:200]!r}")
