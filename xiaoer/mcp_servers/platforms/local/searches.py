"""Finding orders, products, parcels, refunds and returns by what a customer says of them."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Table, and_, or_, select

from xiaoer.domain.money import Money
from xiaoer.domain.orders import Order, Refund, Return, order_key
from xiaoer.domain.parcels import Parcel
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.normal import fold, search_terms, storable, tracking_key
from xiaoer.mcp_servers.platforms.local.reads import read_order, read_orders
from xiaoer.mcp_servers.platforms.protocol import Product, Variant

# A query longer than this many terms is prose; its first words have to do.
_MAX_TERMS = 24


def search_orders(
    conn: Connection, store: str, customer_ref: str, query: str | None, limit: int
) -> tuple[Order, ...]:
    """The customer's own orders, newest first; with a query those whose number, parcels or lines fit."""
    keys = _order_keys(conn, store, customer_ref)
    if query and query.strip():
        keys = _matching(conn, store, keys, query)
    return read_orders(conn, store, customer_ref, keys[:limit])


def _order_keys(conn: Connection, store: str, customer_ref: str) -> list[str]:
    placed = t.orders.c.placed_at
    found = (
        select(t.orders.c.order_key)
        .where(t.orders.c.store == store, t.orders.c.customer_ref == customer_ref)
        .order_by(placed.is_(None), placed.desc(), t.orders.c.order_key.desc())
    )
    return list(conn.execute(found).scalars())


def _matching(conn: Connection, store: str, keys: list[str], query: str) -> list[str]:
    """A number names exactly one thing; words rank orders by how many of them their lines hold."""
    number, tracking = order_key(query), tracking_key(query)
    if number in keys:
        return [number]
    named = set(conn.execute(_tracked(store, keys, tracking)).scalars())
    if named:
        return [key for key in keys if key in named]
    terms = search_terms(query)[:_MAX_TERMS]
    hits = dict.fromkeys(keys, 0)
    titles = select(t.lines.c.order_key, t.lines.c.title).where(
        t.lines.c.store == store, t.lines.c.order_key.in_(keys)
    )
    for row in conn.execute(titles):
        hits[row.order_key] = max(hits[row.order_key], _score(fold(row.title), terms))
    return sorted((key for key in keys if hits[key]), key=lambda key: -hits[key])


def _tracked(store: str, keys: list[str], tracking: str) -> Any:
    here = and_(t.parcels.c.store == store, t.parcels.c.order_key.in_(keys))
    return select(t.parcels.c.order_key).where(here, t.parcels.c.tracking_key == tracking)


def search_products(
    conn: Connection, store: str, product_id: str | None, query: str | None, limit: int
) -> tuple[Product, ...]:
    """One product by its id (or the sku of a variant), or those whose words fit best."""
    if product_id:
        wanted = storable(product_id).strip()
        keys = [wanted] if _has_product(conn, store, wanted) else _of_sku(conn, store, wanted)
    else:
        keys = _ranked_products(conn, store, query or "")
    return _read_products(conn, store, keys[:limit])


def _has_product(conn: Connection, store: str, product_id: str) -> bool:
    found = select(t.products.c.product_id).where(
        t.products.c.store == store, t.products.c.product_id == product_id
    )
    return conn.execute(found).first() is not None


def _of_sku(conn: Connection, store: str, sku: str) -> list[str]:
    found = select(t.variants.c.product_id).where(t.variants.c.store == store, t.variants.c.sku == sku)
    return list(conn.execute(found).scalars())


