"""Engines for SQLite and PostgreSQL that behave the same way in a transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlmodel import Session, create_engine

T = TypeVar("T")

_BUSY_SECONDS = 30
_REACH_SECONDS = 10
# A stuck server must not hold threads for ever; no statement of ours takes seconds.
_POSTGRES_LIMITS = "-c statement_timeout=30s -c lock_timeout=15s -c idle_in_transaction_session_timeout=60s"
# One lock a file, for all engines and for the queue's own connection.
_writers: dict[str, threading.RLock] = {}


def make_engine(url: str) -> Engine:
    """An engine for `sqlite:///…` (WAL, every commit on disk) or `postgresql+psycopg://…`."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, parsed.database)
    return create_engine(
        url,
        hide_parameters=True,  # an error in a log must not repeat what a customer wrote
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        pool_timeout=_REACH_SECONDS,
        connect_args={"connect_timeout": _REACH_SECONDS, "options": _POSTGRES_LIMITS},
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session that writes: begins at once, commits at the end, rolls back on any error."""
    with _turn_to_write(engine), Session(engine, expire_on_commit=False) as session:
        if engine.dialect.name == "sqlite":
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        with session.begin() if not session.in_transaction() else _commit(session):
            yield session


@contextmanager
def writing(database: str) -> Iterator[None]:
    """Queue up inside this process to write to a SQLite file; goes on after 30 s in any case.

    SQLite's own waiting sleeps and tries again, up to 100 ms at a time and in no order: with it the
    p95 of a reply at 40 turns a second was four to eight times as long.
    """
    lock = _writer_of(database)
    held = lock.acquire(timeout=_BUSY_SECONDS)
    try:
        yield
    finally:
        if held:
            lock.release()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only reads."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


async def look(engine: Engine, read: Callable[..., T], *args: Any) -> T:
    """`read(*args)`, a few rows by their keys from this engine, without holding up the event loop.

    On SQLite it runs right here: a reader waits for nobody there and takes 0.3 ms; the way to a thread
    and back, with the interpreter's lock changing hands at every statement, costs as much again.
    """
    if engine.dialect.name == "sqlite":
        return read(*args)
    return await asyncio.to_thread(read, *args)


def raw_connection(session: Session) -> Any:
    """The driver's connection inside this session's transaction (for the queue's own inserts)."""
    return session.connection().connection.dbapi_connection


@lru_cache
def _writer_of(database: str) -> threading.RLock:
    return _writers.setdefault(str(Path(database).resolve()), threading.RLock())


def _turn_to_write(engine: Engine) -> AbstractContextManager[None]:
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database or database == ":memory:":
        return nullcontext()
    return writing(database)


@contextmanager
def _commit(session: Session) -> Iterator[None]:
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise


def _sqlite(url: str, database: str | None) -> Engine:
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    arguments = {"check_same_thread": False, "timeout": _BUSY_SECONDS}
    engine = create_engine(url, hide_parameters=True, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # The driver would begin lazily and deferred; `transaction` begins by itself, at once.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
