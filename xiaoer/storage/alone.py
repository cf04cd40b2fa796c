"""One process at a time, among all that share a PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

# Any numbers that nobody else uses.
MIGRATE, SEED = 7_215_300, 7_215_301


@contextmanager
def alone(engine: Engine, what: int) -> Iterator[None]:
    """Wait for whoever does the same, then do it; on SQLite, which serves one process, at once.

    The lock has a connection of its own, so that an error in the work cannot keep it from being given back.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Another's first migration may take longer than any statement of a turn is allowed to.
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({what:d})")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({what:d})")
            connection.exec_driver_sql("RESET statement_timeout")
            connection.exec_driver_sql("RESET lock_timeout")
