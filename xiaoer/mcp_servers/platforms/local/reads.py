"""Orders as the shop's record has them, each table asked once for any number of orders.

A conversation reads an order in nearly every turn: statements are built once, and tables that hold
nothing for the order are not asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, bindparam, exists, select

from xiaoer.domain.money import Money
from xiaoer.domain.orders import Line, Order, Payment, Refund, Return
from xiaoer.domain.parcels import Interception, Parcel, ParcelEvent, ParcelLine, ParcelState
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.states import delivered_at, order_state

Grouped = dict[str, list[Any]]
_NOTHING: Grouped = {}


def _has(table: Table, name: str) -> Any:
    here = and_(table.c.store == t.orders.c.store, table.c.order_key == t.orders.c.order_key)
    return exists(select(1).where(here).correlate(t.orders)).label(name)


def _head_statement() -> Select[Any]:
    owner = and_(
        t.customers.c.store == t.orders.c.store, t.customers.c.customer_ref == t.orders.c.customer_ref
    )
    return (
        select(
            t.orders,
            t.customers.c.name.label("customer_name"),
            _has(t.parcels, "has_parcels"),
            _has(t.refunds, "has_refunds"),
            _has(t.returns, "has_returns"),
            _has(t.notes, "has_notes"),
        )
        .join_from(t.orders, t.customers, owner)
        .where(t.orders.c.store == bindparam("store"))
        .where(t.orders.c.order_key.in_(bindparam("keys", expanding=True)))
    )


def _of_orders(statement: Select[Any], table: Table) -> Select[Any]:
    return statement.where(table.c.store == bindparam("store")).where(
        table.c.order_key.in_(bindparam("keys", expanding=True))
    )


def _parent(child: Table, parent: Table, key: str) -> Any:
    return and_(child.c.store == parent.c.store, child.c[key] == parent.c[key])


_HEADS = _head_statement()
_OWN_HEADS = _HEADS.where(t.orders.c.customer_ref == bindparam("customer"))
_LINES = _of_orders(select(t.lines), t.lines).order_by(t.lines.c.position)
_PAYMENTS = _of_orders(select(t.payments), t.payments).order_by(t.payments.c.paid_at, t.payments.c.payment_id)
_NOTES = _of_orders(select(t.notes.c.order_key, t.notes.c.text), t.notes).order_by(t.notes.c.id)
_EVENTS = _of_orders(select(t.events), t.events).order_by(t.events.c.at.desc(), t.events.c.id.desc())
_PARCELS = _of_orders(
    select(
        t.parcels,
        t.fulfilments.c.supplier,
        t.parcel_lines.c.line_id,
        t.parcel_lines.c.quantity,
    )
    .join_from(t.parcels, t.fulfilments, _parent(t.parcels, t.fulfilments, "fulfilment_id"))
    .join(t.parcel_lines, _parent(t.parcel_lines, t.parcels, "parcel_id"), isouter=True),
    t.parcels,
).order_by(t.parcels.c.position, t.parcel_lines.c.line_id)
_REFUNDS = _of_orders(
    select(t.refunds, t.refund_lines.c.line_id, t.refund_lines.c.quantity).join_from(
        t.refunds, t.refund_lines, _parent(t.refund_lines, t.refunds, "refund_id"), isouter=True
    ),
    t.refunds,
).order_by(t.refunds.c.created_at, t.refunds.c.refund_id, t.refund_lines.c.line_id)
_RETURNS = _of_orders(
    select(t.returns, t.return_lines.c.line_id, t.return_lines.c.quantity).join_from(
        t.returns, t.return_lines, _parent(t.return_lines, t.returns, "return_id"), isouter=True
    ),
    t.returns,
).order_by(t.returns.c.created_at, t.returns.c.return_id, t.return_lines.c.line_id)


def read_order(conn: Connection, store: str, customer_ref: str | None, key: str) -> Order | None:
    """One order by its key; None when it is missing and when it is somebody else's."""
    found = read_orders(conn, store, customer_ref, [key])
    return found[0] if found else None


def read_orders(
    conn: Connection, store: str, customer_ref: str | None, keys: Sequence[str]
) -> tuple[Order, ...]:
    """Orders in the sequence of their keys; those that are missing or another's are left out.

    The heads are read first: a change in between shows parts that are newer than the version, and
    an action that was bound to that version is then refused, which is the safe side.
    """
    asked = {"store": store, "keys": list(keys)}
    if customer_ref is None:
        heads = conn.execute(_HEADS, asked).all()
    else:
        heads = conn.execute(_OWN_HEADS, {**asked, "customer": customer_ref}).all()
    if not heads:
        return ()
    parts = _read_parts(conn, store, heads)
    orders = {head.order_key: _order(head, parts) for head in heads}
    return tuple(orders[key] for key in dict.fromkeys(keys) if key in orders)


