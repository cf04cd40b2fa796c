"""Triggers that make a table append-only on both databases; one definition for tests and migrations.

SQLite's batch migrations rebuild a table and drop its triggers silently: run `append_only_ddl`
again after each (https://alembic.sqlalchemy.org/en/latest/batch.html).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import DDL, Connection, Table, event, text

APPEND_ONLY = ("action_event", "issued_grant")
_FUNCTION = "xiaoer_append_only"


def append_only_ddl(table: str, dialect: str) -> tuple[str, ...]:
    """The statements that forbid UPDATE and DELETE on `table`; they may be run again."""
    if dialect == "sqlite":
        return tuple(_sqlite_trigger(table, change) for change in ("UPDATE", "DELETE"))
    return (
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
        f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()",
    )


def restore(connection: Connection, tables: Iterable[str]) -> None:
    """Guard again what a migration left unguarded."""
    for table in tables:
        # To make a trigger locks the table, and another process may be at work on it.
        if connection.dialect.name == "postgresql" and _is_guarded(connection, table):
            continue
        for statement in append_only_ddl(table, connection.dialect.name):
            connection.execute(text(statement))


def guard_append_only(table: Table) -> None:
    """Create the triggers whenever the table is created from its metadata."""
    for dialect in ("sqlite", "postgresql"):
        for statement in append_only_ddl(table.name, dialect):
            # DDL() formats with %, which the PostgreSQL message needs for itself.
            ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]  # untyped there
            ddl = ddl.execute_if(dialect=dialect)
            event.listen(table, "after_create", ddl)


def _is_guarded(connection: Connection, table: str) -> bool:
    look = "SELECT tgenabled <> 'D' FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgname = %s"
    return bool(connection.exec_driver_sql(look, (table, f"{table}_append_only")).scalar())


def _sqlite_trigger(table: str, change: str) -> str:
    return (
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
