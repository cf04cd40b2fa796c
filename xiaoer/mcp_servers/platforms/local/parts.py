"""Pieces that every deed of the local shop is made of: a refund booked, lines counted, the receipt."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, update

from xiaoer.domain.actions import Receipt
from xiaoer.domain.canonical import digest
from xiaoer.domain.changes import ARGS_DIGEST, CHANGING_TOOLS
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Order, order_key
from xiaoer.domain.refunds import money_left, refund_destination
from xiaoer.domain.refusals import OverLimit, Refusal
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.versions import add_to_line
from xiaoer.mcp_servers.platforms.protocol import Effect


def require_destination(effect: Effect, order: Order) -> str:
    """Money goes back the way it came and nowhere else."""
    destination = refund_destination(order)
    if effect.destination and effect.destination != destination:
        raise Refusal(f"Order {order.order_no} was not paid with {effect.destination}.")
    return destination


def insert_refund(
    conn: Connection,
    store: str,
    order: Order,
    what: tuple[str, Money, str],
    lines: tuple[tuple[str, int], ...],
    effect: Effect,
    now: datetime,
) -> None:
    """The refund and its lines; the order's sum is checked here and by the table itself."""
    refund_id, amount, destination = what
    if not amount <= money_left(order):
        raise OverLimit(f"Only {money_left(order)} of what was paid is left to refund.")
    here = {"store": store, "refund_id": refund_id}
    key = order_key(order.order_no)
    conn.execute(
        insert(t.refunds).values(
            **here,
            order_key=key,
            amount_minor=amount.amount_minor,
            status="succeeded",
            destination=destination,
            reason=effect.reason,
            created_at=now,
            action_id=effect.action_id,
        )
    )
    if lines:
        conn.execute(
            insert(t.refund_lines),
            [{**here, "line_id": line_id, "quantity": count} for line_id, count in lines],
        )
    conn.execute(
        update(t.orders)
        .where(t.orders.c.store == store, t.orders.c.order_key == key)
        .values(refunded_minor=t.orders.c.refunded_minor + amount.amount_minor)
    )


def add_to_lines(
    conn: Connection, store: str, order: Order, lines: tuple[tuple[str, int], ...], column: str
) -> None:
    for line_id, count in lines:
        add_to_line(conn, store, order_key(order.order_no), line_id, {column: count})


def receipt_of(
    tool: str,
    store: str,
    order: Order,
    effect: Effect,
    reference: str,
    now: datetime,
    amount: Money | None,
    destination: str,
    lines: tuple[tuple[str, int], ...],
    details: dict[str, str] | None = None,
) -> Receipt:
    return Receipt(
        action_id=effect.action_id,
        tool=tool,
        store=store,
        order_no=order.order_no,
        reference=reference,
        amount=amount,
        destination=destination,
        lines=lines,
        details={
            **(details or {}),
            **({ARGS_DIGEST: digest(dict(effect.args))} if tool in CHANGING_TOOLS else {}),
        },
        at=now,
    )
