"""The queue: jobs deferred in the caller's own transaction, run by workers with locks and back-off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import procrastinate
import structlog
from procrastinate import JobContext, exceptions, sql, utils
from procrastinate.types import JobToDefer
from sqlalchemy.engine import make_url
from sqlmodel import Session

from xiaoer.inbox.queue.postgres import make_connector, make_joiner, prepare_schema
from xiaoer.inbox.queue.sqlite import SqliteConnector
from xiaoer.inbox.queue.tasks import DEFAULT_WAITS, MOST_STARTS, BackOff, Deferral, Handler, Pace, Run
from xiaoer.storage.engine import raw_connection

log = structlog.get_logger()

SWEEP, TICK = "sweep", "tick"
# Six fields: seconds are the last one.
EVERY_2_SECONDS = "* * * * * */2"
EVERY_5_SECONDS = "* * * * * */5"
# After a long sleep the library defers every missed tick; only a fresh one is worth running.
_STALE_TICK_SECONDS = 10.0
_DEFERRED = "xiaoer_deferred"  # in a session's info


def has_deferred(session: Session) -> bool:
    """Whether a job was deferred by this session: to wake the workers for nothing costs 0.3 ms."""
    return _DEFERRED in session.info


class Queue:
    """One queue over one database URL (`sqlite:///FILE` or `postgresql+psycopg://…`).

    `defer` joins the caller's transaction and works without `open`, once `prepare` has been called;
    `open` and `run_worker` belong to the process that works.
    """

    def __init__(
        self, url: str, handlers: Mapping[str, Handler] | None = None, pace: Pace | None = None
    ) -> None:
        self._url = url
        self._pace = pace or Pace()
        self._handlers: dict[str, Handler] = dict(handlers or {})
        self._ticks: dict[str, list[Run]] = {}
        self._connector, self._joiner = _connectors(url, self._pace)

    def handle(self, task: str, run: Run, give_up: Run | None = None) -> None:
        """Say who runs a task (`run_turn`, `send`, `run_case`); this process's worker takes no other."""
        self._handlers[task] = Handler(run, give_up)

    def every_tick(self, run: Run, name: str = TICK) -> None:
        """Call this every five seconds, once whatever the number of workers.

        Processes that register different work give it different names.
        """
        self._ticks.setdefault(name, []).append(run)

    def prepare(self) -> None:
        """Create the queue's tables if they are missing."""
        if isinstance(self._connector, SqliteConnector):
            self._connector.prepare()
        else:
            prepare_schema(self._url)

    async def open(self) -> None:
        """Create the tables, connect, and (on SQLite) take back the jobs of dead processes at once."""
        await asyncio.to_thread(self.prepare)
        await self._connector.open_async()

    async def close(self) -> None:
        await self._connector.close_async()

    def defer(
        self, session: Session, task: str, lock: str, args: dict[str, Any], schedule_in: float | None = None
    ) -> None:
        """Insert a job in the session's transaction; call `kick` after its commit (`has_deferred` tells)."""
        session.info[_DEFERRED] = True
        at = None if schedule_in is None else utils.utcnow() + timedelta(seconds=schedule_in)
        job = JobToDefer(task, task, 0, lock, None, args, at)
        self._joiner.execute_query_all_with_connection(
            raw_connection(session), sql.queries["defer_jobs"], jobs=[job]
        )

    def defer_all(self, session: Session, deferrals: list[Deferral]) -> None:
        for one in deferrals:
            self.defer(session, one.task, one.lock, one.args, one.schedule_in)

    def kick(self) -> None:
        """Wake the workers of this process now; PostgreSQL notifies by itself. From any thread."""
        if isinstance(self._connector, SqliteConnector):
            self._connector.kick()

    async def counts(self) -> dict[str, int]:
        """Jobs by status: `{"todo": 3, "doing": 1}`; raises ConnectorException when the queue is down."""
        rows = await self._connector.execute_query_all_async(sql.queries["count_jobs_status"])
        return {str(row["status"]): int(row["count"]) for row in rows}

    async def run_worker(self, concurrency: int = 32) -> None:
        """Run the jobs that have a handler here, until cancelled; running ones get ten seconds to end."""
        # Two workers: taking back the jobs of the dead must not wait for a slot behind slow turns.
        clock = _options(self._pace, [SWEEP, *self._ticks], concurrency=2, poll=1.0, delete="always")
        clock["listen_notify"] = False  # it looks every second; not every message has to wake it
        async with asyncio.TaskGroup() as group:
            group.create_task(_keep_running(self._clock_app(), clock))
            if self._handlers:
                names = list(self._handlers)
                work = _options(self._pace, names, concurrency, self._pace.poll, delete="successful")
                group.create_task(_keep_running(self._work_app(), work))

    # -- tasks: each has a queue of its own name, so that a process takes only what it can do

    def _work_app(self) -> procrastinate.App:
        app = procrastinate.App(connector=self._connector)
        for name in self._handlers:
            back_off = BackOff(self._pace.waits.get(name, DEFAULT_WAITS))
            app.task(name=name, queue=name, pass_context=True, retry=back_off)(self._runner(name))
        return app

    def _clock_app(self) -> procrastinate.App:
        app = procrastinate.App(connector=self._connector)
        # Without a lock: the sweep of a dead worker would lock out every later one.
        sweep = app.task(name=SWEEP, queue=SWEEP, pass_context=False)(self._sweeper(app))
        app.periodic(cron=EVERY_2_SECONDS)(sweep)
        for name, runs in self._ticks.items():
            tick = app.task(name=name, queue=name, lock=name, pass_context=False)(_ticker(runs))
            app.periodic(cron=EVERY_5_SECONDS)(tick)
        return app

    def _runner(self, name: str) -> Callable[..., Awaitable[None]]:
        async def run(context: JobContext, /, **args: Any) -> None:
            await self._run(name, context.job.attempts, args)

        return run

    def _sweeper(self, app: procrastinate.App) -> Callable[[int], Awaitable[None]]:
        async def sweep(timestamp: int) -> None:
            if not _stale(timestamp):
                await _take_back(app, self._pace.stalled)

        return sweep

    async def _run(self, task: str, attempts: int, args: dict[str, Any]) -> None:
        """One try; the last one ends in giving up. What a try raises lets the library schedule the next."""
        handler = self._handlers[task]
        if handler.give_up is not None and attempts >= MOST_STARTS:
            await handler.give_up(**args)
            return
        try:
            await handler.run(**args)
        except Exception:
            log.warning("queue.try_failed", task=task, tries=attempts + 1, **args, exc_info=True)
            if handler.give_up is None or attempts < len(self._pace.waits.get(task, DEFAULT_WAITS)):
                raise
            await handler.give_up(**args)


