"""Writes that can be taken back: notes on orders, and the wish to hear of a parcel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from xiaoer.domain.orders import order_key
from xiaoer.domain.refusals import BadInput, NotFound
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.normal import storable, tracking_key
from xiaoer.mcp_servers.platforms.local.searches import search_parcel
from xiaoer.storage.engine import transaction

NOTE_LIMIT = 2000


def add_note(
    engine: Engine, store: str, customer_ref: str, order_no: str, text: str, key: str, now: datetime
) -> None:
    """A note on the customer's own order; the same key again changes nothing. Raises NotFound, BadInput.

    The order's version stays: what a customer says is no change of the facts that were approved.
    """
    text, key = storable(text).strip(), storable(key)
    if not text or len(text) > NOTE_LIMIT:
        raise BadInput(f"A note has between 1 and {NOTE_LIMIT} characters.")
    with transaction(engine) as session:
        conn = session.connection()
        order = order_key(order_no)
        mine = (t.orders.c.store == store, t.orders.c.customer_ref == customer_ref)
        if not conn.execute(select(1).where(*mine, t.orders.c.order_key == order)).first():
            raise NotFound("There is no such order.")
        _insert_once(conn, t.notes, store=store, order_key=order, text=text, key=key, created_at=now)


def subscribe_parcel(
    engine: Engine, store: str, customer_ref: str, tracking_no: str, key: str, now: datetime
) -> None:
    """Remember that the customer wants to hear of a parcel of theirs; raises NotFound."""
    with transaction(engine) as session:
        conn = session.connection()
        if search_parcel(conn, store, customer_ref, tracking_no) is None:
            raise NotFound("There is no such parcel.")
        wish = {"tracking_key": tracking_key(tracking_no), "customer_ref": customer_ref, "key": storable(key)}
        _insert_once(conn, t.subscriptions, store=store, created_at=now, **wish)


def _insert_once(conn: Connection, table: Table, **values: Any) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(postgresql.insert(table).values(**values).on_conflict_do_nothing())
    else:
        conn.execute(sqlite.insert(table).values(**values).on_conflict_do_nothing())
