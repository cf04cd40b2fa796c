"""procrastinate on one SQLite file: the library's named queries, answered by statements of our own.

Runs on its own thread and connection beside the desk's tables; `execute_query_all_with_connection`
works inside a caller's transaction on the caller's connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from procrastinate import connector, exceptions, manager, schema, sql, utils
from procrastinate.types import JobToDefer

from xiaoer.inbox.queue import statements
from xiaoer.storage.engine import writing

Rows = list[dict[str, Any]]
_INSERTED = json.dumps({"type": "job_inserted", "job_id": 0})
# Tells our own workers from those of an earlier process that had the same pid.
_PROCESS = secrets.token_hex(8)


class SqliteConnector(connector.BaseAsyncConnector):
    """The library's connector protocol over one SQLite file."""

    def __init__(self, path: str, stalled_seconds: float = 6.0) -> None:
        self.path = path
        # A worker without a beat for this long is dead even if a process with its pid lives.
        self.stalled_seconds = stalled_seconds
        self._db: sqlite3.Connection | None = None  # writes; belongs to the thread
        self._reader: sqlite3.Connection | None = None  # looks, never locks; belongs to the loop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="queue-sqlite")
        self._listeners: dict[object, tuple[connector.Notify, str]] = {}
        self._kicked = False
        self._queries: dict[str, Callable[..., Any]] = {
            text: getattr(self, f"_{name}")
            for name, text in _named_queries().items()
            if hasattr(self, f"_{name}")
        }

    def get_sync_connector(self) -> connector.BaseConnector:
        return self

    def prepare(self) -> None:
        """Create the tables; needs no running loop."""
        with contextlib.closing(self._connect()) as db:
            db.executescript(statements.TABLES)

    async def open_async(self, pool: connector.Pool | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await self._loop.run_in_executor(self._thread, self._open)
        self._reader = self._connect()

    async def close_async(self) -> None:
        if self._db is not None and self._loop is not None:
            await self._loop.run_in_executor(self._thread, self._db.close)
        if self._reader is not None:
            self._reader.close()
        self._db = self._reader = self._loop = None
        self._thread.shutdown(wait=True)

    # -- waking

    async def listen_notify(self, on_notification: connector.Notify, channels: Iterable[str]) -> None:
        """Listen until cancelled: a listener that returns ends the worker's watch over its heartbeat."""
        key = object()
        self._listeners[key] = (on_notification, next(iter(channels)))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            del self._listeners[key]

    def kick(self) -> None:
        """Wake this process's workers; from any thread, after the commit that deferred a job."""
        loop = self._loop
        if loop is None or self._kicked:
            return
        self._kicked = True
        with contextlib.suppress(RuntimeError):  # the loop has just closed: nobody is left to wake
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._kicked = False
        for on_notification, channel in self._listeners.values():
            task = asyncio.ensure_future(on_notification(channel=channel, payload=_INSERTED))
            task.add_done_callback(_observe)

    # -- the protocol's calls

    async def execute_query_async(self, query: str, **arguments: Any) -> None:
        await self._run(query, arguments)

    async def execute_query_one_async(self, query: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self._run(query, arguments)
        return answer

    async def execute_query_all_async(self, query: str, **arguments: Any) -> Rows:
        answer: Rows = await self._run(query, arguments)
        return answer

    def execute_query_all_with_connection(self, connection: Any, query: str, **arguments: Any) -> Rows:
        """Inside the caller's transaction; call `kick` after its commit."""
        answer: Rows = self._queries[query](connection, **arguments)
        return answer

    async def _run(self, query: str, arguments: dict[str, Any]) -> Any:
        if self._loop is None or self._reader is None:
            raise exceptions.AppNotOpen
        if query == sql.queries["fetch_job"] and not _any_due(self._reader, arguments["queues"]):
            return {"id": None}
        return await self._loop.run_in_executor(self._thread, self._answer, self._queries[query], arguments)

    def _answer(self, query: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        if self._db is None:
            raise exceptions.AppNotOpen
        try:
            with writing(self.path):
                return query(self._db, **arguments)
        except sqlite3.Error as error:
            raise exceptions.ConnectorException from error

    def _open(self) -> None:
        self._db = self._connect()
        self._db.execute(statements.TAKE_BACK, {"alive": self._alive(self._db, self.stalled_seconds)})

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, timeout=30, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("pragma journal_mode=WAL")
        # Jobs are deferred in the callers' transactions, which sync fully. What is written here, a fetch or
        # an end, may be lost with the power: the job then runs once more and finds its messages handled.
        db.execute("pragma synchronous=NORMAL")
        return db

    # -- the named queries: `_<name>(db, **arguments)`

    def _apply_schema(self, db: sqlite3.Connection) -> None:
        db.executescript(statements.TABLES)

    def _check_connection(self, db: sqlite3.Connection) -> dict[str, Any]:
        found = db.execute("select name from sqlite_master where name = 'queue_job'").fetchone()
        return {"check": found and found[0]}

    def _defer_jobs(self, db: sqlite3.Connection, jobs: list[JobToDefer]) -> Rows:
        return [{"id": self._insert(db, job)} for job in jobs]

    def _insert(self, db: sqlite3.Connection, job: JobToDefer) -> int | None:
        values = (*job[:5], json.dumps(job.args), _seconds(job.scheduled_at))
        try:
            return db.execute(statements.INSERT_JOB, values).lastrowid
        except sqlite3.IntegrityError as error:
            raise exceptions.UniqueViolation(
                constraint_name=manager.QUEUEING_LOCK_CONSTRAINT, queueing_lock=job.queueing_lock
            ) from error

    def _defer_periodic_job(
        self, db: sqlite3.Connection, task_name: str, periodic_id: str, defer_timestamp: int, **job: Any
    ) -> dict[str, Any]:
        key = (task_name, periodic_id, defer_timestamp)
        with _transaction(db):
            if not db.execute("insert or ignore into queue_periodic values (?, ?, ?)", key).rowcount:
                return {"id": None}
            db.execute("delete from queue_periodic where task_name = ? and periodic_id = ? and at < ?", key)
            values = (
                job["queue"],
                task_name,
                job["priority"],
                job["lock"],
                job["queueing_lock"],
                job["args"],
            )
            return {"id": self._insert(db, JobToDefer(*values, None))}

    def _fetch_job(
        self, db: sqlite3.Connection, queues: Iterable[str] | None, worker_id: int
    ) -> dict[str, Any]:
        values = {"worker": worker_id, "now": _now(), "queues": _names(queues)}
        rows = db.execute(statements.FETCH, values).fetchall()
        return _job_row(rows[0]) if rows else {"id": None}

    def _finish_job(self, db: sqlite3.Connection, job_id: int, status: str, delete_job: bool) -> None:
        if delete_job:
            ended = db.execute(statements.DELETE_JOB, {"job_id": job_id}).fetchall()
        else:
            values = {"job_id": job_id, "status": status, "now": _now()}
            ended = db.execute(statements.END_JOB, values).fetchall()
        lock = ended[0]["lock"] if ended else None
        if lock and db.execute(statements.LOCK_HAS_MORE, (lock,)).fetchone()[0]:
            self.kick()

    def _retry_job(
        self, db: sqlite3.Connection, job_id: int, retry_at: datetime | None, **changes: Any
    ) -> None:
        defaults = {"new_priority": None, "new_queue_name": None, "new_lock": None}
        values = defaults | changes | {"job_id": job_id, "retry_at": _seconds(retry_at)}
        db.execute(statements.RETRY_JOB, values)
        self.kick()

    def _cancel_job(
        self, db: sqlite3.Connection, job_id: int, abort: bool, delete_job: bool
    ) -> dict[str, Any]:
        if delete_job and db.execute(statements.DELETE_WAITING_JOB, (job_id,)).fetchall():
            return {"id": job_id}
        changed = db.execute(statements.CANCEL_JOB, {"job_id": job_id, "abort": abort}).fetchall()
        return {"id": job_id if changed else None}

    def _get_job_status(self, db: sqlite3.Connection, job_id: int) -> dict[str, Any]:
        row = db.execute("select status from queue_job where id = ?", (job_id,)).fetchone()
        if row is None:
            raise exceptions.NoResult
        return dict(row)

    def _list_jobs(self, db: sqlite3.Connection, **wanted: Any) -> Rows:
        return [_job_row(row) for row in db.execute(statements.LIST_JOBS, wanted).fetchall()]

    def _count_jobs_status(self, db: sqlite3.Connection) -> Rows:
        rows = db.execute("select count(*) as count, status from queue_job group by status").fetchall()
        return [dict(row) for row in rows]

    def _list_jobs_to_abort(self, db: sqlite3.Connection, queue_name: str | None = None) -> Rows:
        return [dict(row) for row in db.execute(statements.TO_ABORT, {"queue_name": queue_name}).fetchall()]

    def _select_stalled_jobs_by_heartbeat(
        self, db: sqlite3.Connection, queue: str | None, task_name: str | None, seconds_since_heartbeat: float
    ) -> Rows:
        values = {"queue": queue, "task_name": task_name, "alive": self._alive(db, seconds_since_heartbeat)}
        return [_job_row(row) for row in db.execute(statements.STALLED, values).fetchall()]

    def _delete_old_jobs(
        self, db: sqlite3.Connection, nb_hours: float, queue: str | None, statuses: Iterable[str]
    ) -> None:
        before = _now() - nb_hours * 3600
        values = {"statuses": json.dumps(list(statuses)), "before": before, "queue": queue}
        db.execute(statements.DELETE_OLD, values)

    def _register_worker(self, db: sqlite3.Connection) -> dict[str, Any]:
        values = (_now(), os.getpid(), _PROCESS)
        added = db.execute("insert into queue_worker(beat, pid, process) values (?, ?, ?)", values)
        return {"worker_id": added.lastrowid}

    def _unregister_worker(self, db: sqlite3.Connection, worker_id: int) -> None:
        db.execute("delete from queue_worker where id = ?", (worker_id,))

    def _update_heartbeat(self, db: sqlite3.Connection, worker_id: int) -> None:
        values = {"worker_id": worker_id, "now": _now(), "pid": os.getpid(), "process": _PROCESS}
        db.execute(statements.BEAT, values)

    def _prune_stalled_workers(self, db: sqlite3.Connection, seconds_since_heartbeat: float) -> Rows:
        alive = {"alive": self._alive(db, seconds_since_heartbeat)}
        dead = "delete from queue_worker where id not in (select value from json_each(:alive)) returning id"
        return [{"worker_id": row["id"]} for row in db.execute(dead, alive).fetchall()]

    def _alive(self, db: sqlite3.Connection, seconds: float) -> str:
        """Ids of living workers as JSON. One file is one machine: a dead pid needs no waiting."""
        rows = db.execute("select * from queue_worker where beat >= ?", (_now() - seconds,)).fetchall()
        return json.dumps([row["id"] for row in rows if self._process_lives(row)])

    def _process_lives(self, row: sqlite3.Row) -> bool:
        if row["pid"] == os.getpid():
            return bool(row["process"] == _PROCESS)  # in a container every process has pid 1
        try:
            os.kill(row["pid"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def _named_queries() -> dict[str, str]:
    return {**sql.queries, "apply_schema": schema.SchemaManager.get_schema().replace("%", "%%")}


def _now() -> float:
    return utils.utcnow().timestamp()


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _any_due(db: sqlite3.Connection, queues: Iterable[str] | None) -> bool:
    """A look of 10 µs on the loop's own thread: an idle poll costs no thread and stands in nobody's way."""
    values = {"now": _now(), "queues": _names(queues)}
    return bool(db.execute(statements.ANY_DUE, values).fetchone()[0])


def _names(queues: Iterable[str] | None) -> str | None:
    return None if queues is None else json.dumps(list(queues))


def _job_row(row: sqlite3.Row) -> dict[str, Any]:
    at = row["scheduled_at"]
    moment = None if at is None else datetime.fromtimestamp(at, UTC)
    return {**dict(row), "args": json.loads(row["args"]), "scheduled_at": moment}


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("begin immediate")
    try:
        yield
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")


def _observe(task: asyncio.Future[None]) -> None:
    """A listener that failed is logged by the loop; a cancelled one is no news."""
    if not task.cancelled():
        task.result()
