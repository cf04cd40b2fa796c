"""Which claims the ledger and the records back, for which order, and with which amount."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from xiaoer.agent.guard.numbers import plain_number
from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.money import exponent
from xiaoer.domain.orders import order_key


class Deed(NamedTuple):
    """One thing that has happened: its kind as claims name it, the order's key, the amount or ""."""

    kind: str
    order: str
    amount: str = ""


UNDER_WAY = "under way: "  # before a kind: it is approved or begun, and not finished

# What a succeeded action proves. Cancelling pays back as well, when its receipt has an amount.
_OF_TOOL: dict[str, tuple[str, ...]] = {
    "issue_refund": ("refund",),
    "cancel_order": ("cancellation",),
    "create_return_label": ("label",),
    "issue_coupon": ("coupon",),
    "change_address": ("change",),
    "change_items": ("change",),
    "change_payment": ("change",),
    "exchange_items": ("exchange", "change"),
    "book_pickup": ("pickup",),
    "intercept_parcel": ("intercept",),
}
_PAYS = frozenset({"issue_refund", "cancel_order"})
_APPROVED = frozenset(
    {ActionStatus.APPROVED, ActionStatus.EXECUTING, ActionStatus.UNKNOWN, ActionStatus.SUCCEEDED}
)
_LEFT = frozenset({"shipped", "partly_shipped", "delivered", "going_back"})
_UNDER_WAY = frozenset(
    {
        "on_its_way", "out_for_delivery", "stuck", "customs_held", "delivered", "at_pickup_point", "problem",
        "refused", "going_back", "returned", "no_events",
    }
)  # fmt: skip
_GOING_BACK = frozenset({"going_back", "returned", "refused"})


def deeds_of_actions(actions: Sequence[ActionView]) -> Iterator[Deed]:
    for action in actions:
        order = order_key(action.order_no)
        if action.status in _APPROVED:
            yield Deed("approval", order)
            yield from (Deed(UNDER_WAY + kind, order) for kind in _OF_TOOL.get(action.tool, ()))
        if action.status is ActionStatus.SUCCEEDED:
            yield from _succeeded(action, order)


def _succeeded(action: ActionView, order: str) -> Iterator[Deed]:
    amount = _major(action.amount.amount_minor, action.amount.currency) if action.amount else ""
    for kind in _OF_TOOL.get(action.tool, ()):
        yield Deed(kind, order, amount)
    if action.tool in _PAYS and action.amount:
        yield Deed("refund", order, amount)


def deeds_of_node(node: Mapping[str, Any], order: str) -> Iterator[Deed]:
    """What one object of a tool's result shows to have happened."""
    yield from _of_parcel(node, order)
    if node.get("state") == "cancelled" or node.get("cancelled_at"):
        yield Deed("cancellation", order)
    if _positive(node.get("cancelled_quantity")):
        yield Deed("cancellation", order)
    yield from _of_money(node, order)
    if node.get("label_url"):
        yield Deed("label", order)
    if node.get("coupon_code"):
        yield Deed("coupon", order)
    if node.get("available") is True:
        yield Deed("stock", order)


def _of_parcel(node: Mapping[str, Any], order: str) -> Iterator[Deed]:
    state, verdict = node.get("state"), node.get("verdict")
    if state == "delivered" or verdict == "delivered" or node.get("delivered_at"):
        yield Deed("delivered", order)
    if state in _LEFT or verdict in _UNDER_WAY or _positive(node.get("shipped_quantity")):
        yield Deed("shipped", order)
    if verdict == "label_only":
        yield Deed("label", order)
    if state in _GOING_BACK or verdict in _GOING_BACK:
        yield Deed("intercept", order)
    if node.get("return_id"):
        yield Deed("shipped", order)


def _of_money(node: Mapping[str, Any], order: str) -> Iterator[Deed]:
    if node.get("refund_id") and node.get("status") == "succeeded":
        yield Deed("refund", order, _amount(node.get("amount")))
    if node.get("refund_id") and node.get("status") == "pending":
        yield Deed(f"{UNDER_WAY}refund", order)
    refunded = node.get("refunded")
    if isinstance(refunded, Mapping) and _positive(refunded.get("amount_minor")) and _finished(node):
        yield Deed("refund", order, _amount(refunded))
    if _positive(node.get("refunded_quantity")):
        yield Deed("refund", order)


def _finished(order: Mapping[str, Any]) -> bool:
    """`refunded` counts what is under way as well; it is told only where no refund is still open."""
    refunds = order.get("refunds") or ()
    return all(isinstance(refund, Mapping) and refund.get("status") != "pending" for refund in refunds)


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _amount(value: object) -> str:
    if not isinstance(value, Mapping):
        return ""
    minor, currency = value.get("amount_minor"), value.get("currency")
    return _major(minor, currency) if isinstance(minor, int) and isinstance(currency, str) else ""


def _major(minor: int, currency: str) -> str:
    return plain_number(str(minor / 10 ** exponent(currency)))
