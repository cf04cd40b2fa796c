"""Alembic's environment: run through `storage.migrate`, on a connection that is handed in."""

from __future__ import annotations

from typing import Any

from alembic import context

from xiaoer.storage.migrate import METADATA, version_table

config = context.config
registry = config.attributes["registry"]
metadata = METADATA[registry]


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    """The queue and the case threads keep tables of their own in the same database."""
    return kind != "table" or name in metadata.tables


context.configure(
    connection=config.attributes["connection"],
    target_metadata=metadata,
    version_table=version_table(registry),
    include_name=ours,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
