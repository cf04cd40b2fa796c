"""What an irreversible tool would do to one order: facts from the record, the policy's word, the amount.

The same computation stands behind every quote and behind every execution, so that what a person
approved can be compared with what would run now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from xiaoer.domain.actions import Quote, QuoteLine
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Line, Order
from xiaoer.domain.parcels import Parcel, Verdict, assess_parcel
from xiaoer.domain.policy import FACTS, REASONS, Outcome, decide
from xiaoer.domain.refunds import cancel_amount, merge_lines, pick_lines, refund_destination, refundable
from xiaoer.domain.refusals import OverLimit
from xiaoer.domain.stores import Store
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.plans import PLANS
from xiaoer.mcp_servers.worth import TO_ACCOUNT, TO_CONTACT, Wish, Worth

COUPON_PERIOD = timedelta(days=90)
# The worst first: what most calls for a person's look.
_BADNESS: tuple[Verdict, ...] = (
    Verdict.NUMBER_UNKNOWN,
    Verdict.STUCK,
    Verdict.PROBLEM,
    Verdict.REFUSED,
    Verdict.GOING_BACK,
    Verdict.RETURNED,
    Verdict.CUSTOMS_HELD,
    Verdict.NO_EVENTS,
    Verdict.LABEL_ONLY,
    Verdict.AT_PICKUP_POINT,
    Verdict.ON_ITS_WAY,
    Verdict.OUT_FOR_DELIVERY,
    Verdict.DELIVERED,
)


def make_quote(deps: ServerDeps, store: Store, order: Order, wish: Wish) -> Quote:
    """The quote for one wish; raises BadInput for lines that the order does not have."""
    worth = _worth(deps, store, order, wish)
    facts = _facts(deps, store, order, wish, worth)
    decision = decide(store.policy, wish.tool, facts)
    outcome = decision.outcome
    if outcome is Outcome.ALLOW and not store.rules_may_approve:
        outcome = Outcome.NEEDS_APPROVAL
    return Quote(
        tool=wish.tool,
        order_no=order.order_no,
        lines=_quote_lines(order, worth.lines),
        amount=worth.amount,
        destination=worth.destination,
        facts=facts,
        decision=outcome.value,
        clause_id=decision.clause.id,
        clause_text=dict(decision.clause.text),
        missing=decision.missing,
        order_version=order.version,
        policy_version=store.policy.version,
        changes=worth.changes,
    )


def _worth(deps: ServerDeps, store: Store, order: Order, wish: Wish) -> Worth:
    if wish.tool in PLANS:
        return PLANS[wish.tool](deps, store, order, wish)
    return WORTH[wish.tool](store, order, wish)


def _refund_worth(store: Store, order: Order, wish: Wish) -> Worth:
    lines = merge_lines(wish.lines)
    amount = _refundable_or_nothing(order, lines)
    facts = {"returned": _came_back(order, lines)}
    return Worth(lines, amount, amount, refund_destination(order), facts)


def _cancel_worth(store: Store, order: Order, wish: Wish) -> Worth:
    lines = tuple((line.line_id, free_quantity(line)) for line in order.lines if free_quantity(line) > 0)
    amount = cancel_amount(order)
    return Worth(lines, amount, amount, refund_destination(order))


def _label_worth(store: Store, order: Order, wish: Wish) -> Worth:
    lines = merge_lines(wish.lines)
    return Worth(lines, None, _refundable_or_nothing(order, lines), TO_CONTACT)


def _coupon_worth(store: Store, order: Order, wish: Wish) -> Worth:
    value = Money(store.coupon_minor, store.currency)
    return Worth((), value, value, TO_ACCOUNT)


WORTH: Mapping[str, Callable[[Store, Order, Wish], Worth]] = {
    "issue_refund": _refund_worth,
    "cancel_order": _cancel_worth,
    "create_return_label": _label_worth,
    "issue_coupon": _coupon_worth,
}


def _refundable_or_nothing(order: Order, lines: tuple[tuple[str, int], ...]) -> Money:
    """What was refunded already is worth nothing; what was never bought is refused."""
    bought = {line.line_id: line.quantity for line in pick_lines(order, dict(lines))}
    for line_id, quantity in lines:
        if quantity > bought[line_id]:
            raise OverLimit(f"Line {line_id} was bought {bought[line_id]} times, not {quantity}.")
    try:
        return refundable(order, lines)
    except OverLimit:
        return Money.zero(order.currency)


def _facts(deps: ServerDeps, store: Store, order: Order, wish: Wish, worth: Worth) -> dict[str, Any]:
    now = deps.clock()
    chosen = pick_lines(order, dict(worth.lines))
    boxes = _parcels_with(order, {line.line_id for line in chosen})
    return {
        **dict.fromkeys(FACTS),
        "order_state": order.state.value,
        "reason": wish.reason if wish.reason in REASONS else "other",
        "parcel": _worst(boxes, now),
        "days_since_delivery": _days(order.delivered_at or _last_delivery(boxes), now),
        "days_since_order": _days(order.placed_at, now),
        "amount_minor": worth.stake.amount_minor,
        "identity": None if wish.level is None else int(wish.level),
        "coupons_90d": deps.platform.count_coupons(store.id, order.customer_ref, now - COUPON_PERIOD),
        "final_sale": any(line.final_sale for line in chosen),
        "open_quantity": _all_free(chosen, dict(worth.lines)),
        **worth.facts,
    }


def free_quantity(line: Line) -> int:
    """How many of a line are not refunded, cancelled or on their way back."""
    # A cancelled unit is a refunded one too: the larger of both counts, not the sum.
    gone = max(line.refunded_quantity, line.cancelled_quantity) + line.returning_quantity
    return max(0, line.quantity - gone - line.exchanged_quantity)


def _all_free(chosen: tuple[Line, ...], wanted: Mapping[str, int]) -> bool:
    return all(wanted[line.line_id] <= free_quantity(line) for line in chosen)


def _came_back(order: Order, lines: tuple[tuple[str, int], ...]) -> bool:
    """The shop has these back, and has not refunded them yet."""
    back: Counter[str] = Counter()
    for item in order.returns:
        if item.kind == "refund" and item.status in ("received", "closed"):
            back.update(dict(item.lines))
    refunded = {line.line_id: line.refunded_quantity for line in order.lines}
    return all(quantity <= back[line_id] - refunded.get(line_id, 0) for line_id, quantity in lines)


def _parcels_with(order: Order, line_ids: set[str]) -> list[Parcel]:
    """The parcels that hold these lines; a parcel that does not say what it holds counts as holding them."""
    return [
        parcel
        for parcel in order.parcels
        if not parcel.lines or not line_ids or any(part.line_id in line_ids for part in parcel.lines)
    ]


def _worst(parcels: list[Parcel], now: datetime) -> str:
    verdicts = {assess_parcel(parcel, now).verdict for parcel in parcels}
    return next((verdict.value for verdict in _BADNESS if verdict in verdicts), "none")


def _last_delivery(parcels: list[Parcel]) -> datetime | None:
    """When the last of these parcels arrived, as their scans tell; None unless all of them did."""
    arrived = [
        next((event.at for event in parcel.events if event.state.value == "delivered"), None)
        for parcel in parcels
    ]
    known = [at for at in arrived if at is not None]
    return max(known) if known and len(known) == len(arrived) else None


def _days(since: datetime | None, now: datetime) -> int | None:
    return None if since is None else max(0, (now - since).days)


def _quote_lines(order: Order, lines: tuple[tuple[str, int], ...]) -> tuple[QuoteLine, ...]:
    wanted = dict(lines)
    return tuple(
        QuoteLine(line.line_id, line.title, wanted[line.line_id], line.unit_price * wanted[line.line_id])
        for line in pick_lines(order, wanted)
    )
