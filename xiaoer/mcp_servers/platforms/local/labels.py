"""Return slips of the local shop: found by the unguessable path that the customer was told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, and_
from sqlmodel import col, select

from xiaoer.mcp_servers.platforms.local.tables import LineRow, OrderRow, ReturnLineRow, ReturnRow
from xiaoer.storage.engine import reading


@dataclass(frozen=True, slots=True)
class LabelFacts:
    store: str
    order_no: str
    return_id: str
    tracking_no: str
    created_at: datetime | None
    items: tuple[tuple[str, int], ...]  # (title, quantity)


def find_label(engine: Engine, label_url: str) -> LabelFacts | None:
    """What stands on the slip at this path, or None."""
    of_order = and_(
        col(OrderRow.store) == col(ReturnRow.store), col(OrderRow.order_key) == col(ReturnRow.order_key)
    )
    slips = (
        select(ReturnRow, OrderRow.order_no).join(OrderRow, of_order).where(ReturnRow.label_url == label_url)
    )
    with reading(engine) as session:
        found = session.exec(slips).first()
        if found is None:
            return None
        slip, order_no = found
        items = (
            select(LineRow.title, ReturnLineRow.quantity)
            .join(
                LineRow,
                and_(col(LineRow.store) == slip.store, col(LineRow.line_id) == col(ReturnLineRow.line_id)),
            )
            .where(
                LineRow.order_key == slip.order_key,
                ReturnLineRow.store == slip.store,
                ReturnLineRow.return_id == slip.return_id,
            )
        )
        lines = tuple((title, quantity) for title, quantity in session.exec(items))
    return LabelFacts(slip.store, order_no, slip.return_id, slip.tracking_no or "", slip.created_at, lines)
