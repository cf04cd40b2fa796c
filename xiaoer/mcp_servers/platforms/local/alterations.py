"""The deeds that change an order: address, items, payment, exchange, pickup, interception.

Called by `effects.run_effect` under the order's lock, inside its transaction; each computes again from
the record what was approved and refuses when it comes to something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, update

from xiaoer.domain.actions import Receipt
from xiaoer.domain.amendments import Amendment, Swap, amend_items, exchange_items, is_untouched
from xiaoer.domain.changes import exchanges, item_changes, new_address, tracking_form, window_of
from xiaoer.domain.ids import new_id
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Order, OrderState, order_key
from xiaoer.domain.parcels import Interception, ParcelState
from xiaoer.domain.refunds import money_left
from xiaoer.domain.refusals import BadInput, NotFound, OverLimit, Refusal
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.catalogue import (
    read_articles,
    read_payments,
    read_ship_to,
    take_stock,
)
from xiaoer.mcp_servers.platforms.local.parts import insert_refund, receipt_of, require_destination
from xiaoer.mcp_servers.platforms.protocol import Effect

Lines = tuple[tuple[str, int], ...]
_STOPPABLE = frozenset(
    {
        *(ParcelState.LABEL_ONLY, ParcelState.PICKED_UP, ParcelState.IN_TRANSIT, ParcelState.CUSTOMS),
        *(ParcelState.AT_PICKUP_POINT, ParcelState.PROBLEM, ParcelState.NUMBER_UNKNOWN, None),
    }
)


def change_address(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    """The order's goods go elsewhere from now on; refused once anything has left."""
    if order.state is not OrderState.UNSHIPPED:
        raise Refusal(f"Order {order.order_no} has been shipped; its address cannot be changed any more.")
    record = read_ship_to(conn, store, order_key(order.order_no))
    assert record is not None
    new = new_address(effect.args["address"], record)
    _require_same_destination(effect, new.line())
    _update(
        conn,
        t.orders,
        _order(store, order),
        ship_name=new.recipient,
        ship_phone=new.phone,
        ship_street=new.street,
        ship_city=new.city,
        ship_region=new.region,
        ship_postcode=new.postcode,
        ship_country=new.country,
    )
    return receipt_of(
        "change_address", store, order, effect, order.order_no, now, None, new.line(), effect.lines
    )


