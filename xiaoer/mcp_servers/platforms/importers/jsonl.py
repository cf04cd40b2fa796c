"""Our own format: one order a line, as docs/import.md describes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xiaoer.domain.orders import order_key
from xiaoer.domain.parcels import ParcelState
from xiaoer.mcp_servers.platforms.importers.fields import LongText, Moment, NoteText, Text, minor_units
from xiaoer.mcp_servers.platforms.importers.report import (
    MAX_ERRORS,
    Parsed,
    Row,
    RowError,
    Unreadable,
    field_errors,
)
from xiaoer.mcp_servers.platforms.local.records import (
    Address,
    CustomerRecord,
    EventRecord,
    LineRecord,
    OrderRecord,
    ParcelRecord,
    PaymentRecord,
    RefundRecord,
)

Amount = Annotated[Decimal, Field(ge=0, le=10**9)]
Count = Annotated[int, Field(ge=1, le=9999, strict=True)]
Name = Annotated[Text, Field(min_length=1)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AddressIn(_Shape):
    street: Text = ""
    city: Text = ""
    region: Text = ""
    postcode: Text = ""
    country: Text = ""

    def record(self) -> Address:
        return Address(**self.model_dump())


class CustomerIn(_Shape):
    external_id: Name | None = None
    name: Name
    email: Text = ""
    phone: Text = ""
    address: AddressIn = AddressIn()


class ShipToIn(AddressIn):
    name: Text = ""
    phone: Text = ""


class LineIn(_Shape):
    line_id: Name | None = None
    sku: Name
    product_id: Text = ""
    title: Name
    options: dict[Text, Text] = {}
    quantity: Count
    unit_price: Amount
    supplier: Name | None = None
    final_sale: bool = False


class PaymentIn(_Shape):
    payment_id: Name | None = None
    method: Name
    amount: Amount
    paid_at: Moment | None = None


class HeldIn(_Shape):
    line_id: Name
    quantity: Count


class EventIn(_Shape):
    at: Moment
    state: ParcelState
    text: Annotated[LongText, Field(min_length=1)]
    place: Text = ""


class ParcelIn(_Shape):
    tracking_no: Name
    carrier: Text = ""
    carrier_name: Text = ""
    supplier: Name | None = None
    state: ParcelState | None = None
    shipped_at: Moment | None = None
    estimated_at: Moment | None = None
    lines: tuple[HeldIn, ...] | None = None
    events: tuple[EventIn, ...] = ()


class RefundIn(_Shape):
    amount: Amount
    destination: Name
    lines: tuple[HeldIn, ...] = ()
    created_at: Moment | None = None


class OrderIn(_Shape):
    order_no: Name
    currency: Currency
    customer: CustomerIn
    lines: tuple[LineIn, ...]
    shipping_fee: Amount = Decimal(0)
    discount: Amount = Decimal(0)
    payments: tuple[PaymentIn, ...] = ()
    parcels: tuple[ParcelIn, ...] = ()
    refunds: tuple[RefundIn, ...] = ()
    notes: tuple[NoteText, ...] = ()
    placed_at: Moment | None = None
    ship_by: Moment | None = None
    cancelled: bool = False
    cancelled_at: Moment | None = None
    ship_to: ShipToIn | None = None


class _Misfit(Exception):
    """One field of an order that is sound in itself does not fit the others."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_orders(text: str, currency: str) -> Parsed:
    """Read one order a line, empty lines aside; raises Unreadable when there is none."""
    parsed = Parsed()
    # Only a line feed ends a line: JSON text may hold other separators that splitlines() knows.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            parsed.seen += 1
            _add_line(parsed, number, line)
        if len(parsed.errors) > MAX_ERRORS:
            break
    if not parsed.seen:
        raise Unreadable("The file holds no orders.")
    return parsed


def _add_line(parsed: Parsed, number: int, line: str) -> None:
    try:
        data = json.loads(line, parse_float=Decimal)
        if not isinstance(data, dict):
            raise _Misfit("", "the line is JSON, but no object with an order")
        parsed.rows.append(Row(number, _record(OrderIn.model_validate(data))))
    except ValidationError as error:
        parsed.errors += field_errors(error, number)
    except _Misfit as misfit:
        parsed.errors.append(RowError(number, misfit.field, str(misfit)))
    except RecursionError:
        parsed.errors.append(RowError(number, "", "the line is nested too deeply to be an order"))
    except ValueError as error:
        parsed.errors.append(RowError(number, "", f"the line is not JSON: {error}"))


