"""What the seller does in the shop: customers, goods, orders, payments, parcels, returned goods.

Every change of goods or money raises the order's version, so that nothing that was approved before
runs on old facts. Scans of a carrier raise it only where they change the parcel's state: a parcel
that merely moves on must not undo an approval every day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from xiaoer.domain.clock import Clock, utc_now
from xiaoer.domain.ids import new_id
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Order, OrderState, order_key
from xiaoer.domain.parcels import Interception, ParcelState
from xiaoer.domain.refunds import captured, merge_lines, pick_lines
from xiaoer.domain.refusals import BadInput, NotFound, OverLimit, Refusal
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.checks import order_faults
from xiaoer.mcp_servers.platforms.local.normal import tracking_key
from xiaoer.mcp_servers.platforms.local.reads import read_order
from xiaoer.mcp_servers.platforms.local.records import (
    CustomerRecord,
    EventRecord,
    OrderRecord,
    ParcelRecord,
    PaymentRecord,
    ProductRecord,
)
from xiaoer.mcp_servers.platforms.local.states import quantity_to_ship
from xiaoer.mcp_servers.platforms.local.versions import add_to_line, lock_order, raise_version
from xiaoer.mcp_servers.platforms.local.writes import (
    customer_ref,
    foreign_skus,
    insert_rows,
    parcel_rows,
    write_customers,
    write_orders,
    write_products,
)
from xiaoer.storage.engine import transaction

EVENT_TEXT_LIMIT = 500


class LocalShop:
    """The seller's side of the local shop. Every refusal is a `domain.refusals.Refusal`."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def put_customer(self, store: str, record: CustomerRecord) -> str:
        """Create a customer or bring them up to date; returns the opaque reference."""
        if not record.identity or not record.name.strip():
            raise BadInput("A customer needs a name, and an external id, an e-mail or a phone.")
        with transaction(self._engine) as session:
            write_customers(session.connection(), store, [record], self._clock())
        return customer_ref(store, record)

    def put_product(self, store: str, record: ProductRecord) -> None:
        """Create a product with its variants, or replace it."""
        skus = [variant.sku for variant in record.variants]
        if not record.title.strip() or not skus or len(set(skus)) != len(skus):
            raise BadInput("A product needs a title and at least one variant, each with its own sku.")
        with transaction(self._engine) as session:
            conn = session.connection()
            for sku, owner in foreign_skus(conn, store, [record]).items():
                raise Refusal(f"The sku {sku} belongs to product {owner}.")
            write_products(conn, store, [record])

    def place_order(self, store: str, record: OrderRecord) -> str:
        """Take an order in, with whatever has happened to it already; returns its key."""
        for field, fault in order_faults(record):
            raise BadInput(f"{field}: {fault}")
        key = order_key(record.order_no)
        with transaction(self._engine) as session:
            conn = session.connection()
            if read_order(conn, store, None, key) is not None:
                raise Refusal(f"There is an order {record.order_no} already.")
            write_customers(conn, store, [record.customer], self._clock())
            write_orders(conn, store, [record], self._clock())
        return key

    def record_payment(self, store: str, order_no: str, payment: PaymentRecord) -> None:
        """Book money that came in; refuses more than the order costs, and a payment booked already."""
        self._change(store, order_no, lambda conn, order: _book_payment(conn, store, order, payment))

    def ship_lines(self, store: str, order_no: str, parcel: ParcelRecord) -> None:
        """Send goods in a parcel; refuses what is not waiting to be sent."""
        self._change(store, order_no, lambda conn, order: _ship(conn, store, order, parcel))

    def receive_return(self, store: str, return_id: str) -> None:
        """Book returned goods in; they are not on their way back any more."""
        found = select(t.returns.c.order_key).where(
            t.returns.c.store == store, t.returns.c.return_id == return_id
        )
        with self._engine.connect() as conn:
            key = conn.execute(found).scalar()
        if key is None:
            raise NotFound("There is no such return.")
        self._change(store, key, lambda conn, order: _receive(conn, store, order, return_id, self._clock()))

    def answer_interception(self, store: str, order_no: str, tracking_no: str, stopped: bool) -> None:
        """Book what the carrier says to the wish to stop a parcel; once stopped to come back, it does."""
        now = self._clock()
        self._change(
            store, order_no, lambda conn, order: _answer(conn, store, order, tracking_no, stopped, now)
        )

    def add_tracking_event(self, store: str, order_no: str, tracking_no: str, event: EventRecord) -> bool:
        """Add a carrier's scan; returns whether it was new. An older scan does not change the state."""
        if not event.text.strip() or len(event.text) > EVENT_TEXT_LIMIT:
            raise BadInput(f"A scan says something in at most {EVENT_TEXT_LIMIT} characters.")
        with transaction(self._engine) as session:
            conn = session.connection()
            order = _locked(conn, store, order_no)
            return _add_scan(conn, store, order, tracking_key(tracking_no), event)

    def _change(self, store: str, order_no: str, change: Callable[[Connection, Order], None]) -> None:
        with transaction(self._engine) as session:
            conn = session.connection()
            order = _locked(conn, store, order_no)
            change(conn, order)
            raise_version(conn, store, order_key(order_no), touched_at=self._clock())


def _locked(conn: Connection, store: str, order_no: str) -> Order:
    key = order_key(order_no)
    lock_order(conn, store, key)
    order = read_order(conn, store, None, key)
    if order is None:
        raise NotFound("There is no such order.")
    return order


