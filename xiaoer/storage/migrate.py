"""Alembic over two registries: the desk's tables and the shop's, each with its own history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData

from xiaoer.storage.alone import MIGRATE, alone
from xiaoer.storage.metadata import desk_metadata, shop_metadata

Registry = Literal["desk", "shop"]
METADATA: dict[Registry, MetaData] = {"desk": desk_metadata, "shop": shop_metadata}
_FOLDER = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, registry: Registry, after: Callable[[Connection], None] | None = None) -> None:
    """Bring the tables to the newest revision, wholly or not at all.

    `after` sets up again what a migration may drop (triggers).
    """
    with alone(engine, MIGRATE), engine.connect() as connection, _whole(connection):
        command.upgrade(config_of(registry, connection), "head")
        if after:
            after(connection)


@contextmanager
def _whole(connection: Connection) -> Iterator[None]:
    """One transaction; on SQLite, where the driver begins none by itself, with foreign keys at rest.

    A batch migration drops the table that it rebuilds, which would be taken for a deletion of all its
    rows: https://www.sqlite.org/lang_altertable.html#otheralter
    """
    if connection.dialect.name != "sqlite":
        with connection.begin():
            # To rebuild a large table takes what it takes; to wait for one that is in use does not.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            yield
        return
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
        connection.commit()
    finally:
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def pending(engine: Engine, registry: Registry) -> bool:
    """True when the database is not at the newest revision."""
    return (
        _revision_of(engine, registry) != ScriptDirectory.from_config(config_of(registry)).get_current_head()
    )


def is_ahead(engine: Engine, registry: Registry) -> bool:
    """True when the tables are of a revision that this version does not know: a newer one has been here."""
    known = {script.revision for script in ScriptDirectory.from_config(config_of(registry)).walk_revisions()}
    return _revision_of(engine, registry) not in {None, *known}


def _revision_of(engine: Engine, registry: Registry) -> str | None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": version_table(registry)})
        return context.get_current_revision()


def version_table(registry: Registry) -> str:
    return f"alembic_{registry}"


def config_of(registry: Registry, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("version_locations", str(_FOLDER / registry))
    config.set_main_option("path_separator", "os")
    attributes: dict[str, Any] = {"connection": connection, "registry": registry}
    config.attributes.update(attributes)
    return config
