"""What is written into the shop at once: a customer, a product, a whole order with its history.

The seed and the importers build these; `writes` stores them. Amounts are minor units of the order's
currency, times aware.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from xiaoer.domain.canonical import digest
from xiaoer.domain.clock import iso
from xiaoer.domain.parcels import ParcelState

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Address:
    street: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    name: str
    external_id: str | None = None
    email: str = ""
    phone: str = ""
    address: Address = field(default_factory=Address)

    @property
    def identity(self) -> str:
        """What makes two records the same customer: the shop's id, else the mail, else the phone."""
        return self.external_id or self.email.casefold() or self.phone


@dataclass(frozen=True, slots=True)
class VariantRecord:
    sku: str
    options: Options
    price_minor: int
    available: bool = True
    stock: int | None = None  # None: not counted


@dataclass(frozen=True, slots=True)
class ProductRecord:
    product_id: str
    title: str
    currency: str
    variants: tuple[VariantRecord, ...]
    description: str = ""
    supplier: str | None = None
    final_sale: bool = False


@dataclass(frozen=True, slots=True)
class LineRecord:
    line_id: str
    sku: str
    title: str
    quantity: int
    unit_price_minor: int
    product_id: str = ""
    options: Options = ()
    supplier: str | None = None
    final_sale: bool = False


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    payment_id: str
    method: str
    amount_minor: int
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventRecord:
    at: datetime
    state: ParcelState
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class ParcelRecord:
    tracking_no: str
    lines: tuple[tuple[str, int], ...]  # (line_id, quantity)
    carrier: str = ""
    carrier_name: str = ""
    state: ParcelState | None = None
    supplier: str | None = None
    shipped_at: datetime | None = None
    estimated_at: datetime | None = None
    events: tuple[EventRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class RefundRecord:
    refund_id: str
    amount_minor: int
    destination: str
    lines: tuple[tuple[str, int], ...]
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderRecord:
    order_no: str
    customer: CustomerRecord
    currency: str
    lines: tuple[LineRecord, ...]
    payments: tuple[PaymentRecord, ...] = ()
    parcels: tuple[ParcelRecord, ...] = ()
    refunds: tuple[RefundRecord, ...] = ()
    notes: tuple[str, ...] = ()
    shipping_minor: int = 0
    discount_minor: int = 0
    placed_at: datetime | None = None
    ship_by: datetime | None = None
    cancelled: bool = False
    cancelled_at: datetime | None = None
    ship_name: str = ""
    ship_phone: str = ""
    ship_to: Address = field(default_factory=Address)

    @property
    def total_minor(self) -> int:
        goods = sum(line.unit_price_minor * line.quantity for line in self.lines)
        return goods + self.shipping_minor - self.discount_minor

    def digest(self) -> str:
        """The same order gives the same digest: an import that changes nothing is seen to.

        Of the customer only the identity counts: a new phone number is no change of the order.
        """
        return digest(_plain({**asdict(self), "customer": self.customer.identity}))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return iso(value) if isinstance(value, datetime) else value
