"""Whole records into the shop's tables, many at a time, inside the caller's transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from xiaoer.domain.ids import derived_id
from xiaoer.domain.orders import order_key
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.normal import fold, tracking_key
from xiaoer.mcp_servers.platforms.local.records import (
    CustomerRecord,
    LineRecord,
    OrderRecord,
    ParcelRecord,
    ProductRecord,
)

Rows = dict[Table, list[dict[str, Any]]]

# Parents first; what hangs on an order is removed in the opposite sequence.
_PARTS = (
    t.lines, t.payments, t.fulfilments, t.parcels, t.parcel_lines, t.events,
    t.refunds, t.refund_lines, t.notes,
)  # fmt: skip
# SQLite allows 32,766 values in a statement.
_CHUNK = 500


def customer_ref(store: str, record: CustomerRecord) -> str:
    return derived_id("C", store, record.identity, length=16)


def write_customers(conn: Connection, store: str, records: Iterable[CustomerRecord], now: datetime) -> int:
    """Insert or bring up to date; of several records of one customer the last counts. Returns changes."""
    wanted = {customer_ref(store, record): _customer_row(record) for record in records}
    known = {row.customer_ref: row for row in _fetch(conn, t.customers, "customer_ref", store, wanted)}
    fresh = [
        {"store": store, "customer_ref": ref, "created_at": now, **row}
        for ref, row in wanted.items()
        if ref not in known
    ]
    _insert(conn, t.customers, fresh)
    changed = 0
    for ref, old in known.items():
        row = wanted[ref]
        if any(getattr(old, column) != value for column, value in row.items()):
            moved = (old.email, old.phone) != (row["email"], row["phone"])
            change = {**row, "contact_changed_at": now} if moved else row
            _update(conn, t.customers, {"store": store, "customer_ref": ref}, change)
            changed += 1
    return changed + len(fresh)


def write_products(conn: Connection, store: str, records: Iterable[ProductRecord]) -> int:
    """Insert or replace products with their variants; returns how many differed."""
    wanted = {record.product_id: record for record in records}
    known = {row.product_id: row for row in _fetch(conn, t.products, "product_id", store, wanted)}
    held: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _fetch(conn, t.variants, "product_id", store, wanted):
        held[row.product_id].append(dict(row._mapping))
    changed = 0
    for product_id, record in wanted.items():
        row, kinds = _product_row(store, record), _variant_rows(store, record)
        old = known.get(product_id)
        if old is not None and dict(old._mapping) == row and _by_sku(held[product_id]) == _by_sku(kinds):
            continue
        _replace_product(conn, store, row, kinds, old is not None)
        changed += 1
    return changed


def foreign_skus(conn: Connection, store: str, records: Iterable[ProductRecord]) -> dict[str, str]:
    """Skus of these products that belong to another product here, with that product's id."""
    owners = {variant.sku: record.product_id for record in records for variant in record.variants}
    held = _fetch(conn, t.variants, "sku", store, owners)
    return {row.sku: row.product_id for row in held if row.product_id != owners[row.sku]}


