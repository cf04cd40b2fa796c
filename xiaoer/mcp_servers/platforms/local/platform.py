"""The local shop as a platform: what the servers may ask of it and do with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, func, select

from xiaoer.domain.actions import Receipt
from xiaoer.domain.amendments import Article
from xiaoer.domain.changes import ShipTo
from xiaoer.domain.clock import Clock, utc_now
from xiaoer.domain.orders import Order, Payment, Refund, Return, order_key
from xiaoer.domain.parcels import Parcel
from xiaoer.mcp_servers.platforms.local import catalogue, effects, jottings, reads, searches
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.normal import storable
from xiaoer.mcp_servers.platforms.local.proof import prove_customer
from xiaoer.mcp_servers.platforms.protocol import Contact, Effect, Product, Proof
from xiaoer.storage.engine import reading


class LocalPlatform:
    """Satisfies `mcp_servers.platforms.protocol.Platform` on the shop's own database."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def customer_by_external_id(self, store: str, external_id: str) -> str | None:
        here = (t.customers.c.store == store, t.customers.c.external_id == storable(external_id))
        with self._reading() as conn:
            found = conn.execute(select(t.customers.c.customer_ref).where(*here)).scalar()
        return str(found) if found is not None else None

    def customer_by_proof(self, store: str, proof: Proof) -> str | None:
        with self._reading() as conn:
            return prove_customer(conn, store, proof, self._clock())

    def contact_of(self, store: str, customer_ref: str) -> Contact | None:
        c = t.customers.c
        with self._reading() as conn:
            mine = select(c.email, c.phone, c.contact_changed_at).where(
                c.store == store, c.customer_ref == customer_ref
            )
            row = conn.execute(mine).first()
        return Contact(row.email, row.phone, row.contact_changed_at) if row else None

    def get_order(self, store: str, customer_ref: str | None, order_no: str) -> Order | None:
        with self._reading() as conn:
            return reads.read_order(conn, store, customer_ref, order_key(order_no))

    def find_orders(
        self, store: str, customer_ref: str, query: str | None, limit: int = 10
    ) -> tuple[Order, ...]:
        with self._reading() as conn:
            return searches.search_orders(conn, store, customer_ref, query, limit)

    def find_products(
        self, store: str, product_id: str | None, query: str | None, limit: int = 5
    ) -> tuple[Product, ...]:
        with self._reading() as conn:
            return searches.search_products(conn, store, product_id, query, limit)

    def find_parcel(self, store: str, customer_ref: str, tracking_no: str) -> Parcel | None:
        with self._reading() as conn:
            return searches.search_parcel(conn, store, customer_ref, tracking_no)

    def get_refund(self, store: str, customer_ref: str | None, refund_id: str) -> tuple[str, Refund] | None:
        """The order's number and the refund."""
        with self._reading() as conn:
            return searches.search_refund(conn, store, customer_ref, refund_id)

    def get_return(self, store: str, customer_ref: str | None, return_id: str) -> tuple[str, Return] | None:
        """The order's number and the return."""
        with self._reading() as conn:
            return searches.search_return(conn, store, customer_ref, return_id)

    def ship_to(self, store: str, order_no: str) -> ShipTo | None:
        with self._reading() as conn:
            return catalogue.read_ship_to(conn, store, order_key(order_no))

    def articles(self, store: str, skus: Iterable[str]) -> Mapping[str, Article]:
        with self._reading() as conn:
            return catalogue.read_articles(conn, store, skus)

    def payments_of(self, store: str, customer_ref: str) -> tuple[Payment, ...]:
        with self._reading() as conn:
            return catalogue.read_payments(conn, store, customer_ref)

    def order_of_parcel(self, store: str, customer_ref: str | None, tracking_no: str) -> str | None:
        """The number of the customer's order that this parcel belongs to."""
        with self._reading() as conn:
            return catalogue.find_order_of_parcel(conn, store, customer_ref, tracking_no)

    def count_coupons(self, store: str, customer_ref: str, since: datetime) -> int:
        mine = (t.coupons.c.store == store, t.coupons.c.customer_ref == customer_ref)
        counted = select(func.count()).select_from(t.coupons).where(*mine, t.coupons.c.created_at >= since)
        with self._reading() as conn:
            return int(conn.execute(counted).scalar_one())

    def add_note(self, store: str, customer_ref: str, order_no: str, text: str, key: str) -> None:
        jottings.add_note(self._engine, store, customer_ref, order_no, text, key, self._clock())

    def subscribe_parcel(self, store: str, customer_ref: str, tracking_no: str, key: str) -> None:
        jottings.subscribe_parcel(self._engine, store, customer_ref, tracking_no, key, self._clock())

    def issue_refund(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "issue_refund", effect)

    def cancel_order(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "cancel_order", effect)

    def create_return_label(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "create_return_label", effect)

    def issue_coupon(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "issue_coupon", effect)

    def change_address(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "change_address", effect)

    def change_items(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "change_items", effect)

    def change_payment(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "change_payment", effect)

    def exchange_items(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "exchange_items", effect)

    def book_pickup(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "book_pickup", effect)

    def intercept_parcel(self, store: str, effect: Effect) -> Receipt:
        return effects.run_effect(self._engine, self._clock, store, "intercept_parcel", effect)

    def get_effect(self, store: str, action_id: str) -> Receipt | None:
        with self._reading() as conn:
            return effects.find_effect(conn, store, action_id)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with reading(self._engine) as session:
            if self._engine.dialect.name == "postgresql":
                # A read needs no snapshot here, and begin and rollback are two trips to the server.
                yield session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            else:
                yield session.connection()
