"""Where the threads of cases are kept: a file beside the desk's SQLite, or the same PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde import _msgpack
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from sqlalchemy.engine import URL, make_url

# Any number that nobody else uses.
_SETUP_LOCK = 7_215_302
_ASK_AGAIN_SECONDS = 0.1


class UnsafeCheckpoints(RuntimeError):
    """LangGraph would build any object that stands in a checkpoint."""


def assert_strict_msgpack() -> None:
    """Refuse to start unless checkpoints can only hold plain data (CVE-2026-28277)."""
    if not _msgpack.STRICT_MSGPACK_ENABLED:
        raise UnsafeCheckpoints("Set LANGGRAPH_STRICT_MSGPACK=true before the process starts.")


@asynccontextmanager
async def open_saver(database_url: str) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """The saver for cases beside this desk database; its tables are made when missing."""
    assert_strict_msgpack()
    url = make_url(database_url)
    opener = _open_sqlite if url.get_backend_name() == "sqlite" else _open_postgres
    async with opener(url) as saver:
        yield saver


@asynccontextmanager
async def _open_sqlite(url: URL) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    # Its own file: the saver's commits would otherwise wait for, and hold up, the ledger's.
    desk = Path(url.database or "xiaoer.db")
    async with aiosqlite.connect(desk.with_name(f"{desk.stem}-cases.db")) as connection:
        await connection.execute("PRAGMA synchronous=FULL")
        await connection.execute("PRAGMA busy_timeout=30000")
        saver = AsyncSqliteSaver(connection, serde=_plain_data())
        await saver.setup()
        yield saver


@asynccontextmanager
async def _open_postgres(url: URL) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool: Any = AsyncConnectionPool(plain, min_size=1, max_size=8, kwargs=options, open=False)
    async with pool:
        saver = AsyncPostgresSaver(pool, serde=_plain_data())
        await _set_up_alone(saver, pool)
        yield saver


async def _set_up_alone(saver: Any, pool: Any) -> None:
    """Two executors that start at once would make the same tables; the second one finds them.

    Asked for again and again instead of waited for: the indexes are made concurrently, which waits for
    every running statement, and so for one that waits for us.
    """
    async with pool.connection() as connection:
        while not await _has_lock(connection):  # noqa: ASYNC110 - another process has it, no event of ours
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
        try:
            await saver.setup()
        finally:
            await connection.execute("SELECT pg_advisory_unlock(%s)", (_SETUP_LOCK,))


async def _has_lock(connection: Any) -> bool:
    answer = await connection.execute("SELECT pg_try_advisory_lock(%s) AS got", (_SETUP_LOCK,))
    return bool((await answer.fetchone())["got"])


def _plain_data() -> JsonPlusSerializer:
    return JsonPlusSerializer(allowed_msgpack_modules=None)