def _book_payment(conn: Connection, store: str, order: Order, payment: PaymentRecord) -> None:
    amount = Money(payment.amount_minor, order.currency)
    if amount.amount_minor <= 0:
        raise BadInput("A payment must be greater than zero.")
    if order.state is OrderState.CANCELLED:
        raise Refusal(f"Order {order.order_no} is cancelled.")
    if any(known.payment_id == payment.payment_id for known in order.payments):
        raise Refusal(f"Payment {payment.payment_id} is booked already.")
    if not captured(order) + amount <= order.total:
        raise OverLimit(f"Order {order.order_no} costs {order.total}, {captured(order)} are paid already.")
    key = order_key(order.order_no)
    row: dict[str, Any] = {"payment_id": payment.payment_id, "method": payment.method}
    row |= {"amount_minor": payment.amount_minor, "paid_at": payment.paid_at}
    conn.execute(insert(t.payments).values(store=store, order_key=key, **row))
    conn.execute(
        update(t.orders)
        .where(t.orders.c.store == store, t.orders.c.order_key == key)
        .values(captured_minor=t.orders.c.captured_minor + payment.amount_minor)
    )
    if captured(order) + amount == order.total:
        asked = (t.payment_requests.c.store == store, t.payment_requests.c.order_key == key)
        conn.execute(update(t.payment_requests).where(*asked).values(status="paid"))


def _ship(conn: Connection, store: str, order: Order, parcel: ParcelRecord) -> None:
    if order.state is OrderState.CANCELLED:
        raise Refusal(f"Order {order.order_no} is cancelled and must not be sent.")
    _require_new_number(order, parcel)
    amounts = merge_lines(parcel.lines)
    for line, (line_id, quantity) in zip(pick_lines(order, dict(amounts)), amounts, strict=True):
        if quantity > quantity_to_ship(line):
            raise OverLimit(f"Line {line_id} has {quantity_to_ship(line)} left to send, not {quantity}.")
    key, ids = order_key(order.order_no), (new_id("F"), new_id("P"))
    insert_rows(
        conn,
        {
            t.fulfilments: [
                {"store": store, "fulfilment_id": ids[0], "order_key": key, "supplier": parcel.supplier}
            ],
            **parcel_rows(store, key, replace(parcel, lines=amounts), ids, len(order.parcels)),
        },
    )
    for line_id, quantity in amounts:
        add_to_line(conn, store, key, line_id, {"shipped_quantity": quantity})


def _require_new_number(order: Order, parcel: ParcelRecord) -> None:
    number = tracking_key(parcel.tracking_no)
    if not number:
        raise BadInput("A parcel needs a tracking number.")
    if any(tracking_key(known.tracking_no) == number for known in order.parcels):
        raise Refusal(f"Order {order.order_no} has a parcel {parcel.tracking_no} already.")


def _receive(conn: Connection, store: str, order: Order, return_id: str, now: datetime) -> None:
    back = next(known for known in order.returns if known.return_id == return_id)
    if back.status in ("received", "closed"):
        raise Refusal(f"Return {return_id} has arrived already.")
    here = (t.returns.c.store == store, t.returns.c.return_id == return_id)
    conn.execute(update(t.returns).where(*here).values(status="received", received_at=now))
    if back.kind == "exchange":
        return  # its lines were settled when the exchange was made
    for line_id, quantity in back.lines:
        moved = {"returning_quantity": -quantity, "returned_quantity": quantity}
        add_to_line(conn, store, order_key(order.order_no), line_id, moved)


def _answer(
    conn: Connection, store: str, order: Order, tracking_no: str, stopped: bool, now: datetime
) -> None:
    number = tracking_key(tracking_no)
    box = next((item for item in order.parcels if tracking_key(item.tracking_no) == number), None)
    if box is None:
        raise NotFound(f"Order {order.order_no} has no such parcel.")
    if box.interception is not Interception.REQUESTED:
        raise Refusal(f"Nobody waits for an answer about parcel {tracking_no}.")
    key = order_key(order.order_no)
    here = (t.parcels.c.store == store, t.parcels.c.order_key == key, t.parcels.c.tracking_key == number)
    said = "confirmed" if stopped else "failed"
    conn.execute(update(t.parcels).where(*here).values(interception=said))
    if stopped and box.interception_kind == "return":
        event = EventRecord(now, ParcelState.GOING_BACK, "Stopped at the sender's wish; going back.")
        _add_scan(conn, store, order, number, event)


def _add_scan(conn: Connection, store: str, order: Order, number: str, event: EventRecord) -> bool:
    key = order_key(order.order_no)
    parcel = conn.execute(
        select(t.parcels.c.parcel_id, t.parcels.c.state).where(
            t.parcels.c.store == store, t.parcels.c.order_key == key, t.parcels.c.tracking_key == number
        )
    ).first()
    if parcel is None:
        raise NotFound(f"Order {order.order_no} has no such parcel.")
    here = (t.events.c.store == store, t.events.c.parcel_id == parcel.parcel_id)
    same = (t.events.c.at == event.at, t.events.c.state == event.state.value, t.events.c.text == event.text)
    if conn.execute(select(1).select_from(t.events).where(*here, *same)).first():
        return False
    newest = conn.execute(select(func.max(t.events.c.at)).where(*here)).scalar()
    values = {"at": event.at, "state": event.state.value, "text": event.text, "place": event.place}
    conn.execute(insert(t.events).values(store=store, parcel_id=parcel.parcel_id, order_key=key, **values))
    if (newest is None or event.at >= newest) and parcel.state != event.state.value:
        changed = (t.parcels.c.store == store, t.parcels.c.parcel_id == parcel.parcel_id)
        conn.execute(update(t.parcels).where(*changed).values(state=event.state.value))
        raise_version(conn, store, key)
    return True
