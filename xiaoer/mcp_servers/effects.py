"""The only way from a grant to an irreversible effect, and back by look-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from xiaoer.domain.actions import Quote, Receipt
from xiaoer.domain.orders import Order
from xiaoer.domain.permits import Grant, PermitRefused
from xiaoer.domain.policy import Outcome
from xiaoer.domain.refusals import NotFound, OrderChanged
from xiaoer.mcp_servers import render
from xiaoer.mcp_servers.guard import Guard, Meta, Reader
from xiaoer.mcp_servers.platforms.protocol import Effect
from xiaoer.mcp_servers.quotes import make_quote
from xiaoer.mcp_servers.shapes import EffectShape, QuoteShape, ReceiptShape
from xiaoer.mcp_servers.worth import Wish

# Tools whose limit is a count over a customer's orders: the version of one order does not guard it.
_COUNTED = frozenset({"issue_coupon"})

Perform = Callable[[str, Effect], Receipt]  # (store, effect)


def execute(guard: Guard, meta: Meta, wish: Wish, args: Mapping[str, Any], perform: Perform) -> ReceiptShape:
    """Do it once: grant verified and spent, record compared with the approval, then the effect.

    Raises PermitRefused (`grant_…`), NotFound, OrderChanged, or what the platform refuses.
    """
    grant = guard.require_grant(meta, wish.tool, args)
    done = guard.deps.platform.get_effect(grant.store, grant.action_id)
    if done is not None:
        return render.receipt(_same_effect(grant, done))
    order = _order(guard, grant)
    store = guard.deps.stores[grant.store]
    quote = make_quote(guard.deps, store, order, wish)
    _compare(grant, quote)
    if wish.tool in _COUNTED and quote.decision == Outcome.DENY:
        raise OrderChanged("The shop's rules do not allow this any more.", "refused")
    return render.receipt(perform(store.id, _effect(grant, order, quote)))


def look_up_effect(guard: Guard, meta: Meta, action_id: str) -> EffectShape:
    """What became of an action, for the executor's read-back; raises PermitRefused."""
    grant = guard.look_up(meta, "get_effect", {"action_id": action_id})
    if grant.action_id != action_id:
        raise PermitRefused("grant_args", "This grant is for another action.")
    receipt = guard.deps.platform.get_effect(grant.store, action_id)
    return EffectShape(found=receipt is not None, receipt=render.receipt(receipt) if receipt else None)


def quote(
    guard: Guard,
    meta: Meta,
    tool: str,
    args: Mapping[str, Any],
    wish: Wish,
    find_order: Callable[[Reader], str | None] | None = None,
) -> QuoteShape:
    """The quote that `tool` gives, for a proven customer or for the executor.

    `find_order` finds the order of a tool that names a parcel or a return instead.
    """
    reader = guard.reader(meta, tool, args)
    order_no = (reader.order_no or find_order(reader)) if find_order else None
    if find_order and order_no is None:
        raise NotFound("Nothing of this number is known for this customer.")
    order = order_of(guard, reader, order_no or str(args["order_no"]))
    wish = replace(wish, level=reader.level)
    return render.quote(make_quote(guard.deps, reader.store, order, wish))


def order_of(guard: Guard, reader: Reader, order_no: str) -> Order:
    """The reader's order; a foreign one and a missing one are told alike."""
    order = guard.deps.platform.get_order(reader.store.id, reader.customer_ref, order_no)
    if order is None:
        raise NotFound("No order with this number is known for this customer.")
    return order


def _order(guard: Guard, grant: Grant) -> Order:
    order = guard.deps.platform.get_order(grant.store, None, grant.order_no)
    if order is None:
        raise NotFound("No order with this number is known.")
    return order


def _compare(grant: Grant, quote: Quote) -> None:
    """What was approved must be what would happen now, to the cent."""
    if quote.order_version != grant.order_version:
        raise OrderChanged("The order has changed since this was approved.")
    if quote.policy_version != grant.policy_version:
        raise OrderChanged("The shop's rules have changed since this was approved.", "policy_changed")
    now = (quote.amount.amount_minor, quote.amount.currency) if quote.amount else (None, None)
    if now != (grant.amount_minor, grant.currency):
        raise OrderChanged("The amount is no longer the one that was approved.", "amount_changed")


def _same_effect(grant: Grant, done: Receipt) -> Receipt:
    """The first receipt of this action; an id that once did something else is never believed."""
    if done.tool != grant.tool:
        raise PermitRefused("grant_action", "This action's id belongs to another effect.")
    return done


def _effect(grant: Grant, order: Order, quote: Quote) -> Effect:
    return Effect(
        action_id=grant.action_id,
        order_no=order.order_no,
        lines=tuple((line.line_id, line.quantity) for line in quote.lines),
        reason=str(grant.args.get("reason", "other")),
        amount=quote.amount,
        destination=quote.destination,
        order_version=order.version,
        args=grant.args,
    )
