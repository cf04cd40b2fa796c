"""Small orders for tests of the local shop."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from xiaoer.domain.money import Money
from xiaoer.domain.orders import Order
from xiaoer.domain.refunds import refund_destination, refundable
from xiaoer.mcp_servers.platforms.local.records import (
    Address,
    CustomerRecord,
    LineRecord,
    OrderRecord,
    ParcelRecord,
    PaymentRecord,
)
from xiaoer.mcp_servers.platforms.protocol import Effect

ADA = CustomerRecord(
    "Ada Fixture",
    "ada",
    "Ada@Example.com",
    "+1 415 555 0147",
    Address("1 Test St", "Oakland", "CA", "94601", "US"),
)
BEN = CustomerRecord("Ben Fixture", "ben", "ben@example.com", "+1 415 555 0258")
CARD = "Visa ···· 4242"


def make_order(number: str = "#1", **changes: Any) -> OrderRecord:
    """Three cups at 10.00 and a lamp at 25.50, 5.00 shipping, paid by card, nothing sent."""
    lines = changes.pop(
        "lines", (LineRecord("cup", "CUP", "Cup", 3, 1000), LineRecord("lamp", "LAMP", "Lamp", 1, 2550))
    )
    shipping = changes.pop("shipping_minor", 500)
    total = sum(line.quantity * line.unit_price_minor for line in lines) + shipping
    basis: dict[str, Any] = {
        "order_no": number,
        "customer": ADA,
        "currency": "USD",
        "lines": lines,
        "payments": (PaymentRecord("p1", CARD, total),) if total else (),
        "shipping_minor": shipping,
        "placed_at": datetime(2026, 11, 18, 9, 0, tzinfo=UTC),
        "ship_to": Address("1 Test St", "Oakland", "CA", "94612", "US"),
    }
    return OrderRecord(**{**basis, **changes})


def everything(number: str = "T1", **changes: Any) -> ParcelRecord:
    return ParcelRecord(number, changes.pop("lines", (("cup", 3), ("lamp", 1))), **changes)


def effect(order: Order, action_id: str, *lines: tuple[str, int], **changes: Any) -> Effect:
    """What an approval of these lines would run, as the record gives it now."""
    amount: Money | None = refundable(order, lines) if lines else None
    basis: dict[str, Any] = {
        "action_id": action_id,
        "order_no": order.order_no,
        "lines": lines,
        "reason": "changed_mind",
        "amount": amount,
        "destination": refund_destination(order),
        "order_version": order.version,
    }
    return Effect(**{**basis, **changes})
