"""Alembic's environment: run through `storage.migrate`, on a connection that is handed in."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from xiaoer.storage.columns import BigKey, Json
from xiaoer.storage.migrate import METADATA, version_table

config = context.config
registry = config.attributes["registry"]
metadata = METADATA[registry]


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    """The queue and the case threads keep tables of their own in the same database."""
    return kind != "table" or name in metadata.tables


def written(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Our column types by their own names, SQLModel's strings as plain ones."""
    if kind != "type":
        return False
    name = type(item).__name__
    if name == "UtcDateTime":
        autogen.imports.add("from xiaoer.storage.columns import UtcDateTime")
        return "UtcDateTime()"
    if name == "AutoString":
        return f"sa.String({item.length or ''})"
    if item is Json or item is BigKey:
        word = "Json" if item is Json else "BigKey"
        autogen.imports.add(f"from xiaoer.storage.columns import {word}")
        return word
    return False


context.configure(
    connection=config.attributes["connection"],
    target_metadata=metadata,
    version_table=version_table(registry),
    include_name=ours,
    render_as_batch=True,
    render_item=written,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
