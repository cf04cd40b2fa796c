"""What must hold in a record before the shop takes it, as (field, sentence) for each fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from xiaoer.domain.money import Money
from xiaoer.domain.orders import order_key
from xiaoer.mcp_servers.platforms.local.normal import tracking_key
from xiaoer.mcp_servers.platforms.local.records import OrderRecord

Fault = tuple[str, str]


def order_faults(record: OrderRecord) -> list[Fault]:
    """Everything that is wrong with an order, in the order of its fields; empty when it is sound."""
    return [
        *_number_faults(record),
        *_customer_faults(record),
        *_line_faults(record),
        *_money_faults(record),
        *_parcel_faults(record),
        *_refund_faults(record),
    ]


def _number_faults(record: OrderRecord) -> Iterator[Fault]:
    if not order_key(record.order_no):
        yield "order_no", "the order has no number"
    if record.cancelled and record.parcels:
        yield "cancelled", "a cancelled order cannot have parcels; shipped goods are returned instead"
    if record.cancelled_at and not record.cancelled:
        yield "cancelled_at", "the order has a date of cancellation and is not cancelled"


def _customer_faults(record: OrderRecord) -> Iterator[Fault]:
    if not record.customer.identity:
        yield "customer", "the customer needs an external_id, an email or a phone"
    if not record.customer.name.strip():
        yield "customer.name", "the customer has no name"


def _line_faults(record: OrderRecord) -> Iterator[Fault]:
    if not record.lines:
        yield "lines", "the order has no lines"
    for line_id in _repeated(line.line_id for line in record.lines):
        yield "lines", f"line_id {line_id} is there twice"
    for at, line in enumerate(record.lines):
        if line.quantity < 1:
            yield f"lines.{at}.quantity", "the quantity must be at least 1"
        if line.unit_price_minor < 0:
            yield f"lines.{at}.unit_price", "the price must not be below zero"


def _money_faults(record: OrderRecord) -> Iterator[Fault]:
    if record.shipping_minor < 0 or record.discount_minor < 0:
        yield "shipping_fee", "the shipping fee and the discount must not be below zero"
    if record.total_minor < 0:
        yield "discount", "the discount is greater than the order"
    for at, payment in enumerate(record.payments):
        if payment.amount_minor <= 0:
            yield f"payments.{at}.amount", "a payment must be greater than zero"
    for payment_id in _repeated(payment.payment_id for payment in record.payments):
        yield "payments", f"payment_id {payment_id} is there twice"


def _parcel_faults(record: OrderRecord) -> Iterator[Fault]:
    for at, parcel in enumerate(record.parcels):
        if not tracking_key(parcel.tracking_no):
            yield f"parcels.{at}.tracking_no", "the parcel has no tracking number"
        if not parcel.lines:
            yield f"parcels.{at}.lines", "the parcel holds no lines"
    for key in _repeated(tracking_key(parcel.tracking_no) for parcel in record.parcels):
        yield "parcels", f"tracking number {key} is there twice"
    shipped = [amount for parcel in record.parcels for amount in parcel.lines]
    yield from _too_many(record, shipped, "parcels", "shipped")
    for at, parcel in enumerate(record.parcels):
        for line_id in _repeated(line_id for line_id, _ in parcel.lines):
            yield f"parcels.{at}.lines", f"line {line_id} is there twice"


def _refund_faults(record: OrderRecord) -> Iterator[Fault]:
    refunded = [amount for refund in record.refunds for amount in refund.lines]
    yield from _too_many(record, refunded, "refunds", "refunded")
    captured = sum(payment.amount_minor for payment in record.payments)
    back = sum(refund.amount_minor for refund in record.refunds)
    if back > captured:
        said = (Money(back, record.currency), Money(captured, record.currency))
        yield "refunds", f"{said[0]} were refunded and only {said[1]} were paid"
    for at, refund in enumerate(record.refunds):
        if refund.amount_minor <= 0:
            yield f"refunds.{at}.amount", "a refund must be greater than zero"
        for line_id in _repeated(line_id for line_id, _ in refund.lines):
            yield f"refunds.{at}.lines", f"line {line_id} is there twice"
    for refund_id in _repeated(refund.refund_id for refund in record.refunds):
        yield "refunds", f"refund_id {refund_id} is there twice"


def _too_many(
    record: OrderRecord, amounts: Iterable[tuple[str, int]], field: str, done: str
) -> Iterator[Fault]:
    ordered = {line.line_id: line.quantity for line in record.lines}
    counted: Counter[str] = Counter()
    for line_id, quantity in amounts:
        if quantity < 1:
            yield field, f"line {line_id}: the quantity must be at least 1"
        counted[line_id] += quantity
    for line_id, quantity in counted.items():
        if line_id not in ordered:
            yield field, f"the order has no line {line_id}"
        elif quantity > ordered[line_id]:
            yield field, f"line {line_id}: {quantity} {done}, {ordered[line_id]} ordered"


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]
