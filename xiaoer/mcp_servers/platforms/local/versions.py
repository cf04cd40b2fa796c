"""The lock on an order, its version, and the counts of its lines: what every change goes through."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from xiaoer.mcp_servers.platforms.local import tables as t


def lock_order(conn: Connection, store: str, key: str) -> None:
    """One change at a time an order. SQLite has locked the whole file already and ignores this."""
    here = (t.orders.c.store == store, t.orders.c.order_key == key)
    conn.execute(select(t.orders.c.version).where(*here).with_for_update())


def raise_version(conn: Connection, store: str, key: str, touched_at: datetime | None = None) -> None:
    """What was proposed on the old version is refused from now on.

    With `touched_at` the change is one that a later import must not overwrite.
    """
    change: dict[str, Any] = {"version": t.orders.c.version + 1}
    if touched_at is not None:
        change["touched_at"] = touched_at
    here = (t.orders.c.store == store, t.orders.c.order_key == key)
    conn.execute(update(t.orders).where(*here).values(**change))


def add_to_line(conn: Connection, store: str, key: str, line_id: str, counts: dict[str, int]) -> None:
    """Add to the counts of one line; the table refuses what cannot be."""
    here = (t.lines.c.store == store, t.lines.c.order_key == key, t.lines.c.line_id == line_id)
    conn.execute(
        update(t.lines).where(*here).values({name: t.lines.c[name] + count for name, count in counts.items()})
    )
