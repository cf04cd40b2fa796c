"""An order as every platform tells it to us, and what may be known of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from xiaoer.domain.money import Money
from xiaoer.domain.parcels import Parcel


class OrderState(StrEnum):
    UNSHIPPED = "unshipped"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    GOING_BACK = "going_back"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Line:
    line_id: str
    sku: str
    product_id: str
    title: str
    options: tuple[tuple[str, str], ...]
    quantity: int
    unit_price: Money
    supplier: str | None = None
    shipped_quantity: int = 0
    refunded_quantity: int = 0
    returning_quantity: int = 0
    cancelled_quantity: int = 0
    final_sale: bool = False
    exchanged_quantity: int = 0  # given for something else

    @property
    def refundable_quantity(self) -> int:
        return self.quantity - self.refunded_quantity - self.exchanged_quantity


@dataclass(frozen=True, slots=True)
class Payment:
    payment_id: str
    method: str  # what the customer reads: "Mastercard ···· 2478", "支付宝"
    amount: Money
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refund:
    refund_id: str
    amount: Money
    status: str  # "succeeded" | "pending" | "failed"
    lines: tuple[tuple[str, int], ...]  # (line_id, quantity)
    destination: str
    created_at: datetime | None
    action_id: str | None = None


RETURN_STATES = ("label_created", "in_transit", "received", "closed")


@dataclass(frozen=True, slots=True)
class Return:
    return_id: str
    status: str  # one of RETURN_STATES
    lines: tuple[tuple[str, int], ...]
    label_url: str | None
    tracking_no: str | None
    created_at: datetime | None
    kind: str = "refund"  # "refund" | "exchange": what the customer gets for it
    pickup: str = ""  # when a courier comes for it: "2026-11-24 14:00-18:00"


@dataclass(frozen=True, slots=True)
class Order:
    order_no: str
    state: OrderState
    currency: str
    lines: tuple[Line, ...]
    total: Money
    shipping_fee: Money
    version: int  # grows with every change; bound into approvals
    placed_at: datetime | None = None
    ship_by: datetime | None = None
    delivered_at: datetime | None = None
    cancelled_at: datetime | None = None
    parcels: tuple[Parcel, ...] = ()
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    returns: tuple[Return, ...] = ()
    notes: tuple[str, ...] = ()
    ship_to: str = ""  # city and country only; the street stays in the shop
    customer_name: str = ""
    customer_ref: str = field(default="", repr=False)  # opaque; never leaves the servers

    @property
    def refunded(self) -> Money:
        done = [r.amount for r in self.refunds if r.status != "failed"]
        return sum(done, Money.zero(self.currency))


def order_key(order_no: str) -> str:
    """The one form under which an order is found: no `#`, nothing invisible, upper case, plain digits."""
    plain = unicodedata.normalize("NFKC", order_no).upper()
    return "".join(char for char in plain if char.isprintable() and char not in " #")
