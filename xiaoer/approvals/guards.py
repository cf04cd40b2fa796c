"""Triggers that make a table append-only on both databases; one definition for tests and migrations.

SQLite's batch migrations rebuild a table and drop its triggers silently: run `append_only_ddl`
again after each (https://alembic.sqlalchemy.org/en/latest/batch.html).
"""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

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


def guard_append_only(table: Table) -> None:
    """Create the triggers whenever the table is created from its metadata."""
    for dialect in ("sqlite", "postgresql"):
        for statement in append_only_ddl(table.name, dialect):
            # DDL() formats with %, which the PostgreSQL message needs for itself.
            ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]  # untyped there
            ddl = ddl.execute_if(dialect=dialect)
            event.listen(table, "after_create", ddl)


def _sqlite_trigger(table: str, change: str) -> str:
    return (
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
