"""The public retail shop of tau2-bench: `{"products": …, "users": …, "orders": …}`, in US dollars.

Its record knows no dates and no scans: a `processed` order has a tracking number and nothing more, a
`delivered` one has arrived nobody knows when. A cancelled order was refunded in full; the tracking
number that it still carries says nothing, and is left out.
https://github.com/sierra-research/tau2-bench (MIT)
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xiaoer.domain.money import Money
from xiaoer.domain.orders import order_key
from xiaoer.domain.parcels import ParcelState
from xiaoer.mcp_servers.platforms.importers.fields import LongText, Text
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
    LineRecord,
    OrderRecord,
    ParcelRecord,
    PaymentRecord,
    ProductRecord,
    RefundRecord,
    VariantRecord,
)

CURRENCY = "USD"

T = TypeVar("T", bound=BaseModel)

Price = Annotated[Decimal, Field(ge=0, le=10**9)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Address(_Shape):
    address1: Text = ""
    address2: Text = ""
    city: Text = ""
    state: Text = ""
    zip: Text = ""
    country: Text = ""

    def record(self) -> Address:
        street = " ".join(part for part in (self.address1, self.address2) if part)
        return Address(street, self.city, self.state, self.zip, self.country)


class _Name(_Shape):
    first_name: Text
    last_name: Text


class _Method(_Shape):
    source: Text
    brand: Text = ""
    last_four: Text = ""

    def told(self) -> str:
        """As the customer knows it: "Mastercard ···· 2478"."""
        if self.source == "credit_card":
            return f"{self.brand.capitalize()} ···· {self.last_four}".strip()
        return {"paypal": "PayPal", "gift_card": "Gift card"}.get(self.source, self.source)


class _User(_Shape):
    user_id: Text
    name: _Name
    address: _Address = _Address()
    email: Text = ""
    payment_methods: dict[str, _Method] = {}


class _Variant(_Shape):
    item_id: Text
    options: dict[Text, Text] = {}
    available: bool = True
    price: Price


class _Product(_Shape):
    product_id: Text
    name: Text
    variants: dict[str, _Variant]


class _Item(_Shape):
    name: Text
    product_id: Text
    item_id: Text
    price: Price
    options: dict[Text, Text] = {}


class _Fulfilment(_Shape):
    tracking_id: tuple[Text, ...]
    item_ids: tuple[Text, ...]


class _Payment(_Shape):
    transaction_type: Text
    amount: Price
    payment_method_id: Text


class _Order(_Shape):
    order_id: Text
    user_id: Text
    address: _Address = _Address()
    items: tuple[_Item, ...]
    status: LongText
    fulfillments: tuple[_Fulfilment, ...] = ()
    payment_history: tuple[_Payment, ...] = ()


# What the benchmark calls an order, and the state of its parcels here; None: shipped, nothing known.
# Modified, exchanged and returned orders carry a longer word that begins with one of these.
_PARCEL_STATES: dict[str, ParcelState | None] = {
    "pending": None,
    "processed": None,
    "delivered": ParcelState.DELIVERED,
    "return requested": ParcelState.DELIVERED,
    "exchange requested": ParcelState.DELIVERED,
    "cancelled": None,
}
_HAS_PARCELS = frozenset({"processed", "delivered", "return requested", "exchange requested"})


def read_orders(text: str, currency: str) -> Parsed:
    """Read the benchmark's db.json; raises Unreadable when it is something else."""
    if currency != CURRENCY:
        raise Unreadable(f"This shop's data are in {CURRENCY}, and the store sells in {currency}.")
    data = _load(text)
    lines = _order_lines(text)
    parsed = Parsed(seen=len(data["orders"]))
    users = _read_all(_User, data["users"], "users", parsed, {})
    products = _read_all(_Product, data["products"], "products", parsed, {})
    orders = _read_all(_Order, data["orders"], "orders", parsed, lines)
    parsed.products = [_product(product) for product in products.values()]
    parsed.errors += _repeated_skus(parsed.products)
    for key, order in orders.items():
        if len(parsed.errors) > MAX_ERRORS:
            break
        _add_order(parsed, lines.get(key, 0), order, users)
    return parsed


def _load(text: str) -> dict[str, dict[str, Any]]:
    try:
        data = json.loads(text, parse_float=Decimal)
    except RecursionError as error:
        raise Unreadable("The file is nested too deeply to be a shop.") from error
    except ValueError as error:
        raise Unreadable(f"The file is not JSON: {error}.") from error
    parts = ("users", "products", "orders")
    if not isinstance(data, dict) or not all(isinstance(data.get(part), dict) for part in parts):
        raise Unreadable(
            'The file is not a tau2 shop: it needs the objects "users", "products" and "orders".'
        )
    if not data["orders"]:
        raise Unreadable("The file holds no orders.")
    return data


