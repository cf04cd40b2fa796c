"""One sound call of each tool that changes something, on the demo orders, with the quote of the shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xiaoer.domain.money import Money
from xiaoer.mcp_servers.platforms.local import LocalShop
from xiaoer.mcp_servers.platforms.local.records import (
    CustomerRecord,
    LineRecord,
    OrderRecord,
    PaymentRecord,
)
from xiaoer.mcp_servers.platforms.protocol import Effect

US = "demo-us"
UNSHIPPED, MOVING, ARRIVED = "#1001", "#1002", "#1032"
ADDRESS = {
    "lines": ["12 Fixture Road", "Flat 3"],
    "city": "Portland",
    "region": "OR",
    "postcode": "97201",
}
WINDOW = {"date": "2026-11-24", "start": "09:00", "end": "13:00"}


@dataclass(frozen=True)
class Call:
    """A tool, its server, the read that quotes it, its order and its arguments."""

    tool: str
    server: str
    quote: str
    order_no: str
    args: dict[str, Any]


def call_of(tool: str, platform: Any, shop: LocalShop) -> Call:
    """The call, after whatever must be there first (a return for a pickup, a second card) has been made."""
    return _CALLS[tool](platform, shop)


def _address(platform: Any, shop: LocalShop) -> Call:
    args = {"order_no": UNSHIPPED, "address": ADDRESS}
    return Call("change_address", "orders", "quote_address", UNSHIPPED, args)


def _items(platform: Any, shop: LocalShop) -> Call:
    lines = platform.get_order(US, None, UNSHIPPED).lines
    fewer = next(line for line in lines if line.quantity == 2)
    other = next(line for line in lines if line.sku == "LAMP-WHT")
    changes = [{"line_id": fewer.line_id, "quantity": 1}, {"line_id": other.line_id, "sku": "LAMP-BLK"}]
    args = {"order_no": UNSHIPPED, "changes": sorted(changes, key=lambda c: c["line_id"])}
    return Call("change_items", "orders", "quote_items", UNSHIPPED, args)


def _payment(platform: Any, shop: LocalShop) -> Call:
    order = platform.get_order(US, None, UNSHIPPED)
    owner = CustomerRecord(order.customer_name, "jane", "jane.demo@example.com", "+1 503 555 0100")
    line = LineRecord("L1", "MAT-SAGE", "Grip Yoga Mat", 1, 4800, "mat")
    paid = PaymentRecord("PAY-SECOND", "PayPal", 4800)
    shop.place_order(US, OrderRecord("#9001", owner, "USD", (line,), (paid,)))
    args = {"order_no": UNSHIPPED, "payment_method_id": "PAY-SECOND"}
    return Call("change_payment", "orders", "quote_payment", UNSHIPPED, args)


def _exchange(platform: Any, shop: LocalShop) -> Call:
    line = platform.get_order(US, None, ARRIVED).lines[0]
    wanted = [{"line_id": line.line_id, "quantity": 1, "sku": "EAR-BLK"}]
    args = {"order_no": ARRIVED, "exchanges": wanted}
    return Call("exchange_items", "returns", "check_exchange", ARRIVED, args)


def _pickup(platform: Any, shop: LocalShop) -> Call:
    args = {"return_id": label(platform), "window": WINDOW}
    return Call("book_pickup", "returns", "check_pickup", ARRIVED, args)


def _interception(platform: Any, shop: LocalShop) -> Call:
    number = platform.get_order(US, None, MOVING).parcels[0].tracking_no
    args = {"tracking_no": number, "kind": "return"}
    return Call("intercept_parcel", "logistics", "quote_interception", MOVING, args)


_CALLS: dict[str, Callable[[Any, LocalShop], Call]] = {
    "change_address": _address,
    "change_items": _items,
    "change_payment": _payment,
    "exchange_items": _exchange,
    "book_pickup": _pickup,
    "intercept_parcel": _interception,
}
CHANGING = tuple(_CALLS)


def label(platform: Any, order_no: str = ARRIVED) -> str:
    """A return of the order's first line, made by the shop; its id."""
    order = platform.get_order(US, None, order_no)
    line = order.lines[0].line_id
    done = platform.create_return_label(
        US, Effect("A-LABEL", order_no, ((line, 1),), "changed_mind", None, "contact on file", order.version)
    )
    return str(done.reference)


def money(data: dict[str, Any] | None) -> Money | None:
    return Money(**data) if data else None
