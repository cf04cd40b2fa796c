"""Tool results as the playbooks read them: validated once, unknown fields ignored, garbage refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from xiaoer.domain.money import Money


class Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Amount(Record):
    amount_minor: int
    currency: str = Field(min_length=3, max_length=3)

    @property
    def money(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Verified(Record):
    verified: bool
    order_no: str | None = None
    locked: bool = False
    tries_left: int | None = None


class Mention(Record):
    line_id: str
    title: str
    quantity: int = 1


class Event(Record):
    at: AwareDatetime
    state: str = ""
    text: str = ""
    place: str = ""


class ParcelRecord(Record):
    tracking_no: str
    carrier: str = ""
    carrier_name: str = ""
    verdict: str
    state: str | None = None
    since: AwareDatetime | None = None
    quiet_days: int | None = None
    estimated_at: AwareDatetime | None = None
    shipped_at: AwareDatetime | None = None
    lines: tuple[Mention, ...] = ()
    events: tuple[Event, ...] = ()
    order_no: str = ""

    @property
    def newest(self) -> Event | None:
        return self.events[0] if self.events else None


class Track(Record):
    order_no: str
    state: str
    ship_by: AwareDatetime | None = None
    parcels: tuple[ParcelRecord, ...]
    unshipped: tuple[Mention, ...] = ()
    checked_at: AwareDatetime | None = None


class LineRecord(Record):
    line_id: str
    title: str
    options: dict[str, str] = Field(default_factory=dict)
    quantity: int
    unit_price: Amount
    refunded_quantity: int = 0
    returning_quantity: int = 0
    cancelled_quantity: int = 0

    @property
    def open_quantity(self) -> int:
        """How many are neither refunded nor cancelled nor on their way back."""
        gone = max(self.refunded_quantity, self.cancelled_quantity)
        return max(0, self.quantity - gone - self.returning_quantity)


class RefundRecord(Record):
    refund_id: str
    amount: Amount
    status: str
    destination: str = ""
    created_at: AwareDatetime | None = None


class ReturnRecord(Record):
    return_id: str
    status: str


class OrderRecord(Record):
    order_no: str
    state: str
    placed_at: AwareDatetime | None = None
    ship_by: AwareDatetime | None = None
    cancelled_at: AwareDatetime | None = None
    lines: tuple[LineRecord, ...]
    refunded: Amount
    refunds: tuple[RefundRecord, ...] = ()
    returns: tuple[ReturnRecord, ...] = ()

    @property
    def newest_refund(self) -> RefundRecord | None:
        """The newest by date; refunds without a date count as oldest, in the record's order."""
        if not self.refunds:
            return None
        dated = [r for r in self.refunds if r.created_at is not None]
        return max(dated, key=_when) if dated else self.refunds[-1]


def _when(refund: RefundRecord) -> datetime:
    assert refund.created_at is not None
    return refund.created_at


class Brief(Record):
    order_no: str
    state: str
    placed_at: AwareDatetime | None = None
    titles: tuple[str, ...] = ()


class Briefs(Record):
    orders: tuple[Brief, ...]


class QuoteRecord(Record):
    lines: tuple[Mention, ...] = ()
    amount: Amount | None = None
    destination: str = ""
    facts: dict[str, Any]
    decision: str
    clause_id: str
    clause_text: dict[str, str]


class Entry(Record):
    entry_id: str
    title: str
    score: float
    text: str


class Entries(Record):
    entries: tuple[Entry, ...]


class VariantRecord(Record):
    options: dict[str, str] = Field(default_factory=dict)
    price: Amount
    available: bool


class ProductRecord(Record):
    product_id: str
    title: str
    description: str = ""
    variants: tuple[VariantRecord, ...] = ()


class Products(Record):
    products: tuple[ProductRecord, ...]


class Inquiry(Record):
    inquiry_id: str
    answer_expected_by: AwareDatetime | None = None