def _read_parts(conn: Connection, store: str, heads: Sequence[Row[Any]]) -> dict[str, Grouped]:
    asked = {"store": store, "keys": [head.order_key for head in heads]}

    def grouped(statement: Select[Any], wanted: bool = True) -> Grouped:
        return _by_order(conn.execute(statement, asked)) if wanted else _NOTHING

    shipped = any(head.has_parcels for head in heads)
    return {
        "lines": grouped(_LINES),
        "payments": grouped(_PAYMENTS, any(head.captured_minor for head in heads)),
        "parcels": grouped(_PARCELS, shipped),
        "events": grouped(_EVENTS, shipped),
        "refunds": grouped(_REFUNDS, any(head.has_refunds for head in heads)),
        "returns": grouped(_RETURNS, any(head.has_returns for head in heads)),
        "notes": grouped(_NOTES, any(head.has_notes for head in heads)),
    }


def _by_order(rows: Iterable[Any]) -> Grouped:
    groups: Grouped = defaultdict(list)
    for row in rows:
        groups[row.order_key].append(row)
    return groups


def _order(head: Row[Any], parts: dict[str, Grouped]) -> Order:
    def of(part: str) -> list[Any]:
        return parts[part].get(head.order_key, [])

    currency = head.currency
    lines = tuple(_line(row, currency) for row in of("lines"))
    parcels = _parcels(head.order_no, of("parcels"), of("events"), {line.line_id: line for line in lines})
    return Order(
        order_no=head.order_no,
        state=order_state(head.cancelled, lines, parcels),
        currency=currency,
        lines=lines,
        total=Money(head.total_minor, currency),
        shipping_fee=Money(head.shipping_minor, currency),
        version=head.version,
        placed_at=head.placed_at,
        ship_by=head.ship_by,
        delivered_at=delivered_at(parcels),
        cancelled_at=head.cancelled_at,
        parcels=parcels,
        payments=tuple(_payment(row, currency) for row in of("payments")),
        refunds=tuple(_refund(rows, currency) for rows in _by_id(of("refunds"), "refund_id")),
        returns=tuple(_return(rows) for rows in _by_id(of("returns"), "return_id")),
        notes=tuple(row.text for row in of("notes")),
        ship_to=", ".join(part for part in (head.ship_city, head.ship_country) if part),
        customer_name=head.customer_name,
        customer_ref=head.customer_ref,
    )


def _line(row: Row[Any], currency: str) -> Line:
    return Line(
        line_id=row.line_id,
        sku=row.sku,
        product_id=row.product_id,
        title=row.title,
        options=tuple((name, value) for name, value in row.options),
        quantity=row.quantity,
        unit_price=Money(row.unit_price_minor, currency),
        supplier=row.supplier,
        shipped_quantity=row.shipped_quantity,
        refunded_quantity=row.refunded_quantity,
        returning_quantity=row.returning_quantity,
        cancelled_quantity=row.cancelled_quantity,
        exchanged_quantity=row.exchanged_quantity,
        final_sale=row.final_sale,
    )


def _parcels(
    order_no: str, rows: list[Any], event_rows: list[Any], lines: dict[str, Line]
) -> tuple[Parcel, ...]:
    scans: dict[str, list[ParcelEvent]] = defaultdict(list)
    for row in event_rows:
        scans[row.parcel_id].append(ParcelEvent(row.at, ParcelState(row.state), row.text, row.place))
    return tuple(
        _parcel(order_no, group, tuple(scans[group[0].parcel_id]), lines)
        for group in _by_id(rows, "parcel_id")
    )


def _parcel(order_no: str, rows: list[Any], scans: tuple[ParcelEvent, ...], lines: dict[str, Line]) -> Parcel:
    first = rows[0]
    held = [row for row in rows if row.line_id is not None]
    return Parcel(
        tracking_no=first.tracking_no,
        carrier=first.carrier,
        carrier_name=first.carrier_name,
        state=ParcelState(first.state) if first.state else None,
        lines=tuple(ParcelLine(row.line_id, lines[row.line_id].title, row.quantity) for row in held),
        events=scans,
        supplier=first.supplier,
        shipped_at=first.shipped_at,
        estimated_at=first.estimated_at,
        order_no=order_no,
        interception=Interception(first.interception),
        interception_kind=first.interception_kind,
    )


def _payment(row: Row[Any], currency: str) -> Payment:
    return Payment(row.payment_id, row.method, Money(row.amount_minor, currency), row.paid_at)


def _refund(rows: list[Any], currency: str) -> Refund:
    first = rows[0]
    return Refund(
        refund_id=first.refund_id,
        amount=Money(first.amount_minor, currency),
        status=first.status,
        lines=_line_amounts(rows),
        destination=first.destination,
        created_at=first.created_at,
        action_id=first.action_id,
    )


def _return(rows: list[Any]) -> Return:
    first = rows[0]
    return Return(
        return_id=first.return_id,
        status=first.status,
        lines=_line_amounts(rows),
        label_url=first.label_url,
        tracking_no=first.tracking_no,
        created_at=first.created_at,
        kind=first.kind,
        pickup=first.pickup,
    )


def _line_amounts(rows: list[Any]) -> tuple[tuple[str, int], ...]:
    return tuple((row.line_id, row.quantity) for row in rows if row.line_id is not None)


def _by_id(rows: list[Any], column: str) -> list[list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(getattr(row, column), []).append(row)
    return list(groups.values())
