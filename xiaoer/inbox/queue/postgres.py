"""procrastinate's own connector on PostgreSQL, set up for many short statements."""

from __future__ import annotations

from typing import Any

import psycopg
from procrastinate import PsycopgConnector, SyncPsycopgConnector, schema
from sqlalchemy.engine import make_url

# Any number that nobody else uses: two processes that start at once create the schema once.
_SCHEMA_LOCK = 0x7869616F6572
# Fetching degrades with thousands of blocked conversations (233 ms); with this index 7.5 ms.
_INDEX = """
create index if not exists xiaoer_jobs_lock on procrastinate_jobs(lock, priority desc, id)
where status in ('todo', 'doing')
"""
# Jobs are deferred in the callers' transactions, which sync fully. What the connector writes itself, a fetch
# or an end, may be lost with the power: the job then runs once more and finds its messages handled.
_OPTIONS = "-c synchronous_commit=off"


def make_connector(url: str) -> PsycopgConnector:
    """Every named query is one statement, so no transaction is wrapped around it."""
    return PsycopgConnector(
        conninfo=conninfo(url), min_size=1, max_size=8, kwargs={"options": _OPTIONS}, configure=_commit_each
    )


async def _commit_each(connection: psycopg.AsyncConnection[Any]) -> None:
    # Not by the keyword: the library passes it again for the connection that listens.
    await connection.set_autocommit(True)


def make_joiner() -> SyncPsycopgConnector:
    """Never opened: it only runs named queries on the connection of a caller's transaction."""
    return SyncPsycopgConnector()


def prepare_schema(url: str) -> None:
    """Create procrastinate's tables and our index, once, whoever comes first."""
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", (_SCHEMA_LOCK,))
        try:
            if not _exists(connection):
                connection.execute(schema.SchemaManager.get_schema())
            connection.execute(_INDEX)
        finally:
            connection.execute("select pg_advisory_unlock(%s)", (_SCHEMA_LOCK,))


def conninfo(url: str) -> str:
    """What psycopg understands of an SQLAlchemy URL."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _exists(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("select to_regclass('procrastinate_jobs')").fetchone()
    return row is not None and row[0] is not None
