"""What a shop platform can tell and do. Synchronous; servers call it in threads.

Every method takes the store. Reads that concern a customer take `customer_ref` and answer None
for what is missing and for what is somebody else's, by the same path. `customer_ref=None` means
"the executor asks" and is only ever passed after a grant was verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from xiaoer.domain.actions import Receipt
from xiaoer.domain.amendments import Article
from xiaoer.domain.changes import ShipTo
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Order, Payment, Refund, Return
from xiaoer.domain.parcels import Parcel

SETTLED = timedelta(hours=72)  # a contact that changed later than this ago may be a thief's
LineAmounts = Sequence[tuple[str, int]]  # (line_id, quantity)


@dataclass(frozen=True, slots=True)
class Variant:
    sku: str
    options: tuple[tuple[str, str], ...]
    price: Money
    available: bool


@dataclass(frozen=True, slots=True)
class Product:
    product_id: str
    title: str
    description: str
    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a customer offered; compared in the shop, never shown."""

    order_no: str
    email: str | None = None
    phone_tail: str | None = None
    name: str | None = None
    postcode: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a customer is reached, as the record says; never shown, only written to."""

    email: str
    phone: str
    changed_at: datetime | None  # when either was last changed; None: never since the record began


@dataclass(frozen=True, slots=True)
class Effect:
    """One irreversible effect to be done exactly once under `action_id`."""

    action_id: str
    order_no: str
    lines: tuple[tuple[str, int], ...]
    reason: str
    amount: Money | None
    destination: str
    order_version: int  # refused with OrderChanged when the record has moved on
    args: Mapping[str, Any] = field(default_factory=dict)  # as approved, in the form of domain.changes


class Platform(Protocol):
    # who
    def customer_by_external_id(self, store: str, external_id: str) -> str | None: ...
    def customer_by_proof(self, store: str, proof: Proof) -> str | None: ...
    def contact_of(self, store: str, customer_ref: str) -> Contact | None: ...

    # reads
    def get_order(self, store: str, customer_ref: str | None, order_no: str) -> Order | None: ...
    def find_orders(
        self, store: str, customer_ref: str, query: str | None, limit: int = 10
    ) -> tuple[Order, ...]: ...
    def find_products(
        self, store: str, product_id: str | None, query: str | None, limit: int = 5
    ) -> tuple[Product, ...]: ...
    def find_parcel(self, store: str, customer_ref: str, tracking_no: str) -> Parcel | None: ...
    def get_refund(
        self, store: str, customer_ref: str | None, refund_id: str
    ) -> tuple[str, Refund] | None: ...
    def get_return(
        self, store: str, customer_ref: str | None, return_id: str
    ) -> tuple[str, Return] | None: ...
    def ship_to(self, store: str, order_no: str) -> ShipTo | None: ...
    def articles(self, store: str, skus: Iterable[str]) -> Mapping[str, Article]: ...
    def payments_of(self, store: str, customer_ref: str) -> tuple[Payment, ...]: ...
    def order_of_parcel(self, store: str, customer_ref: str | None, tracking_no: str) -> str | None: ...
    def count_coupons(self, store: str, customer_ref: str, since: datetime) -> int: ...

    # reversible writes, idempotent by key
    def add_note(self, store: str, customer_ref: str, order_no: str, text: str, key: str) -> None: ...
    def subscribe_parcel(self, store: str, customer_ref: str, tracking_no: str, key: str) -> None: ...

    # irreversible, idempotent by action id: the same id again returns the first receipt
    def issue_refund(self, store: str, effect: Effect) -> Receipt: ...
    def cancel_order(self, store: str, effect: Effect) -> Receipt: ...
    def create_return_label(self, store: str, effect: Effect) -> Receipt: ...
    def issue_coupon(self, store: str, effect: Effect) -> Receipt: ...
    def change_address(self, store: str, effect: Effect) -> Receipt: ...
    def change_items(self, store: str, effect: Effect) -> Receipt: ...
    def change_payment(self, store: str, effect: Effect) -> Receipt: ...
    def exchange_items(self, store: str, effect: Effect) -> Receipt: ...
    def book_pickup(self, store: str, effect: Effect) -> Receipt: ...
    def intercept_parcel(self, store: str, effect: Effect) -> Receipt: ...
    def get_effect(self, store: str, action_id: str) -> Receipt | None: ...
