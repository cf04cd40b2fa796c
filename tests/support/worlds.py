"""A few states of one customer's matter, so that a sentence can be true in one and false in another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from support.turns import a_state, an_action

from xiaoer.agent.guard.checks import check_text
from xiaoer.agent.guard.facts import Facts, gather_facts
from xiaoer.agent.state import State
from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.messages import Author, HistoryItem
from xiaoer.domain.money import Money

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
TOTAL = 127_230


def usd(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "USD"}


def order(
    number: str = "#1004",
    state: str = "shipped",
    refunds: Sequence[int] = (),
    status: str = "succeeded",
    **more: Any,
) -> dict[str, Any]:
    made = [
        {
            "refund_id": f"RF-{n}",
            "order_no": number,
            "amount": usd(minor),
            "status": status,
            "created_at": "2026-11-21T18:00:00Z",
        }
        for n, minor in enumerate(refunds, 1)
    ]
    return {
        "order_no": number,
        "state": state,
        "total": usd(TOTAL),
        "placed_at": "2026-11-18T20:00:00Z",
        "lines": [{"line_id": "L1", "title": "Desk lamp", "quantity": 1, "refunded_quantity": 0}],
        "refunded": usd(sum(refunds)),
        "refunds": made,
        **more,
    }


def track(verdict: str = "on_its_way", at: str = "2026-11-20T18:00:00Z", **more: Any) -> dict[str, Any]:
    parcel = {
        "order_no": "#1004",
        "tracking_no": "1Z999AA10123456784",
        "carrier_name": "UPS",
        "verdict": verdict,
        "since": at,
        "estimated_at": "2026-11-25T18:00:00Z",
        "events": [{"at": at, "text": "Departed facility", "place": "Memphis"}],
        **more,
    }
    return {
        "order_no": "#1004",
        "state": "delivered" if verdict == "delivered" else "shipped",
        "parcels": [parcel],
    }


def product(available: bool) -> dict[str, Any]:
    variant = {"sku": "LAMP", "options": {}, "price": usd(TOTAL), "available": available}
    return {"products": [{"product_id": "P1", "title": "Desk lamp", "variants": [variant]}]}


def action(
    tool: str, status: ActionStatus = ActionStatus.SUCCEEDED, minor: int | None = None, **receipt: Any
) -> ActionView:
    made = replace(an_action(tool, status), receipt=receipt or None)
    return made if minor is None else replace(made, amount=Money(minor, "USD"))


PENDING = action("issue_refund", ActionStatus.PENDING, TOTAL)


def _state(*records: dict[str, Any], actions: tuple[ActionView, ...] = (), said: str = "") -> State:
    history = (HistoryItem("M-1", Author.CUSTOMER, said, NOW),) if said else ()
    return a_state(now=NOW, records=records or (order(), track()), actions=actions, history=history)


WORLDS: dict[str, Callable[[], State]] = {
    "open": lambda: _state(actions=(PENDING,)),
    "unshipped": lambda: _state(order(state="unshipped")),
    "refunded": lambda: _state(
        order(refunds=[TOTAL]), track(), actions=(action("issue_refund", minor=TOTAL),)
    ),
    "part": lambda: _state(order(refunds=[5_000]), track(), actions=(action("issue_refund", minor=5_000),)),
    "two": lambda: _state(
        order(refunds=[5_000]),
        track(),
        order("#1005"),
        actions=(action("issue_refund", minor=5_000),),
        said="It is about #1004 and #1005",
    ),
    "cancelled": lambda: _state(
        order(state="cancelled", refunds=[TOTAL]), actions=(action("cancel_order", minor=TOTAL),)
    ),
    "label": lambda: _state(actions=(action("create_return_label", label_url="https://tools.usps.com/l"),)),
    "coupon": lambda: _state(actions=(action("issue_coupon", minor=1_000, coupon_code="CPN-20261122A"),)),
    "delivered": lambda: _state(order(state="delivered"), track("delivered")),
    "changed": lambda: _state(order(state="unshipped"), actions=(action("change_address"),)),
    "exchanged": lambda: _state(order(state="delivered"), actions=(action("exchange_items"),)),
    "pickup": lambda: _state(order(state="delivered"), actions=(action("book_pickup"),)),
    "intercepted": lambda: _state(actions=(action("intercept_parcel"),)),
    "approved": lambda: _state(actions=(action("issue_refund", ActionStatus.APPROVED, TOTAL),)),
    "stock": lambda: _state(product(available=True)),
}


@cache
def facts_of(world: str) -> tuple[Facts, State]:
    state = WORLDS[world]()
    return gather_facts(state), state


def refused(text: str, world: str = "open") -> list[str]:
    """What the guard says against a reply in a world: `check: reason`, [] when it may be sent."""
    facts, state = facts_of(world)
    verdicts = check_text(text, facts, state["turn"].store)
    return [f"{v.check}: {v.reason}" for v in verdicts if not v.ok]
