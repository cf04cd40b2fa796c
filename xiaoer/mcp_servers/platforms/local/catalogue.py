"""What may be given instead: articles with their stock, known payments, the address on the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, and_, select, update

from xiaoer.domain.amendments import Article
from xiaoer.domain.changes import ShipTo, tracking_form
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Payment
from xiaoer.domain.refusals import Refusal
from xiaoer.mcp_servers.platforms.local import tables as t


def read_articles(conn: Connection, store: str, skus: Iterable[str]) -> Mapping[str, Article]:
    """The variants of these skus that the catalogue has, by sku."""
    of = and_(t.products.c.store == t.variants.c.store, t.products.c.product_id == t.variants.c.product_id)
    found = (
        select(t.variants, t.products.c.title)
        .join_from(t.variants, t.products, of)
        .where(t.variants.c.store == store, t.variants.c.sku.in_(sorted(skus)))
    )
    return {
        row.sku: Article(
            sku=row.sku,
            product_id=row.product_id,
            title=row.title,
            options=tuple((name, value) for name, value in row.options),
            price=Money(row.price_minor, row.currency),
            available=row.available,
            stock=row.stock,
        )
        for row in conn.execute(found)
    }


def take_stock(conn: Connection, store: str, sku: str, quantity: int) -> None:
    """Take so many from the counted stock (negative: put back); refuses what is not there."""
    here = (t.variants.c.store == store, t.variants.c.sku == sku, t.variants.c.stock.is_not(None))
    taken = conn.execute(
        update(t.variants)
        .where(*here, t.variants.c.stock >= quantity)
        .values(stock=t.variants.c.stock - quantity)
    )
    if taken.rowcount == 0 and conn.execute(select(1).select_from(t.variants).where(*here)).first():
        raise Refusal(f"There are not {quantity} of {sku} left.", "over_limit")


def read_payments(conn: Connection, store: str, customer_ref: str) -> tuple[Payment, ...]:
    """Every payment that this customer has made here, newest first."""
    of = and_(t.orders.c.store == t.payments.c.store, t.orders.c.order_key == t.payments.c.order_key)
    found = (
        select(t.payments, t.orders.c.currency)
        .join_from(t.payments, t.orders, of)
        .where(t.orders.c.store == store, t.orders.c.customer_ref == customer_ref)
        .order_by(t.payments.c.paid_at.desc(), t.payments.c.payment_id)
    )
    return tuple(
        Payment(row.payment_id, row.method, Money(row.amount_minor, row.currency), row.paid_at)
        for row in conn.execute(found)
    )


def read_ship_to(conn: Connection, store: str, key: str) -> ShipTo | None:
    """Where an order goes, whole; for the servers only."""
    here = (t.orders.c.store == store, t.orders.c.order_key == key)
    row = conn.execute(select(t.orders).where(*here)).first()
    if row is None:
        return None
    return ShipTo(
        recipient=row.ship_name,
        street=row.ship_street,
        city=row.ship_city,
        region=row.ship_region,
        postcode=row.ship_postcode,
        country=row.ship_country,
        phone=row.ship_phone,
    )


def find_order_of_parcel(
    conn: Connection, store: str, customer_ref: str | None, tracking_no: str
) -> str | None:
    """The number of the customer's order that has this parcel; of any order for the executor."""
    of = and_(t.orders.c.store == t.parcels.c.store, t.orders.c.order_key == t.parcels.c.order_key)
    found = (
        select(t.orders.c.order_no)
        .join_from(t.parcels, t.orders, of)
        .where(t.parcels.c.store == store, t.parcels.c.tracking_key == tracking_form(tracking_no))
    )
    if customer_ref is not None:
        found = found.where(t.orders.c.customer_ref == customer_ref)
    number = conn.execute(found.order_by(t.orders.c.placed_at.desc())).scalar()
    return None if number is None else str(number)
