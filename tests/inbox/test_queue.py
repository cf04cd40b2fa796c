"""What the queue promises, on both connectors."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from procrastinate import sql
from sqlalchemy import text
from support import queue_worker
from support.inbox import until

from xiaoer.inbox.queue import Pace, Queue
from xiaoer.storage.engine import make_engine, transaction

Run = Callable[..., Awaitable[None]]

BRISK = Pace(
    heartbeat=0.3,
    stalled=1.5,
    drain=0.1,
    waits={"run_turn": (0.05, 0.1, 0.2), "run_case": (0.05, 0.1), "send": (0.05,)},
)


class Bench:
    """A queue with one kind of job, which says what it does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.queue = Queue(url, pace=BRISK)
        self.queue.prepare()
        self.engine = make_engine(url)
        self.log: list[str] = []

    def put(self, name: str, lock: str | None = None, **options: Any) -> None:
        with transaction(self.engine) as session:
            self.queue.defer(session, "run_case", lock or name, {"name": name}, **options)
        self.queue.kick()

    @asynccontextmanager
    async def working(
        self, run: Run, give_up: Run | None = None, concurrency: int = 8
    ) -> AsyncIterator[None]:
        self.queue.handle("run_case", run, give_up)
        await self.queue.open()
        task = asyncio.create_task(self.queue.run_worker(concurrency))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.queue.close()

    async def note(self, name: str) -> None:
        self.log.append(name)

    async def drained(self) -> None:
        """Until no job of ours is left; clocks come and go."""

        def left() -> int:
            table = "queue_job" if self.url.startswith("sqlite") else "procrastinate_jobs"
            with self.engine.connect() as connection:
                query = text(f"select count(*) from {table} where queue_name not in ('sweep', 'tick')")
                return int(connection.execute(query).scalar_one())

        await until(lambda: left() == 0)


@pytest.fixture
def bench(url: str) -> Bench:
    return Bench(url)


async def test_jobs_of_one_lock_run_one_after_the_other_in_order(bench: Bench) -> None:
    running = 0

    async def run(name: str) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.005)
        running -= 1
        bench.log.append(name)

    for number in range(12):
        bench.put(str(number), lock="same")
    async with bench.working(run):
        await until(lambda: len(bench.log) == 12)
    assert bench.log == [str(number) for number in range(12)]


async def test_jobs_of_different_locks_run_side_by_side(bench: Bench) -> None:
    together = asyncio.Barrier(4)

    async def run(name: str) -> None:
        async with asyncio.timeout(10):
            await together.wait()  # passes only if four jobs are here at once
        bench.log.append(name)

    for number in range(4):
        bench.put(str(number))
    async with bench.working(run):
        await until(lambda: len(bench.log) == 4)


async def test_a_follow_up_of_the_same_lock_starts_within_half_a_second(bench: Bench) -> None:
    ended: list[float] = []
    started: list[float] = []

    async def run(name: str) -> None:
        started.append(time.monotonic())
        await asyncio.sleep(0.02)
        ended.append(time.monotonic())

    async with bench.working(run):
        bench.put("first", lock="same")
        bench.put("second", lock="same")
        await until(lambda: len(ended) == 2)
    assert started[1] - ended[0] < 0.5


async def test_a_job_that_raises_is_tried_again_after_its_wait(bench: Bench) -> None:
    async def run(name: str) -> None:
        bench.log.append(name)
        if len(bench.log) < 3:
            raise RuntimeError("not yet")

    bench.put("stubborn")
    bench.put("behind", lock="stubborn")
    async with bench.working(run):
        await until(lambda: "behind" in bench.log)
        await bench.drained()
    assert bench.log == ["stubborn", "stubborn", "stubborn", "behind"]  # it blocks its lock: order is kept


