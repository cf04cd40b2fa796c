"""What the tools that change something would do: address, items, payment, exchange, pickup, interception.

Each plan reads the record and the catalogue, says which facts the policy gets, and lists every change
as old → new for the person who decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xiaoer.domain.amendments import Amendment, amend_items, exchange_items, is_untouched
from xiaoer.domain.changes import (
    Change,
    ShipTo,
    country_key,
    exchanges,
    item_changes,
    new_address,
    tracking_form,
    window_of,
)
from xiaoer.domain.money import Money, total
from xiaoer.domain.orders import Order, Payment, Return
from xiaoer.domain.parcels import Parcel, assess_parcel
from xiaoer.domain.refunds import money_left, refund_destination
from xiaoer.domain.refusals import BadInput, NotFound, Refusal
from xiaoer.domain.stores import Store
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.worth import TO_CONTACT, Wish, Worth

Plan = Callable[[ServerDeps, Store, Order, Wish], Worth]


def plan_address(deps: ServerDeps, store: Store, order: Order, wish: Wish) -> Worth:
    """The goods that have not left yet go to another address."""
    record = recorded_address(deps, store, order)
    new = new_address(wish.args["address"], record)
    changes = record.changes_to(new)
    if not changes:
        raise BadInput("The order has this address already.")
    waiting = tuple((line.line_id, line.quantity) for line in order.lines if is_untouched(line))
    return Worth(waiting, None, money_left(order), new.line(), _address_facts(record, new), changes)


def plan_items(deps: ServerDeps, store: Store, order: Order, wish: Wish) -> Worth:
    """Another variant or quantity of lines that have not left yet."""
    wanted = item_changes(wish.args)
    skus = {change.sku for change in wanted if change.sku} | {line.sku for line in order.lines}
    amendment = amend_items(order, wanted, deps.platform.articles(store.id, skus))
    facts = {"unshipped_lines": all(is_untouched(swap.line) for swap in amendment.swaps)}
    return _amended(order, amendment, facts)


def plan_exchange(deps: ServerDeps, store: Store, order: Order, wish: Wish) -> Worth:
    """Lines come back, other variants go out."""
    wanted = exchanges(wish.args)
    skus = {exchange.sku for exchange in wanted}
    amendment = exchange_items(order, wanted, deps.platform.articles(store.id, skus))
    ids = {swap.line.line_id for swap in amendment.swaps}
    return _amended(order, amendment, {"arrived": _arrived(order, ids)})


def plan_payment(deps: ServerDeps, store: Store, order: Order, wish: Wish) -> Worth:
    """What was paid one way counts as paid another way that this customer has used before."""
    if store.limits.four_eyes_above is None:
        raise Refusal("A new payment method needs two people, and this shop has not said who they are.")
    wanted = str(wish.args["payment_method_id"])
    known = deps.platform.payments_of(store.id, order.customer_ref)
    method = method_of(known, wanted)
    now = refund_destination(order)
    said = "unknown" if method is None else "same" if method == now else "other"
    facts = {"payment": said, "unusual_destination": True}
    if method is None:
        return Worth((), None, money_left(order), now, facts)
    amount = money_left(order)
    return Worth((), amount, amount, method, facts, (Change("payment", now, method),))


def plan_pickup(deps: ServerDeps, store: Store, order: Order, wish: Wish) -> Worth:
    """A courier comes for a return that has its label already."""
    back = return_of(order, str(wish.args["return_id"]))
    window = window_of(wish.args["window"])
    today = deps.clock().astimezone(store.zone).date()
    if window.day < today:
        raise BadInput("The day of the pickup is over.")
    record = recorded_address(deps, store, order)
    facts = {
        "return_status": back.status,
        "pickup_booked": bool(back.pickup),
        "days_ahead": (window.day - today).days,
    }
    changes = (Change("pickup", back.pickup, str(window)), Change("pickup_at", "", record.line()))
    return Worth(back.lines, None, Money.zero(order.currency), TO_CONTACT, facts, changes)


def plan_interception(deps: ServerDeps, store: Store, order: Order, wish: Wish) -> Worth:
    """The carrier is asked to stop one parcel on its way."""
    box = parcel_of(order, str(wish.args["tracking_no"]))
    kind = str(wish.args["kind"])
    facts: dict[str, Any] = {
        "parcel": assess_parcel(box, deps.clock()).verdict.value,
        "interception": box.interception.value,
        "interception_kind": kind,
        "country_changed": False,
        "recipient_changed": False,
    }
    lines = tuple((part.line_id, part.quantity) for part in box.lines)
    stake = _price_of(order, lines)
    carrier = box.carrier_name or box.carrier
    changes: tuple[Change, ...] = (Change("parcel", f"{carrier} {box.tracking_no}".strip(), kind),)
    destination = {"return": "shop", "hold": "pickup point"}.get(kind, "")
    if kind == "redirect":
        record = recorded_address(deps, store, order)
        new = new_address(wish.args["address"], record)
        facts |= _address_facts(record, new)
        changes += record.changes_to(new)
        destination = new.line()
    return Worth(lines, None, stake, destination, facts, changes)


PLANS: Mapping[str, Plan] = {
    "change_address": plan_address,
    "change_items": plan_items,
    "change_payment": plan_payment,
    "exchange_items": plan_exchange,
    "book_pickup": plan_pickup,
    "intercept_parcel": plan_interception,
}


def recorded_address(deps: ServerDeps, store: Store, order: Order) -> ShipTo:
    found = deps.platform.ship_to(store.id, order.order_no)
    if found is None:
        raise NotFound("No address is known for this order.")
    return found


def parcel_of(order: Order, tracking_no: str) -> Parcel:
    """The order's parcel of this number; raises NotFound."""
    wanted = tracking_form(tracking_no)
    for box in order.parcels:
        if tracking_form(box.tracking_no) == wanted:
            return box
    raise NotFound("No parcel with this number is known for this customer.")


