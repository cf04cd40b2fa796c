"""The structured results of all tools: what is published as their output schemas.

Money is minor units with a currency, times are ISO 8601 UTC, states are the fixed words of domain.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from xiaoer.domain.money import Money


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MoneyShape(Shape):
    amount_minor: int
    currency: str

    @classmethod
    def of(cls, money: Money | None) -> MoneyShape | None:
        return cls(amount_minor=money.amount_minor, currency=money.currency) if money else None


class LineRef(Shape):
    """One line of an order and how many of it; an argument of the after-sales tools."""

    line_id: Annotated[str, Field(min_length=1, max_length=64)]
    quantity: Annotated[int, Field(ge=1, le=999)]


class LineShape(Shape):
    line_id: str
    title: str
    options: dict[str, str]
    quantity: int
    unit_price: MoneyShape
    shipped_quantity: int
    refunded_quantity: int
    returning_quantity: int
    cancelled_quantity: int


class LineMention(Shape):
    line_id: str
    title: str
    quantity: int


class EventShape(Shape):
    at: str
    state: str
    text: str
    place: str


class ParcelShape(Shape):
    order_no: str
    tracking_no: str
    carrier: str
    carrier_name: str
    verdict: str
    state: str | None
    since: str | None
    quiet_days: int | None
    estimated_at: str | None
    shipped_at: str | None
    interception: str = "none"  # none | requested | confirmed | failed
    lines: list[LineMention]
    events: list[EventShape]  # newest first, at most 12


class RefundShape(Shape):
    refund_id: str
    order_no: str
    amount: MoneyShape
    status: str
    destination: str
    created_at: str | None
    lines: list[LineRef]


class ReturnShape(Shape):
    return_id: str
    order_no: str
    status: str
    tracking_no: str | None
    label_url: str | None
    created_at: str | None
    lines: list[LineRef]
    kind: str = "refund"  # "refund" | "exchange"
    pickup: str = ""  # when a courier comes for it; empty: none is booked


class PaymentShape(Shape):
    payment_id: str = ""
    method: str
    amount: MoneyShape


class OrderShape(Shape):
    order_no: str
    state: str
    placed_at: str | None
    ship_by: str | None
    delivered_at: str | None
    cancelled_at: str | None
    lines: list[LineShape]
    total: MoneyShape
    shipping_fee: MoneyShape
    refunded: MoneyShape
    payments: list[PaymentShape]
    refunds: list[RefundShape]
    returns: list[ReturnShape]
    parcel_count: int
    ship_to: str
    customer_name: str
    version: int


class OrderBrief(Shape):
    order_no: str
    state: str
    placed_at: str | None
    total: MoneyShape
    titles: list[str]


class OrderList(Shape):
    orders: list[OrderBrief]


class TrackShape(Shape):
    order_no: str
    state: str
    ship_by: str | None
    parcels: list[ParcelShape]
    unshipped: list[LineMention]  # lines (or parts of them) that are in no parcel
    checked_at: str


class CodeSentShape(Shape):
    """A code is on its way to the contact on file; which one is not said."""

    sent: bool
    way: str  # "email" | "sms"


class CodeShape(Shape):
    verified: bool


class VerifyShape(Shape):
    """`customer_ref` is for the scope interceptor, which takes it out before anyone else reads."""

    verified: bool
    order_no: str | None = None
    locked: bool = False
    tries_left: int | None = None
    customer_ref: str | None = None


class VariantShape(Shape):
    sku: str
    options: dict[str, str]
    price: MoneyShape
    available: bool


class ProductShape(Shape):
    product_id: str
    title: str
    description: str
    variants: list[VariantShape]


class ProductList(Shape):
    products: list[ProductShape]


class QuoteLineShape(Shape):
    line_id: str
    title: str
    quantity: int
    amount: MoneyShape


class ChangeShape(Shape):
    """One thing that would be altered, for the person who decides."""

    what: str
    old: str
    new: str


class QuoteShape(Shape):
    """What an irreversible tool would do, computed from the record, and what the policy says."""

    tool: str
    order_no: str
    lines: list[QuoteLineShape]
    amount: MoneyShape | None
    destination: str
    facts: dict[str, Any]
    decision: str  # allow | needs_approval | deny
    clause_id: str
    clause_text: dict[str, str]
    missing: list[str]
    order_version: int
    policy_version: str
    changes: list[ChangeShape] = []


class ReceiptShape(Shape):
    action_id: str
    tool: str
    order_no: str
    reference: str
    amount: MoneyShape | None
    destination: str
    lines: list[LineRef]
    details: dict[str, str]
    at: str


class EffectShape(Shape):
    found: bool
    receipt: ReceiptShape | None = None


class CarrierGuess(Shape):
    carrier: str
    carrier_name: str
    confidence: float


class CarrierList(Shape):
    carriers: list[CarrierGuess]


class EtaShape(Shape):
    tracking_no: str
    estimated_at: str | None
    basis: str  # "carrier" | "supplier_record" | "none"


class NoteShape(Shape):
    order_no: str
    noted: bool


class SubscriptionShape(Shape):
    tracking_no: str
    subscribed: bool


class KnowledgeHit(Shape):
    entry_id: str
    title: str
    score: float
    text: str
    source: str


class KnowledgeList(Shape):
    entries: list[KnowledgeHit]


class GapShape(Shape):
    gap_id: str


class InquiryShape(Shape):
    inquiry_id: str
    status: str  # open | answered
    supplier: str | None
    question: str
    answer: str | None
    asked_at: str
    answer_expected_by: str | None