def _ranked_products(conn: Connection, store: str, query: str) -> list[str]:
    """The products that fit best; what fits less than half as well as the best is no answer."""
    terms = search_terms(query)[:_MAX_TERMS]
    found = select(t.products.c.product_id, t.products.c.title, t.products.c.search).where(
        t.products.c.store == store
    )
    if not terms:
        return [row.product_id for row in conn.execute(found.order_by(t.products.c.title))]
    fits = [t.products.c.search.contains(term, autoescape=True) for term in terms]
    rows = conn.execute(found.where(or_(*fits))).all()
    # A word of the title says more than one of the description.
    scores = {row: 3 * _score(fold(row.title), terms) + _score(row.search, terms) for row in rows}
    best = max(scores.values(), default=0)
    kept = [row for row in rows if scores[row] and 2 * scores[row] >= best]
    return [row.product_id for row in sorted(kept, key=lambda row: (-scores[row], row.title))]


def _score(text: str, terms: tuple[str, ...]) -> int:
    """How many of the terms begin a word of the text; a Chinese one may stand anywhere."""
    return sum(_begins(text, term) if term.isascii() else term in text for term in terms)


def _begins(text: str, term: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(term)}", text) is not None


def _read_products(conn: Connection, store: str, keys: list[str]) -> tuple[Product, ...]:
    heads = _rows_in(conn, t.products, store, keys)
    kinds: dict[str, list[Variant]] = {key: [] for key in keys}
    for row in sorted(_rows_in(conn, t.variants, store, keys), key=lambda row: row.position):
        kinds[row.product_id].append(_variant(row))
    by_id = {row.product_id: row for row in heads}
    return tuple(
        Product(key, by_id[key].title, by_id[key].description, tuple(kinds[key]))
        for key in keys
        if key in by_id
    )


def _rows_in(conn: Connection, table: Table, store: str, keys: list[str]) -> list[Any]:
    found = select(table).where(table.c.store == store, table.c.product_id.in_(keys))
    return list(conn.execute(found).all())


def _variant(row: Any) -> Variant:
    options = tuple((name, value) for name, value in row.options)
    return Variant(row.sku, options, Money(row.price_minor, row.currency), row.available)


def search_parcel(conn: Connection, store: str, customer_ref: str, tracking_no: str) -> Parcel | None:
    """A parcel of one of the customer's own orders; None for every other number."""
    key = tracking_key(tracking_no)
    mine = and_(t.orders.c.store == t.parcels.c.store, t.orders.c.order_key == t.parcels.c.order_key)
    found = (
        select(t.parcels.c.order_key)
        .join_from(t.parcels, t.orders, mine)
        .where(t.parcels.c.store == store, t.parcels.c.tracking_key == key)
        .where(t.orders.c.customer_ref == customer_ref)
    )
    order = _order_of(conn, store, customer_ref, found)
    parcels = order.parcels if order else ()
    return next((parcel for parcel in parcels if tracking_key(parcel.tracking_no) == key), None)


def search_refund(
    conn: Connection, store: str, customer_ref: str | None, refund_id: str
) -> tuple[str, Refund] | None:
    spelt = _spellings(refund_id)
    found = select(t.refunds.c.order_key).where(t.refunds.c.store == store, t.refunds.c.refund_id.in_(spelt))
    order = _order_of(conn, store, customer_ref, found)
    refunds = order.refunds if order else ()
    return next(((order.order_no, r) for r in refunds if order and r.refund_id in spelt), None)


def search_return(
    conn: Connection, store: str, customer_ref: str | None, return_id: str
) -> tuple[str, Return] | None:
    spelt = _spellings(return_id)
    found = select(t.returns.c.order_key).where(t.returns.c.store == store, t.returns.c.return_id.in_(spelt))
    order = _order_of(conn, store, customer_ref, found)
    returns = order.returns if order else ()
    return next(((order.order_no, r) for r in returns if order and r.return_id in spelt), None)


def _spellings(identifier: str) -> tuple[str, ...]:
    """Ids made here are upper case; imported ones are as they came."""
    plain = storable(identifier).strip()
    return plain, plain.upper()


def _order_of(conn: Connection, store: str, customer_ref: str | None, found: Any) -> Order | None:
    key = conn.execute(found).scalar()
    return read_order(conn, store, customer_ref, key if key is not None else "")