def return_of(order: Order, return_id: str) -> Return:
    """The order's return of this id; raises NotFound."""
    for back in order.returns:
        if back.return_id.upper() == return_id.strip().upper():
            return back
    raise NotFound("No return with this id is known for this customer.")


def method_of(payments: tuple[Payment, ...], method_id: str) -> str | None:
    """The method under which the customer knows this payment; an id may carry the payment's count at its end."""
    for payment in payments:
        if method_id in (payment.payment_id, payment.payment_id.rsplit("-", 1)[0]):
            return payment.method
    return None


def _amended(order: Order, amendment: Amendment, facts: dict[str, Any]) -> Worth:
    stake = amendment.back or amendment.due or Money.zero(order.currency)
    destination = refund_destination(order) if amendment.back is not None else ""
    facts = {**facts, "offer": amendment.offer}
    return Worth(amendment.lines, amendment.back, stake, destination, facts, amendment.changes)


def _address_facts(record: ShipTo, new: ShipTo) -> dict[str, Any]:
    country = None if not record.country else country_key(record.country) != country_key(new.country)
    moved = (record.recipient, record.phone) != (new.recipient, new.phone)
    return {"country_changed": country, "recipient_changed": moved}


def _arrived(order: Order, line_ids: set[str]) -> bool:
    """Every parcel that holds these lines has been delivered, and all of them were sent."""
    if any(line.line_id in line_ids and line.shipped_quantity < line.quantity for line in order.lines):
        return False
    boxes = [
        box for box in order.parcels if not box.lines or any(part.line_id in line_ids for part in box.lines)
    ]
    return bool(boxes) and all(box.state is not None and box.state.value == "delivered" for box in boxes)


def _price_of(order: Order, lines: tuple[tuple[str, int], ...]) -> Money:
    price = {line.line_id: line.unit_price for line in order.lines}
    return total([price[line_id] * quantity for line_id, quantity in lines], order.currency)