def change_items(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    """Other variants or quantities of lines that have not left; the difference goes back or is asked for."""
    wanted = item_changes(effect.args)
    skus = {change.sku for change in wanted if change.sku} | {line.sku for line in order.lines}
    amendment = amend_items(order, wanted, read_articles(conn, store, skus))
    for swap in amendment.swaps:
        if not is_untouched(swap.line):
            raise Refusal(f"Line {swap.line.line_id} has been shipped or settled; it cannot be changed.")
    details = _settle(conn, store, order, effect, amendment, now)
    for swap in amendment.swaps:
        take_stock(conn, store, swap.line.sku, -swap.quantity)
        take_stock(conn, store, swap.article.sku, swap.new_quantity)
        _rewrite_line(conn, store, order, swap)
    return receipt_of(
        *("change_items", store, order, effect, order.order_no, now, amendment.back),
        effect.destination,
        amendment.lines,
        details,
    )


def exchange(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    """Lines come back on a label of their own, and new lines are reserved for them."""
    wanted = exchanges(effect.args)
    amendment = exchange_items(order, wanted, read_articles(conn, store, {item.sku for item in wanted}))
    for swap in amendment.swaps:
        _require_exchangeable(conn, store, order, swap)
    details = _settle(conn, store, order, effect, amendment, now)
    details |= _label(conn, store, order, effect, amendment.lines, now)
    for position, swap in enumerate(amendment.swaps):
        take_stock(conn, store, swap.article.sku, swap.new_quantity)
        _give(conn, store, order, swap, position)
    return receipt_of(
        *("exchange_items", store, order, effect, details["return_id"], now, amendment.back),
        effect.destination,
        amendment.lines,
        details,
    )


def change_payment(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    """What is captured and still here is booked on another of this customer's known methods."""
    if order.state is not OrderState.UNSHIPPED:
        raise Refusal(f"Order {order.order_no} has been shipped; how it was paid cannot be changed any more.")
    known = {payment.method for payment in read_payments(conn, store, order.customer_ref)}
    if effect.destination not in known:
        raise Refusal("This payment method is not known for this customer.")
    amount = money_left(order)
    if not amount or effect.amount != amount:
        raise Refusal(f"The record gives {amount}, the action says {effect.amount}.")
    _update(conn, t.payments, _order(store, order), method=effect.destination)
    return receipt_of(
        "change_payment", store, order, effect, order.order_no, now, amount, effect.destination, ()
    )


def book_pickup(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    """A courier is booked for a return that has its label and no courier yet."""
    wanted = str(effect.args["return_id"]).strip().upper()
    back = next((item for item in order.returns if item.return_id.upper() == wanted), None)
    if back is None:
        raise NotFound(f"Order {order.order_no} has no such return.")
    if back.status != "label_created":
        raise Refusal(f"Return {back.return_id} is on its way or has arrived already.")
    if back.pickup:
        raise Refusal(f"A courier is booked for return {back.return_id} already: {back.pickup}.")
    window = str(window_of(effect.args["window"]))
    pickup_id = new_id("PU")
    here = {"store": store, "return_id": back.return_id}
    _update(conn, t.returns, here, pickup=window, pickup_id=pickup_id)
    details = {"return_id": back.return_id, "pickup": window}
    return receipt_of(
        "book_pickup", store, order, effect, pickup_id, now, None, effect.destination, back.lines, details
    )


def intercept_parcel(conn: Connection, store: str, order: Order, effect: Effect, now: datetime) -> Receipt:
    """The carrier is asked; what it answers comes later (`shop.LocalShop.answer_interception`)."""
    wanted = tracking_form(effect.args["tracking_no"])
    box = next((item for item in order.parcels if tracking_form(item.tracking_no) == wanted), None)
    if box is None:
        raise NotFound(f"Order {order.order_no} has no such parcel.")
    if box.interception in (Interception.REQUESTED, Interception.CONFIRMED):
        raise Refusal(f"The carrier has been asked about {box.tracking_no} already.")
    if box.state not in _STOPPABLE:
        raise Refusal(f"Parcel {box.tracking_no} cannot be stopped any more.")
    interception_id, kind = new_id("IC"), str(effect.args["kind"])
    parcel = {**_order(store, order), "tracking_key": wanted}
    asked = {"interception": "requested", "interception_kind": kind, "interception_id": interception_id}
    _update(conn, t.parcels, parcel, **asked)
    details = {"tracking_no": box.tracking_no, "kind": kind, "carrier": box.carrier_name or box.carrier}
    lines = tuple((part.line_id, part.quantity) for part in box.lines)
    return receipt_of(
        *("intercept_parcel", store, order, effect, interception_id, now, None, effect.destination),
        lines,
        details,
    )


DEEDS: Mapping[str, Callable[[Connection, str, Order, Effect, datetime], Receipt]] = {
    "change_address": change_address,
    "change_items": change_items,
    "change_payment": change_payment,
    "exchange_items": exchange,
    "book_pickup": book_pickup,
    "intercept_parcel": intercept_parcel,
}


def _settle(
    conn: Connection, store: str, order: Order, effect: Effect, amendment: Amendment, now: datetime
) -> dict[str, str]:
    """The difference: back to where it came from, or asked for. The order's total follows."""
    if amendment.offer in ("other_product", "out_of_stock"):
        raise Refusal("The article that is wanted cannot be given.")
    if effect.amount != amendment.back:
        raise Refusal(f"The record gives {amendment.back}, the action says {effect.amount}.")
    details: dict[str, str] = {}
    moved = 0
    if amendment.back is not None:
        destination, refund_id = require_destination(effect, order), new_id("RF")
        insert_refund(conn, store, order, (refund_id, amendment.back, destination), (), effect, now)
        details["refund_id"] = refund_id
        moved = -amendment.back.amount_minor
    if amendment.due is not None:
        details |= _ask_for(conn, store, order, effect, amendment.due, now)
        moved = amendment.due.amount_minor
    _update(conn, t.orders, _order(store, order), total_minor=t.orders.c.total_minor + moved)
    return details


def _ask_for(
    conn: Connection, store: str, order: Order, effect: Effect, due: Money, now: datetime
) -> dict[str, str]:
    request_id = new_id("PR")
    conn.execute(
        insert(t.payment_requests).values(
            store=store,
            request_id=request_id,
            order_key=order_key(order.order_no),
            amount_minor=due.amount_minor,
            status="open",
            created_at=now,
            action_id=effect.action_id,
        )
    )
    return {"payment_request": request_id, "due": str(due)}


def _rewrite_line(conn: Connection, store: str, order: Order, swap: Swap) -> None:
    key = {**_order(store, order), "line_id": swap.line.line_id}
    if swap.new_quantity == 0:  # settled whole: the refund of its price is booked beside
        gone = {"refunded_quantity": swap.quantity, "cancelled_quantity": swap.quantity}
        _update(conn, t.lines, key, **gone)
        return
    article = swap.article
    _update(
        conn,
        t.lines,
        key,
        sku=article.sku,
        product_id=article.product_id,
        options=[list(option) for option in article.options],
        quantity=swap.new_quantity,
        unit_price_minor=swap.unit_price.amount_minor,
    )


def _require_exchangeable(conn: Connection, store: str, order: Order, swap: Swap) -> None:
    line = swap.line
    gone = max(line.returning_quantity, line.refunded_quantity) + line.exchanged_quantity
    back = sum(dict(item.lines).get(line.line_id, 0) for item in order.returns if _is_back(item))
    left = line.shipped_quantity - max(gone, back + line.exchanged_quantity)
    if swap.quantity > left:
        raise OverLimit(f"Line {line.line_id} has {left} that can be exchanged, not {swap.quantity}.")


def _is_back(item: Any) -> bool:
    return item.kind == "refund" and item.status in ("received", "closed")


def _label(
    conn: Connection, store: str, order: Order, effect: Effect, lines: Lines, now: datetime
) -> dict[str, str]:
    """A return whose goods are paid for by what goes out: nothing is refunded when it arrives."""
    return_id, tracking_no = new_id("R"), new_id("RT", 12).replace("-", "")
    label_url = f"/labels/{new_id('L', 20)}"
    here = {"store": store, "return_id": return_id}
    conn.execute(
        insert(t.returns).values(
            **here,
            order_key=order_key(order.order_no),
            status="label_created",
            kind="exchange",
            label_url=label_url,
            tracking_no=tracking_no,
            reason=effect.reason,
            created_at=now,
            action_id=effect.action_id,
        )
    )
    rows = [{**here, "line_id": line_id, "quantity": quantity} for line_id, quantity in lines]
    conn.execute(insert(t.return_lines), rows)
    return {"return_id": return_id, "label_url": label_url, "tracking_no": tracking_no}


def _give(conn: Connection, store: str, order: Order, swap: Swap, position: int) -> None:
    """The old ones count as given away, the new line waits to be sent."""
    key = {**_order(store, order), "line_id": swap.line.line_id}
    _update(conn, t.lines, key, exchanged_quantity=t.lines.c.exchanged_quantity + swap.quantity)
    article, count = swap.article, len(order.lines) + position + 1
    conn.execute(
        insert(t.lines).values(
            **_order(store, order),
            line_id=f"{swap.line.line_id[:50]}-X{count}",
            position=count,
            sku=article.sku,
            product_id=article.product_id,
            title=article.title,
            options=[list(option) for option in article.options],
            quantity=swap.new_quantity,
            unit_price_minor=swap.unit_price.amount_minor,
            supplier=swap.line.supplier,
            final_sale=swap.line.final_sale,
        )
    )


def _require_same_destination(effect: Effect, destination: str) -> None:
    if effect.destination != destination:
        raise BadInput("The address is not the one that was approved.")


def _order(store: str, order: Order) -> dict[str, Any]:
    return {"store": store, "order_key": order_key(order.order_no)}


def _update(conn: Connection, table: Table, key: Mapping[str, Any], **values: Any) -> None:
    conn.execute(update(table).where(*(table.c[name] == part for name, part in key.items())).values(**values))