def _order_lines(text: str) -> dict[str, int]:
    """On which line each order begins, as the benchmark's file is laid out."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.match(r'\s*"(#\w+)": \{', line)
        if match:
            found[match[1]] = number
    return found


def _read_all(
    shape: type[T], items: dict[str, Any], part: str, parsed: Parsed, lines: dict[str, int]
) -> dict[str, T]:
    found: dict[str, T] = {}
    for key, item in items.items():
        try:
            found[key] = shape.model_validate(item)
        except ValidationError as error:
            parsed.errors += field_errors(error, lines.get(key, 0), f"{part} {key}: ")
    return found


def _product(product: _Product) -> ProductRecord:
    return ProductRecord(
        product_id=product.product_id,
        title=product.name,
        currency=CURRENCY,
        variants=tuple(
            VariantRecord(kind.item_id, tuple(kind.options.items()), _minor(kind.price), kind.available)
            for kind in product.variants.values()
        ),
    )


def _repeated_skus(products: list[ProductRecord]) -> list[RowError]:
    counted = Counter(variant.sku for product in products for variant in product.variants)
    return [
        RowError(0, "products", f"item_id {sku} belongs to more than one variant")
        for sku, count in counted.items()
        if count > 1
    ]


def _add_order(parsed: Parsed, line: int, order: _Order, users: dict[str, _User]) -> None:
    try:
        parsed.rows.append(Row(line, _record(order, users)))
    except _Misfit as misfit:
        parsed.errors.append(RowError(line, misfit.field, f"order {order.order_id}: {misfit}"))


class _Misfit(Exception):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def _record(order: _Order, users: dict[str, _User]) -> OrderRecord:
    user = users.get(order.user_id)
    if user is None:
        raise _Misfit("user_id", f"the file has no user {order.user_id}")
    status = next((word for word in _PARCEL_STATES if order.status.startswith(word)), None)
    if status is None:
        raise _Misfit("status", f"the status {order.status!r} is not known")
    cancelled = status == "cancelled"
    lines = _lines(order)
    return OrderRecord(
        order_no=order.order_id,
        customer=CustomerRecord(
            name=f"{user.name.first_name} {user.name.last_name}",
            external_id=user.user_id,
            email=user.email,
            address=user.address.record(),
        ),
        currency=CURRENCY,
        lines=lines,
        payments=_payments(order, user),
        parcels=_parcels(order, lines, _PARCEL_STATES[status]) if status in _HAS_PARCELS else (),
        refunds=_refunds(order, user, lines if cancelled else ()),
        cancelled=cancelled,
        ship_to=order.address.record(),
    )


def _lines(order: _Order) -> tuple[LineRecord, ...]:
    """One line an item; the second of the same item is told apart by a suffix."""
    seen: Counter[str] = Counter()
    lines = []
    for item in order.items:
        seen[item.item_id] += 1
        suffix = f"-{seen[item.item_id]}" if seen[item.item_id] > 1 else ""
        lines.append(
            LineRecord(
                line_id=item.item_id + suffix,
                sku=item.item_id,
                title=item.name,
                quantity=1,
                unit_price_minor=_minor(item.price),
                product_id=item.product_id,
                options=tuple(item.options.items()),
            )
        )
    return tuple(lines)


def _payments(order: _Order, user: _User) -> tuple[PaymentRecord, ...]:
    paid = [entry for entry in order.payment_history if entry.transaction_type == "payment"]
    return tuple(
        PaymentRecord(f"{entry.payment_method_id}-{at + 1}", _told(entry, user), _minor(entry.amount))
        for at, entry in enumerate(paid)
    )


def _refunds(order: _Order, user: _User, lines: tuple[LineRecord, ...]) -> tuple[RefundRecord, ...]:
    """A cancelled order gave everything back; of other refunds the lines are not on record."""
    back = [entry for entry in order.payment_history if entry.transaction_type == "refund"]
    held = tuple((line.line_id, line.quantity) for line in lines)
    return tuple(
        RefundRecord(
            refund_id=f"RF-{order_key(order.order_id)}-{at + 1}",
            amount_minor=_minor(entry.amount),
            destination=_told(entry, user),
            lines=held if at == 0 else (),
        )
        for at, entry in enumerate(back)
    )


def _told(entry: _Payment, user: _User) -> str:
    method = user.payment_methods.get(entry.payment_method_id)
    if method is None:
        raise _Misfit("payment_history", f"user {user.user_id} has no {entry.payment_method_id}")
    return method.told()


def _parcels(
    order: _Order, lines: tuple[LineRecord, ...], state: ParcelState | None
) -> tuple[ParcelRecord, ...]:
    """Of several tracking numbers of one fulfilment the record does not say which holds what: the
    first stands for all of its goods."""
    free: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        free[line.sku].append(line.line_id)
    parcels = []
    for sent in order.fulfillments:
        held = [(free[item].pop(0), 1) for item in sent.item_ids if free[item]]
        if len(held) < len(sent.item_ids) or not sent.tracking_id:
            raise _Misfit("fulfillments", "more was sent than ordered, or without a tracking number")
        parcels.append(ParcelRecord(sent.tracking_id[0], tuple(held), state=state))
    if not parcels:
        raise _Misfit("fulfillments", f"the order is {order.status} and nothing was sent")
    return tuple(parcels)


def _minor(price: Decimal) -> int:
    return Money.parse(price, CURRENCY).amount_minor