async def test_after_the_last_try_the_job_is_given_up_with_its_arguments(bench: Bench) -> None:
    given_up: list[str] = []

    async def fail(name: str) -> None:
        bench.log.append(name)
        raise RuntimeError("never")

    async def give_up(name: str) -> None:
        given_up.append(name)

    bench.queue.handle("run_turn", fail, give_up)
    with transaction(bench.engine) as session:
        bench.queue.defer(session, "run_turn", "c", {"name": "poison"})
    async with bench.working(bench.note):
        await until(lambda: given_up, seconds=30)
        await bench.drained()
    assert bench.log == ["poison"] * 4
    assert given_up == ["poison"]


async def test_a_job_runs_not_before_its_time(bench: Bench) -> None:
    at: dict[str, float] = {}

    async def run(name: str) -> None:
        at[name] = time.monotonic()

    async with bench.working(run):
        start = time.monotonic()
        bench.put("later", schedule_in=1.0)
        bench.put("now")
        await until(lambda: len(at) == 2)
    assert at["now"] - start < 0.9
    assert 1.0 <= at["later"] - start < 2.0


async def test_a_job_deferred_in_a_transaction_that_is_rolled_back_never_was(bench: Bench) -> None:
    async with bench.working(bench.note):
        with pytest.raises(ZeroDivisionError), transaction(bench.engine) as session:
            bench.queue.defer(session, "run_case", "x", {"name": "ghost"})
            raise ZeroDivisionError
        bench.put("real", lock="x")
        await until(lambda: bench.log)
        await bench.drained()
    assert bench.log == ["real"]


async def test_a_row_and_its_job_become_visible_together(bench: Bench) -> None:
    with transaction(bench.engine) as session:
        session.connection().execute(text("create table thing(name text primary key)"))

    async def run(name: str) -> None:
        with bench.engine.connect() as connection:
            found = connection.execute(text("select name from thing where name = :name"), {"name": name})
            bench.log.append(str(found.scalar()))

    def put(name: str) -> None:
        with transaction(bench.engine) as session:
            bench.queue.defer(session, "run_case", name, {"name": name})
            bench.queue.kick()  # too early on purpose: the job must not be seen before the commit
            time.sleep(0.05)
            session.connection().execute(text("insert into thing values (:name)"), {"name": name})

    async with bench.working(run):
        for number in range(5):
            await asyncio.to_thread(put, str(number))
        await until(lambda: len(bench.log) == 5)
    assert sorted(bench.log) == ["0", "1", "2", "3", "4"]


