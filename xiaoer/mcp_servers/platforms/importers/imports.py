"""One file of orders into one store: all of it or nothing, and twice is the same as once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from xiaoer.domain.clock import Clock, utc_now
from xiaoer.domain.orders import Order, order_key
from xiaoer.mcp_servers.platforms.importers import jsonl, tau2
from xiaoer.mcp_servers.platforms.importers.report import (
    MAX_ERRORS,
    ImportReport,
    Parsed,
    Row,
    RowError,
    Unreadable,
)
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.checks import order_faults
from xiaoer.mcp_servers.platforms.local.normal import tracking_key
from xiaoer.mcp_servers.platforms.local.reads import read_order
from xiaoer.mcp_servers.platforms.local.records import EventRecord, OrderRecord, ParcelRecord
from xiaoer.mcp_servers.platforms.local.writes import (
    foreign_skus,
    write_customers,
    write_orders,
    write_products,
)
from xiaoer.storage.engine import transaction

Reader = Callable[[str, str], Parsed]  # (text of the file, currency of the store)
Progress = Callable[[int, int], None]  # (orders done, orders in all)

FORMATS: dict[str, Reader] = {"tau2": tau2.read_orders, "jsonl": jsonl.read_orders}

MAX_BYTES = 512 * 1024 * 1024
_CHUNK = 200


def import_orders(
    path: Path,
    store_id: str,
    fmt: str,
    engine: Engine,
    *,
    currency: str,
    progress: Progress = lambda done, total: None,
    clock: Clock = utc_now,
) -> ImportReport:
    """Read a file of orders and write them; with any fault nothing is written.

    `currency` is the store's. Faults of the file are in the report, never raised.
    """
    reader = FORMATS.get(fmt)
    if reader is None:
        return _refused(f"The format {fmt} is not known; known are {', '.join(sorted(FORMATS))}.")
    try:
        parsed = reader(_read_text(path), currency)
    except Unreadable as error:
        return _refused(str(error))
    errors = [*parsed.errors, *_row_faults(parsed.rows, currency)]
    if errors:
        return ImportReport(parsed.seen, errors=_capped(errors))
    with transaction(engine) as session:
        return _write(session.connection(), store_id, parsed, progress, clock())


def _refused(sentence: str) -> ImportReport:
    return ImportReport(0, errors=(RowError(0, "", sentence),))


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Unreadable(f"{path.name} is larger than {MAX_BYTES // 1024**2} MB; split it.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path.name} is not a text file in UTF-8 (byte {error.start}).") from error
    if not text.strip():
        raise Unreadable(f"{path.name} is empty.")
    return text


def _row_faults(rows: Sequence[Row], currency: str) -> list[RowError]:
    errors: list[RowError] = []
    first_line: dict[str, int] = {}
    for row in rows:
        key = order_key(row.record.order_no)
        if key in first_line:
            said = f"order {row.record.order_no} stands on line {first_line[key]} already"
            errors.append(RowError(row.line, "order_no", said))
        first_line.setdefault(key, row.line)
        if row.record.currency != currency:
            said = f"order {row.record.order_no} is in {row.record.currency}, the store sells in {currency}"
            errors.append(RowError(row.line, "currency", said))
        errors += [
            RowError(row.line, field, f"order {row.record.order_no}: {fault}")
            for field, fault in order_faults(row.record)
        ]
    return errors


def _capped(errors: list[RowError]) -> tuple[RowError, ...]:
    if len(errors) <= MAX_ERRORS:
        return tuple(errors)
    more = RowError(0, "", f"{len(errors) - MAX_ERRORS} more faults are not listed.")
    return (*errors[:MAX_ERRORS], more)


def _write(conn: Connection, store: str, parsed: Parsed, progress: Progress, now: datetime) -> ImportReport:
    known = _known_orders(conn, store)
    fresh, changed, unchanged = _sort_rows(parsed.rows, known)
    touched = [row for row in changed if known[order_key(row.record.order_no)].touched_at is not None]
    taken = foreign_skus(conn, store, parsed.products)
    errors = [*map(_touched_error, touched), *(_taken_error(sku, taken[sku]) for sku in taken)]
    if errors:
        return ImportReport(len(parsed.rows), errors=_capped(errors))
    write_products(conn, store, parsed.products)
    write_customers(conn, store, [row.record.customer for row in parsed.rows], now)
    _write_chunks(conn, store, [*fresh, *changed], known, now, unchanged, progress)
    return ImportReport(len(parsed.rows), len(fresh), len(changed), unchanged)


def _write_chunks(
    conn: Connection,
    store: str,
    rows: list[Row],
    known: dict[str, Any],
    now: datetime,
    done: int,
    progress: Progress,
) -> None:
    total = done + len(rows)
    progress(done, total)
    for at in range(0, len(rows), _CHUNK):
        records = [row.record for row in rows[at : at + _CHUNK]]
        keys = [order_key(record.order_no) for record in records]
        replaced = {key: known[key].version + 1 for key in keys if key in known}
        kept = [
            _keep_scans(conn, store, key, record) if key in replaced else record
            for key, record in zip(keys, records, strict=True)
        ]
        digests = {key: record.digest() for key, record in zip(keys, records, strict=True)}
        write_orders(conn, store, kept, now, replaced, digests)
        progress(min(done + at + _CHUNK, total), total)


def _known_orders(conn: Connection, store: str) -> dict[str, Any]:
    """Locked, so that no effect runs on an order while it is replaced."""
    columns = (t.orders.c.order_key, t.orders.c.source_digest, t.orders.c.touched_at, t.orders.c.version)
    found = select(*columns).where(t.orders.c.store == store).with_for_update()
    return {row.order_key: row for row in conn.execute(found)}


def _sort_rows(rows: Sequence[Row], known: dict[str, Any]) -> tuple[list[Row], list[Row], int]:
    fresh: list[Row] = []
    changed: list[Row] = []
    for row in rows:
        old = known.get(order_key(row.record.order_no))
        if old is None:
            fresh.append(row)
        elif old.source_digest != row.record.digest():
            changed.append(row)
    return fresh, changed, len(rows) - len(fresh) - len(changed)


def _touched_error(row: Row) -> RowError:
    said = (
        f"order {row.record.order_no} differs from this shop's record and was changed here since "
        "(a refund, a cancellation, a label, a payment or a parcel); it cannot be overwritten"
    )
    return RowError(row.line, "order_no", said)


def _taken_error(sku: str, product_id: str) -> RowError:
    return RowError(0, "products", f"the sku {sku} belongs to product {product_id} of this store already")


def _keep_scans(conn: Connection, store: str, key: str, record: OrderRecord) -> OrderRecord:
    """Scans that came in here are not lost when the file knows none of that parcel."""
    order = read_order(conn, store, None, key)
    parcels = tuple(_with_scans(parcel, order) for parcel in record.parcels)
    return replace(record, parcels=parcels)


def _with_scans(parcel: ParcelRecord, order: Order | None) -> ParcelRecord:
    number = tracking_key(parcel.tracking_no)
    old = next((p for p in order.parcels if tracking_key(p.tracking_no) == number), None) if order else None
    if old is None or not old.events or parcel.events:
        return parcel
    events = tuple(EventRecord(e.at, e.state, e.text, e.place) for e in old.events)
    return replace(parcel, events=events, state=parcel.state or old.state)