def write_orders(
    conn: Connection,
    store: str,
    records: Sequence[OrderRecord],
    now: datetime,
    replaced: Mapping[str, int] | None = None,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Write orders whose customers are there already; `replaced` holds the new version of each key
    that stands here with older contents (notes made here stay), `digests` the digest by which a
    later import knows its record again, where that is not the digest of what is written."""
    versions = replaced or {}
    rows: Rows = {table: [] for table in (t.orders, *_PARTS)}
    for record in records:
        key = order_key(record.order_no)
        _collect_order(rows, store, key, record, versions.get(key, 1))
        rows[t.orders][-1]["source_digest"] = (digests or {}).get(key) or record.digest()
        rows[t.notes] += [
            {"store": store, "order_key": key, "text": text, "key": f"import:{key}:{at}", "created_at": now}
            for at, text in enumerate(record.notes)
        ]
    _remove_parts(conn, store, list(versions))
    for row in rows[t.orders]:
        if row["order_key"] in versions:
            _update(conn, t.orders, {"store": store, "order_key": row["order_key"]}, row)
    _insert(conn, t.orders, [row for row in rows[t.orders] if row["order_key"] not in versions])
    for table in _PARTS:
        _insert(conn, table, rows[table])


def _remove_parts(conn: Connection, store: str, keys: list[str]) -> None:
    owned = select(t.refunds.c.refund_id).where(t.refunds.c.store == store, t.refunds.c.order_key.in_(keys))
    conn.execute(
        delete(t.refund_lines).where(t.refund_lines.c.store == store, t.refund_lines.c.refund_id.in_(owned))
    )
    for table in reversed(_PARTS):
        if "order_key" not in table.c:
            continue
        gone = delete(table).where(table.c.store == store, table.c.order_key.in_(keys))
        conn.execute(gone.where(t.notes.c.key.like("import:%")) if table is t.notes else gone)


def parcel_rows(
    store: str, key: str, parcel: ParcelRecord, ids: tuple[str, str], position: int
) -> dict[Table, list[dict[str, Any]]]:
    """Rows of one parcel; `ids` are the fulfilment's and the parcel's."""
    fulfilment_id, parcel_id = ids
    here = {"store": store, "order_key": key, "parcel_id": parcel_id}
    head = {
        **here,
        "fulfilment_id": fulfilment_id,
        "position": position,
        "tracking_no": parcel.tracking_no,
        "tracking_key": tracking_key(parcel.tracking_no),
        "carrier": parcel.carrier,
        "carrier_name": parcel.carrier_name,
        "state": parcel.state.value if parcel.state else None,
        "shipped_at": parcel.shipped_at,
        "estimated_at": parcel.estimated_at,
    }
    return {
        t.parcels: [head],
        t.parcel_lines: [{**here, "line_id": line_id, "quantity": count} for line_id, count in parcel.lines],
        t.events: [
            {**here, "at": event.at, "state": event.state.value, "text": event.text, "place": event.place}
            for event in sorted(parcel.events, key=lambda event: event.at)
        ],
    }


def insert_rows(conn: Connection, rows: Mapping[Table, list[dict[str, Any]]]) -> None:
    for table, values in rows.items():
        _insert(conn, table, values)


def _collect_order(rows: Rows, store: str, key: str, record: OrderRecord, version: int) -> None:
    here = {"store": store, "order_key": key}
    rows[t.orders].append({**here, **_order_row(store, record), "version": version})
    shipped = _count(amount for parcel in record.parcels for amount in parcel.lines)
    refunded = _count(amount for refund in record.refunds for amount in refund.lines)
    for position, line in enumerate(record.lines):
        counts = {
            "shipped_quantity": shipped[line.line_id],
            "refunded_quantity": refunded[line.line_id],
            "cancelled_quantity": line.quantity if record.cancelled else 0,
        }
        rows[t.lines].append({**here, "position": position, **_line_row(line), **counts})
    rows[t.payments] += [{**here, **asdict(payment)} for payment in record.payments]
    _collect_parcels(rows, here, record)
    for refund in record.refunds:
        _collect_refund(rows, here, refund)


def _collect_parcels(rows: Rows, here: dict[str, str], record: OrderRecord) -> None:
    key = here["order_key"]
    suppliers = list(dict.fromkeys(parcel.supplier for parcel in record.parcels))
    ids = {supplier: f"{key}-F{at + 1}" for at, supplier in enumerate(suppliers)}
    rows[t.fulfilments] += [
        {**here, "fulfilment_id": fulfilment_id, "supplier": supplier}
        for supplier, fulfilment_id in ids.items()
    ]
    for position, parcel in enumerate(record.parcels):
        parts = (ids[parcel.supplier], f"{key}-P{position + 1}")
        for table, values in parcel_rows(here["store"], key, parcel, parts, position).items():
            rows[table] += values


def _collect_refund(rows: Rows, here: dict[str, str], refund: Any) -> None:
    rows[t.refunds].append(
        {
            **here,
            "refund_id": refund.refund_id,
            "amount_minor": refund.amount_minor,
            "status": "succeeded",
            "destination": refund.destination,
            "created_at": refund.created_at,
        }
    )
    rows[t.refund_lines] += [
        {"store": here["store"], "refund_id": refund.refund_id, "line_id": line_id, "quantity": count}
        for line_id, count in refund.lines
    ]


def _order_row(store: str, record: OrderRecord) -> dict[str, Any]:
    to = record.ship_to
    return {
        "order_no": record.order_no,
        "customer_ref": customer_ref(store, record.customer),
        "currency": record.currency,
        "total_minor": record.total_minor,
        "shipping_minor": record.shipping_minor,
        "captured_minor": sum(payment.amount_minor for payment in record.payments),
        "refunded_minor": sum(refund.amount_minor for refund in record.refunds),
        "placed_at": record.placed_at,
        "ship_by": record.ship_by,
        "cancelled": record.cancelled,
        "cancelled_at": record.cancelled_at,
        "ship_name": record.ship_name or record.customer.name,
        "ship_phone": record.ship_phone or record.customer.phone,
        "ship_street": to.street,
        "ship_city": to.city,
        "ship_region": to.region,
        "ship_postcode": to.postcode,
        "ship_country": to.country,
    }


def _line_row(line: LineRecord) -> dict[str, Any]:
    return {**asdict(line), "options": [list(option) for option in line.options]}


def _customer_row(record: CustomerRecord) -> dict[str, Any]:
    return {
        "external_id": record.external_id,
        "name": record.name,
        "email": record.email,
        "phone": record.phone,
        **asdict(record.address),
    }


def _product_row(store: str, record: ProductRecord) -> dict[str, Any]:
    options = " ".join(value for variant in record.variants for _, value in variant.options)
    return {
        "store": store,
        "product_id": record.product_id,
        "title": record.title,
        "description": record.description,
        "supplier": record.supplier,
        "final_sale": record.final_sale,
        "search": fold(f"{record.title} {record.description} {options}"),
    }


def _variant_rows(store: str, record: ProductRecord) -> list[dict[str, Any]]:
    return [
        {
            "store": store,
            "sku": variant.sku,
            "product_id": record.product_id,
            "options": [list(option) for option in variant.options],
            "price_minor": variant.price_minor,
            "currency": record.currency,
            "available": variant.available,
            "stock": variant.stock,
            "position": position,
        }
        for position, variant in enumerate(record.variants)
    ]


def _replace_product(
    conn: Connection, store: str, row: dict[str, Any], kinds: list[dict[str, Any]], known: bool
) -> None:
    here = {"store": store, "product_id": row["product_id"]}
    if known:
        conn.execute(delete(t.variants).where(*(t.variants.c[name] == value for name, value in here.items())))
        _update(conn, t.products, here, row)
    else:
        _insert(conn, t.products, [row])
    _insert(conn, t.variants, kinds)


def _by_sku(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["sku"]))


def _count(amounts: Iterable[tuple[str, int]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line_id, quantity in amounts:
        counts[line_id] += quantity
    return counts


def _fetch(conn: Connection, table: Table, column: str, store: str, keys: Iterable[str]) -> list[Any]:
    wanted = list(keys)
    found: list[Any] = []
    for at in range(0, len(wanted), _CHUNK):
        part = wanted[at : at + _CHUNK]
        found += conn.execute(select(table).where(table.c.store == store, table.c[column].in_(part))).all()
    return found


def _insert(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        conn.execute(insert(table), rows)


def _update(conn: Connection, table: Table, key: dict[str, str], values: dict[str, Any]) -> None:
    conn.execute(update(table).where(*(table.c[name] == part for name, part in key.items())).values(**values))