async def test_the_job_of_a_killed_worker_is_taken_back(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "log"
    with transaction(bench.engine) as session:
        bench.queue.defer(session, "run_case", "long", {"name": "long", "wait": 3600})
    dead = subprocess.Popen([sys.executable, queue_worker.__file__, bench.url, str(file)])
    await until(lambda: file.exists() and "start long" in file.read_text(), seconds=30)
    dead.send_signal(signal.SIGKILL)
    assert dead.wait() == -signal.SIGKILL
    killed = time.monotonic()

    async def run(name: str, wait: float) -> None:
        bench.log.append(name)

    async with bench.working(run):
        await until(lambda: bench.log, seconds=20)
        await bench.drained()
    assert bench.log == ["long"]
    # One file is one machine: a dead process is seen at once. Elsewhere its heartbeat has to grow old.
    assert time.monotonic() - killed < (2.5 if bench.url.startswith("sqlite") else 6)


async def test_a_job_of_a_living_worker_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "log"
    with transaction(bench.engine) as session:
        bench.queue.defer(session, "run_case", "long", {"name": "long", "wait": 4})
    alive = subprocess.Popen([sys.executable, queue_worker.__file__, bench.url, str(file)])
    try:
        await until(lambda: file.exists() and "start long" in file.read_text(), seconds=30)

        async def run(name: str, wait: float) -> None:
            bench.log.append(name)

        async with bench.working(run):
            await until(lambda: "end long" in file.read_text(), seconds=30)
        assert bench.log == []
    finally:
        alive.kill()
        alive.wait()


async def test_a_tick_comes_once_whatever_the_number_of_workers(bench: Bench, url: str) -> None:
    ticks: list[tuple[int, int]] = []
    benches = [bench, Bench(url), Bench(url)]

    def listen(number: int) -> Run:
        async def tick() -> None:
            ticks.append((int(time.time()) // 5, number))

        return tick

    for number, one in enumerate(benches):
        one.queue.every_tick(listen(number))
    async with bench.working(bench.note), benches[1].working(bench.note), benches[2].working(bench.note):
        await until(lambda: len({period for period, _ in ticks}) >= 3, seconds=30)
    periods = [period for period, _ in ticks]
    assert len(periods) == len(set(periods))


async def test_a_worker_that_stops_gives_its_running_job_back(url: str) -> None:
    first, second = Bench(url), Bench(url)
    started = asyncio.Event()

    async def hang(name: str) -> None:
        started.set()
        await asyncio.sleep(3600)

    first.put("handed over")
    async with first.working(hang):
        await started.wait()
    async with second.working(second.note):
        await until(lambda: second.log, seconds=5)
    assert second.log == ["handed over"]


async def test_a_worker_whose_database_fails_for_a_moment_goes_on(bench: Bench, monkeypatch: Any) -> None:
    connector = bench.queue._connector
    real = connector.execute_query_one_async
    failures = 2

    async def fail_twice(query: str, **arguments: Any) -> Any:
        nonlocal failures
        if query == sql.queries["fetch_job"] and failures:
            failures -= 1
            raise ConnectionError("gone for a moment")
        return await real(query, **arguments)

    monkeypatch.setattr(connector, "execute_query_one_async", fail_twice)
    bench.put("patient")
    async with bench.working(bench.note):
        await until(lambda: bench.log, seconds=20)
    assert failures == 0


async def test_a_worker_takes_only_the_jobs_that_it_has_a_handler_for(url: str) -> None:
    turns, cases = Bench(url), Bench(url)
    with transaction(turns.engine) as session:
        turns.queue.defer(session, "run_turn", "c", {"name": "a turn"})
        turns.queue.defer(session, "run_case", "k", {"name": "a case"})
    turns.queue.handle("run_turn", turns.note)
    await turns.queue.open()
    task = asyncio.create_task(turns.queue.run_worker(2))
    async with cases.working(cases.note):
        await until(lambda: turns.log and cases.log)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await turns.queue.close()
    assert (turns.log, cases.log) == (["a turn"], ["a case"])


def test_a_dead_worker_is_missed_after_six_seconds() -> None:
    pace = Pace()
    assert (pace.heartbeat, pace.stalled, pace.poll) == (2.0, 6.0, 0.2)


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="SQLite file"):
        Queue("sqlite://")


async def test_a_job_that_kills_its_process_each_time_is_given_up(sqlite_url: str) -> None:
    bench = Bench(sqlite_url)
    given_up: list[str] = []

    async def give_up(name: str) -> None:
        given_up.append(name)

    bench.put("poison")
    with transaction(bench.engine) as session:
        session.connection().execute(text("update queue_job set attempts = 10"))
    async with bench.working(bench.note, give_up):
        await until(lambda: given_up)
    assert bench.log == []


async def test_many_who_write_at_once_wait_their_turn(sqlite_url: str) -> None:
    bench = Bench(sqlite_url)

    def put_some(number: int) -> None:
        for count in range(20):
            bench.put(f"{number}-{count}", lock=str(number))

    async with bench.working(bench.note, concurrency=32):
        await asyncio.gather(*(asyncio.to_thread(put_some, number) for number in range(6)))
        await until(lambda: len(bench.log) == 120)
    for number in range(6):
        mine = [name for name in bench.log if name.startswith(f"{number}-")]
        assert mine == [f"{number}-{count}" for count in range(20)]