async def _take_back(app: procrastinate.App, stalled_seconds: float) -> None:
    """The jobs of workers that have not been heard of wait again."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=stalled_seconds):
        log.warning("queue.took_back", task=job.task_name, job=job.id, tries=job.attempts + 1)
        try:
            await manager.retry_job(job, retry_at=utils.utcnow())
        except exceptions.ConnectorException:
            # Its worker was slow, not dead, and has ended the job in the meantime.
            log.info("queue.ended_meanwhile", task=job.task_name, job=job.id)


def _ticker(runs: list[Run]) -> Callable[[int], Awaitable[None]]:
    async def tick(timestamp: int) -> None:
        for run in [] if _stale(timestamp) else runs:
            try:
                await run()
            except Exception:  # one clock's failure must not stop the others; the next tick tries again
                log.exception("queue.tick_failed")

    return tick


async def _keep_running(app: procrastinate.App, options: dict[str, Any]) -> None:
    """A worker stops when its heartbeat or its database fails; start it again until cancelled."""
    while True:
        try:
            await app.run_worker_async(**options)
        except Exception:  # whatever broke the worker, the queue is not to stand still
            log.exception("queue.worker_broke", queues=options["queues"])
        await asyncio.sleep(1.0)


def _options(pace: Pace, queues: list[str], concurrency: int, poll: float, delete: str) -> dict[str, Any]:
    return {
        "queues": queues,
        "name": queues[0],
        "concurrency": concurrency,
        "fetch_job_polling_interval": poll,
        "abort_job_polling_interval": 3600.0,  # we abort nothing
        "shutdown_graceful_timeout": pace.drain,
        "delete_jobs": delete,
        "install_signal_handlers": False,
        "update_heartbeat_interval": pace.heartbeat,
        "stalled_worker_timeout": pace.stalled,
    }


def _connectors(url: str, pace: Pace) -> tuple[Any, Any]:
    """The worker's connector, and the one that joins callers' transactions."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return make_connector(url), make_joiner()
    if not parsed.database or parsed.database == ":memory:":
        raise ValueError("the queue needs a SQLite file: a database in memory has no second connection")
    connector = SqliteConnector(parsed.database, pace.stalled)
    return connector, connector


def _stale(timestamp: int) -> bool:
    return time.time() - timestamp > _STALE_TICK_SECONDS