def _record(order: OrderIn) -> OrderRecord:
    lines = tuple(_lines(order))
    ship_to = order.ship_to or ShipToIn(**order.customer.address.model_dump())
    return OrderRecord(
        order_no=order.order_no,
        customer=_customer(order.customer),
        currency=order.currency,
        lines=lines,
        payments=tuple(_payments(order)),
        parcels=tuple(_parcel(order, at, lines) for at in range(len(order.parcels))),
        refunds=tuple(_refunds(order)),
        notes=tuple(note for note in order.notes if note),
        shipping_minor=_minor(order, "shipping_fee", order.shipping_fee),
        discount_minor=_minor(order, "discount", order.discount),
        placed_at=order.placed_at,
        ship_by=order.ship_by,
        cancelled=order.cancelled or order.cancelled_at is not None,
        cancelled_at=order.cancelled_at,
        ship_name=ship_to.name,
        ship_phone=ship_to.phone,
        ship_to=Address(ship_to.street, ship_to.city, ship_to.region, ship_to.postcode, ship_to.country),
    )


def _customer(customer: CustomerIn) -> CustomerRecord:
    return CustomerRecord(
        name=customer.name,
        external_id=customer.external_id,
        email=customer.email,
        phone=customer.phone,
        address=customer.address.record(),
    )


def _lines(order: OrderIn) -> Iterator[LineRecord]:
    """A line without an id is named by its sku; the second of a sku gets a suffix."""
    seen: Counter[str] = Counter()
    for at, line in enumerate(order.lines):
        seen[line.sku] += 1
        named = line.sku if seen[line.sku] == 1 else f"{line.sku}-{seen[line.sku]}"
        yield LineRecord(
            line_id=line.line_id or named,
            sku=line.sku,
            title=line.title,
            quantity=line.quantity,
            unit_price_minor=_minor(order, f"lines.{at}.unit_price", line.unit_price),
            product_id=line.product_id,
            options=tuple(line.options.items()),
            supplier=line.supplier,
            final_sale=line.final_sale,
        )


def _payments(order: OrderIn) -> Iterator[PaymentRecord]:
    for at, paid in enumerate(order.payments):
        amount = _minor(order, f"payments.{at}.amount", paid.amount)
        yield PaymentRecord(paid.payment_id or f"PAY-{at + 1}", paid.method, amount, paid.paid_at)


def _parcel(order: OrderIn, at: int, lines: tuple[LineRecord, ...]) -> ParcelRecord:
    parcel = order.parcels[at]
    newest = max(parcel.events, key=lambda event: event.at, default=None)
    return ParcelRecord(
        tracking_no=parcel.tracking_no,
        lines=_held(order, at, lines),
        carrier=parcel.carrier,
        carrier_name=parcel.carrier_name or parcel.carrier,
        state=parcel.state or (newest.state if newest else None),
        supplier=parcel.supplier,
        shipped_at=parcel.shipped_at,
        estimated_at=parcel.estimated_at,
        events=tuple(EventRecord(e.at, e.state, e.text, e.place) for e in parcel.events),
    )


def _held(order: OrderIn, at: int, lines: tuple[LineRecord, ...]) -> tuple[tuple[str, int], ...]:
    """What a parcel holds; the only parcel of an order holds everything where nothing is said."""
    said = order.parcels[at].lines
    if said is not None:
        return tuple((held.line_id, held.quantity) for held in said)
    if len(order.parcels) > 1:
        raise _Misfit(f"parcels.{at}.lines", "is missing, and the order has several parcels")
    return tuple((line.line_id, line.quantity) for line in lines)


def _refunds(order: OrderIn) -> Iterator[RefundRecord]:
    for at, refund in enumerate(order.refunds):
        yield RefundRecord(
            refund_id=f"RF-{order_key(order.order_no)}-{at + 1}",
            amount_minor=_minor(order, f"refunds.{at}.amount", refund.amount),
            destination=refund.destination,
            lines=tuple((held.line_id, held.quantity) for held in refund.lines),
            created_at=refund.created_at,
        )


def _minor(order: OrderIn, field: str, amount: Decimal) -> int:
    try:
        return minor_units(amount, order.currency)
    except ValueError as error:
        raise _Misfit(field, str(error)) from error
