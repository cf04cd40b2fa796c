"""Records of the domain → published shapes. Text from outside is cut to length and cleaned here."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime

from xiaoer.domain.actions import Quote, Receipt
from xiaoer.domain.clock import iso
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Line, Order, Refund, Return
from xiaoer.domain.parcels import Parcel, ParcelEvent, assess_parcel
from xiaoer.mcp_servers.platforms.protocol import Product, Variant
from xiaoer.mcp_servers.shapes import (
    ChangeShape,
    EventShape,
    InquiryShape,
    LineMention,
    LineRef,
    LineShape,
    MoneyShape,
    OrderBrief,
    OrderShape,
    ParcelShape,
    PaymentShape,
    ProductShape,
    QuoteLineShape,
    QuoteShape,
    ReceiptShape,
    RefundShape,
    ReturnShape,
    TrackShape,
    VariantShape,
)
from xiaoer.mcp_servers.state import Inquiry

EVENTS_SHOWN = 12
_TEXT = 300


def clean(text: str, limit: int = _TEXT) -> str:
    """Outside text as data: no control, zero-width, direction or tag characters, and an end."""
    if not text.isprintable():
        kept = (" " if char in "\n\t\r" else char for char in text)
        text = "".join(char for char in kept if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co"))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def clean_block(text: str, limit: int) -> str:
    """The same for text of several lines, which keeps its line breaks."""
    return "\n".join(clean(part, limit) for part in text.splitlines())[:limit]


def moment(at: datetime | None) -> str | None:
    return iso(at) if at else None


def money(amount: Money) -> MoneyShape:
    return MoneyShape(amount_minor=amount.amount_minor, currency=amount.currency)


def line_refs(lines: Iterable[tuple[str, int]]) -> list[LineRef]:
    return [LineRef(line_id=line_id, quantity=quantity) for line_id, quantity in lines if quantity > 0]


def line(item: Line) -> LineShape:
    return LineShape(
        line_id=item.line_id,
        title=clean(item.title),
        options={clean(name): clean(value) for name, value in item.options},
        quantity=item.quantity,
        unit_price=money(item.unit_price),
        shipped_quantity=item.shipped_quantity,
        refunded_quantity=item.refunded_quantity,
        returning_quantity=item.returning_quantity,
        cancelled_quantity=item.cancelled_quantity,
    )


def refund(order_no: str, item: Refund) -> RefundShape:
    return RefundShape(
        refund_id=item.refund_id,
        order_no=order_no,
        amount=money(item.amount),
        status=item.status,
        destination=clean(item.destination),
        created_at=moment(item.created_at),
        lines=line_refs(item.lines),
    )


def returned(order_no: str, item: Return) -> ReturnShape:
    return ReturnShape(
        return_id=item.return_id,
        order_no=order_no,
        status=item.status,
        tracking_no=item.tracking_no,
        label_url=item.label_url,
        created_at=moment(item.created_at),
        lines=line_refs(item.lines),
        kind=item.kind,
        pickup=item.pickup,
    )


def order(record: Order) -> OrderShape:
    return OrderShape(
        order_no=record.order_no,
        state=record.state.value,
        placed_at=moment(record.placed_at),
        ship_by=moment(record.ship_by),
        delivered_at=moment(record.delivered_at),
        cancelled_at=moment(record.cancelled_at),
        lines=[line(item) for item in record.lines],
        total=money(record.total),
        shipping_fee=money(record.shipping_fee),
        refunded=money(record.refunded),
        payments=[
            PaymentShape(payment_id=clean(p.payment_id, 80), method=clean(p.method), amount=money(p.amount))
            for p in record.payments
        ],
        refunds=[refund(record.order_no, item) for item in record.refunds],
        returns=[returned(record.order_no, item) for item in record.returns],
        parcel_count=len(record.parcels),
        ship_to=clean(record.ship_to),
        customer_name=clean(record.customer_name, 80),
        version=record.version,
    )


def brief(record: Order) -> OrderBrief:
    return OrderBrief(
        order_no=record.order_no,
        state=record.state.value,
        placed_at=moment(record.placed_at),
        total=money(record.total),
        titles=[clean(item.title) for item in record.lines],
    )


def event(item: ParcelEvent) -> EventShape:
    return EventShape(
        at=iso(item.at), state=item.state.value, text=clean(item.text), place=clean(item.place, 80)
    )


def parcel(item: Parcel, order_no: str, now: datetime) -> ParcelShape:
    health = assess_parcel(item, now)
    return ParcelShape(
        order_no=order_no,
        tracking_no=item.tracking_no,
        carrier=item.carrier,
        carrier_name=clean(item.carrier_name, 80),
        verdict=health.verdict.value,
        state=item.state.value if item.state else None,
        since=moment(health.since),
        quiet_days=health.quiet_days,
        estimated_at=moment(item.estimated_at),
        shipped_at=moment(item.shipped_at),
        interception=item.interception.value,
        lines=[mention(part.line_id, part.title, part.quantity) for part in item.lines],
        events=[event(one) for one in item.events[:EVENTS_SHOWN]],
    )


def mention(line_id: str, title: str, quantity: int) -> LineMention:
    return LineMention(line_id=line_id, title=clean(title), quantity=quantity)


def track(record: Order, now: datetime) -> TrackShape:
    return TrackShape(
        order_no=record.order_no,
        state=record.state.value,
        ship_by=moment(record.ship_by),
        parcels=[parcel(item, record.order_no, now) for item in record.parcels],
        unshipped=[
            mention(item.line_id, item.title, left)
            for item in record.lines
            if (left := unshipped_quantity(record, item)) > 0
        ],
        checked_at=iso(now),
    )


def unshipped_quantity(record: Order, item: Line) -> int:
    """How many of a line are in no parcel and not cancelled either."""
    packed = sum(
        part.quantity for box in record.parcels for part in box.lines if part.line_id == item.line_id
    )
    # A record that counts what was shipped but does not say in which parcel is believed too.
    return item.quantity - item.cancelled_quantity - max(packed, item.shipped_quantity)


def product(item: Product) -> ProductShape:
    return ProductShape(
        product_id=item.product_id,
        title=clean(item.title),
        description=clean(item.description, 2000),
        variants=[variant(one) for one in item.variants],
    )


def variant(item: Variant) -> VariantShape:
    return VariantShape(
        sku=item.sku,
        options={clean(name): clean(value) for name, value in item.options},
        price=money(item.price),
        available=item.available,
    )


def quote(item: Quote) -> QuoteShape:
    return QuoteShape(
        tool=item.tool,
        order_no=item.order_no,
        lines=[
            QuoteLineShape(
                line_id=one.line_id, title=clean(one.title), quantity=one.quantity, amount=money(one.amount)
            )
            for one in item.lines
        ],
        amount=None if item.amount is None else money(item.amount),
        destination=clean(item.destination),
        facts=item.facts,
        decision=item.decision,
        clause_id=item.clause_id,
        clause_text=item.clause_text,
        missing=list(item.missing),
        order_version=item.order_version,
        policy_version=item.policy_version,
        changes=[ChangeShape(what=one.what, old=clean(one.old), new=clean(one.new)) for one in item.changes],
    )


def receipt(item: Receipt) -> ReceiptShape:
    return ReceiptShape(
        action_id=item.action_id,
        tool=item.tool,
        order_no=item.order_no,
        reference=item.reference,
        amount=None if item.amount is None else money(item.amount),
        destination=clean(item.destination),
        lines=line_refs(item.lines),
        details=item.details,
        at=iso(item.at),
    )


def inquiry(item: Inquiry) -> InquiryShape:
    return InquiryShape(
        inquiry_id=item.inquiry_id,
        status=item.status,
        supplier=item.supplier,
        question=clean(item.question, 1000),
        answer=None if item.answer is None else clean(item.answer, 2000),
        asked_at=iso(item.asked_at),
        answer_expected_by=moment(item.expected_by),
    )
