"""What cannot be undone, each in one transaction and once under its action's id.

In this sequence, so that nothing moves twice and nothing moves on old facts: the receipt of an
earlier run, the lock on the order, the receipt again (somebody may have held the lock), the version
that was approved, the rule, the writes, the new version, the receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from xiaoer.domain.actions import Receipt
from xiaoer.domain.clock import Clock, iso
from xiaoer.domain.ids import new_id
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Line, Order, OrderState, order_key
from xiaoer.domain.refunds import (
    cancel_amount,
    merge_lines,
    pick_lines,
    refundable,
)
from xiaoer.domain.refusals import BadInput, NotFound, OrderChanged, OverLimit, Refusal
from xiaoer.mcp_servers.platforms.local import alterations
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.normal import storable
from xiaoer.mcp_servers.platforms.local.parts import (
    add_to_lines,
    insert_refund,
    receipt_of,
    require_destination,
)
from xiaoer.mcp_servers.platforms.local.reads import read_order
from xiaoer.mcp_servers.platforms.local.receipts import dump_receipt, load_receipt
from xiaoer.mcp_servers.platforms.local.versions import lock_order, raise_version
from xiaoer.mcp_servers.platforms.protocol import Effect
from xiaoer.storage.crashpoints import crash_point
from xiaoer.storage.engine import transaction

COUPON_DAYS = 90


def run_effect(engine: Engine, clock: Clock, store: str, tool: str, effect: Effect) -> Receipt:
    """Do it once and hand back the receipt; the same action id again moves nothing.

    Raises NotFound, OrderChanged, OverLimit, BadInput or another Refusal; then nothing has moved.
    """
    key = order_key(effect.order_no)
    effect = replace(effect, reason=storable(effect.reason))
    with transaction(engine) as session:
        conn = session.connection()
        done = _earlier(conn, store, tool, key, effect.action_id)
        if done is None:
            lock_order(conn, store, key)
            done = _earlier(conn, store, tool, key, effect.action_id)
        if done is not None:
            return done
        receipt = _perform(conn, store, tool, key, effect, clock())
    crash_point("effect.done")
    return receipt


def find_effect(conn: Connection, store: str, action_id: str) -> Receipt | None:
    row = _effect_row(conn, store, action_id)
    return load_receipt(row.receipt) if row else None


def _perform(conn: Connection, store: str, tool: str, key: str, effect: Effect, now: datetime) -> Receipt:
    order = read_order(conn, store, None, key)
    if order is None:
        raise NotFound("There is no such order.")
    if order.version != effect.order_version:
        raise OrderChanged(
            f"Order {order.order_no} has changed since this was proposed "
            f"(version {order.version} now, {effect.order_version} then)."
        )
    receipt = DEEDS[tool](conn, store, order, effect, now)
    raise_version(conn, store, key, touched_at=now)
    conn.execute(
        insert(t.effects).values(
            store=store,
            action_id=effect.action_id,
            tool=tool,
            order_key=key,
            receipt=dump_receipt(receipt),
            at=now,
        )
    )
    return receipt


def _earlier(conn: Connection, store: str, tool: str, key: str, action_id: str) -> Receipt | None:
    row = _effect_row(conn, store, action_id)
    if row is None:
        return None
    if (row.tool, row.order_key) != (tool, key):
        raise Refusal(f"{action_id} was already used for {row.tool} on another matter.")
    return load_receipt(row.receipt)


def _effect_row(conn: Connection, store: str, action_id: str) -> Any:
    here = (t.effects.c.store == store, t.effects.c.action_id == storable(action_id))
    return conn.execute(select(t.effects).where(*here)).first()


def _issue_refund(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    lines = merge_lines(effect.lines)
    amount = refundable(order, lines)
    _require_amount(effect, amount)
    destination = require_destination(effect, order)
    if not amount:
        raise OverLimit(f"Nothing that was paid for order {order.order_no} is left to refund.")
    refund_id = new_id("RF")
    insert_refund(conn, store, order, (refund_id, amount, destination), lines, effect, now)
    add_to_lines(conn, store, order, lines, "refunded_quantity")
    return receipt_of("issue_refund", store, order, effect, refund_id, now, amount, destination, lines)


def _cancel_order(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    if order.state is OrderState.CANCELLED:
        raise Refusal(f"Order {order.order_no} is cancelled already.")
    if order.state is not OrderState.UNSHIPPED:
        raise Refusal(f"Order {order.order_no} has been shipped and cannot be cancelled.")
    amount = cancel_amount(order)
    _require_amount(effect, amount, may_be_open=True)
    destination = require_destination(effect, order)
    open_lines = tuple(
        (line.line_id, line.refundable_quantity) for line in order.lines if line.refundable_quantity
    )
    details = {"cancelled_at": iso(now)}
    if amount:
        refund_id = details["refund_id"] = new_id("RF")
        insert_refund(conn, store, order, (refund_id, amount, destination), open_lines, effect, now)
        add_to_lines(conn, store, order, open_lines, "refunded_quantity")
    key = order_key(order.order_no)
    conn.execute(
        update(t.orders)
        .where(t.orders.c.store == store, t.orders.c.order_key == key)
        .values(cancelled=True, cancelled_at=now)
    )
    conn.execute(
        update(t.lines)
        .where(t.lines.c.store == store, t.lines.c.order_key == key)
        .values(cancelled_quantity=t.lines.c.quantity)
    )
    return receipt_of(
        "cancel_order", store, order, effect, order.order_no, now, amount, destination, open_lines, details
    )


def _create_label(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    lines = merge_lines(effect.lines)
    _require_returnable(conn, store, order, lines)
    return_id, tracking_no = new_id("R"), new_id("RT", 12).replace("-", "")
    label_url = f"/labels/{new_id('L', 20)}"  # who knows it can print it: not to be guessed
    here = {"store": store, "return_id": return_id}
    conn.execute(
        insert(t.returns).values(
            **here,
            order_key=order_key(order.order_no),
            status="label_created",
            label_url=label_url,
            tracking_no=tracking_no,
            reason=effect.reason,
            created_at=now,
            action_id=effect.action_id,
        )
    )
    conn.execute(
        insert(t.return_lines), [{**here, "line_id": line_id, "quantity": count} for line_id, count in lines]
    )
    add_to_lines(conn, store, order, lines, "returning_quantity")
    details = {"label_url": label_url, "tracking_no": tracking_no}
    return receipt_of(
        "create_return_label", store, order, effect, return_id, now, None, effect.destination, lines, details
    )


def _issue_coupon(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    amount = effect.amount
    if amount is None or amount.amount_minor <= 0 or amount.currency != order.currency:
        raise BadInput("A coupon needs a value above zero in the order's currency.")
    code, until = new_id("CP"), now + timedelta(days=COUPON_DAYS)
    conn.execute(
        insert(t.coupons).values(
            store=store,
            code=code,
            customer_ref=order.customer_ref,
            order_key=order_key(order.order_no),
            value_minor=amount.amount_minor,
            currency=amount.currency,
            reason=effect.reason,
            created_at=now,
            valid_until=until,
            action_id=effect.action_id,
        )
    )
    details = {"coupon_code": code, "valid_until": iso(until)}
    return receipt_of(
        "issue_coupon", store, order, effect, code, now, amount, effect.destination, (), details
    )


# (connection, store, order as it stands under the lock, what is asked, now) → what was done
Deed = Callable[[Connection, str, Order, Effect, datetime], Receipt]

DEEDS: dict[str, Deed] = {
    "issue_refund": _issue_refund,
    "cancel_order": _cancel_order,
    "create_return_label": _create_label,
    "issue_coupon": _issue_coupon,
    **alterations.DEEDS,
}


def _require_amount(effect: Effect, amount: Money, may_be_open: bool = False) -> None:
    """What was approved must be what the record gives now."""
    if effect.amount is None and may_be_open:
        return
    if effect.amount != amount:
        raise Refusal(f"The record gives {amount}, the action says {effect.amount}.")


def _require_returnable(
    conn: Connection, store: str, order: Order, lines: tuple[tuple[str, int], ...]
) -> None:
    back = select(t.lines.c.line_id, t.lines.c.returned_quantity).where(
        t.lines.c.store == store, t.lines.c.order_key == order_key(order.order_no)
    )
    arrived = {row.line_id: row.returned_quantity for row in conn.execute(back)}
    for line, (line_id, quantity) in zip(pick_lines(order, dict(lines)), lines, strict=True):
        left = _returnable(line, arrived[line_id])
        if quantity > left:
            raise OverLimit(f"Line {line_id} has {left} that can be sent back, not {quantity}.")


def _returnable(line: Line, arrived: int) -> int:
    """Shipped, and neither on its way back, nor back, nor refunded without coming back."""
    gone = max(line.returning_quantity + arrived, line.refunded_quantity)
    return line.shipped_quantity - gone - line.exchanged_quantity
