"""Proof of possession before anything about an order is told, and which order is meant."""

from __future__ import annotations

from xiaoer.agent.brains.embedded.claim import has_proof, is_complete
from xiaoer.agent.brains.embedded.memory import Need
from xiaoer.agent.brains.embedded.records import Brief, Briefs, ParcelRecord, Verified
from xiaoer.agent.brains.embedded.signals import Asking, Broken, Leaving, Stop, Telling
from xiaoer.agent.brains.embedded.turn import Turn, parse
from xiaoer.agent.brains.embedded.wording import date_text, joined
from xiaoer.domain.actions import OPEN
from xiaoer.domain.orders import order_key
from xiaoer.domain.stores import pick
from xiaoer.prompts.schema import Playbook

LIST_LENGTH = 4
SHORTEST_END, LONGEST_END = 3, 8


def require_proof(turn: Turn) -> None:
    """Returns when the customer is proven; otherwise raises what is to be done for it."""
    if not turn.proven:
        raise _prove(turn)


def _prove(turn: Turn) -> Stop:
    claim = turn.claim
    result = turn.find("verify_customer", claim) if is_complete(claim) else None
    if result is not None:
        if not result.ok:
            return (
                Leaving("locked", "locked")
                if result.code == "locked"
                else Broken(result.call.name, result.code)
            )
        return _refused(parse(result, Verified))
    if is_complete(claim) and claim != turn.memory.tried:
        return turn.want("verify_customer", dict(claim))
    return Asking("proof", _missing(turn), values={"order_no": _as_written(turn, claim.get("order_no", ""))})


def _as_written(turn: Turn, order_no: str) -> str:
    """With the # that the customer wrote before it."""
    return f"#{order_no}" if order_no and f"#{order_no}" in turn.view.text else order_no


def _refused(answer: Verified) -> Stop:
    if answer.locked:
        return Leaving("locked", "locked")
    tries = "" if answer.tries_left is None else str(answer.tries_left)
    return Asking("proof", "proof_wrong", values={"tries_left": tries})


def _missing(turn: Turn) -> str:
    """The reply that asks only for what is missing."""
    claim = turn.claim
    if is_complete(claim):
        return "proof_wrong"
    if has_proof(claim):
        return "ask_order_no"
    if "order_no" not in claim:
        return "ask_order_and_proof"
    return {(True, False): "ask_postcode", (False, True): "ask_name"}.get(
        ("name" in claim, "postcode" in claim), "ask_proof"
    )


def require_order(turn: Turn, need: Need, playbook: Playbook) -> tuple[str, bool]:
    """The order that a need is about, and whether it is sure; raises until proof and order are there."""
    require_proof(turn)
    if need.order_no:
        return _full_number(turn, need.order_no), True
    if named := _tracked(turn):
        return named, True
    if need.other:
        return _chosen(turn, playbook, without=order_key(turn.memory.order_no or ""))
    if turn.verified is not None:
        return turn.verified.order_no or turn.claim.get("order_no") or _chosen(turn, playbook)[0], True
    if turn.memory.order_no:
        return turn.memory.order_no, True
    if (acted := _acted_on(turn, playbook)) is not None:
        return acted, True
    return _chosen(turn, playbook)


def _full_number(turn: Turn, order_no: str) -> str:
    """The end of a number stands for the whole, once the short one was not found and only one order fits."""
    args = {"order_no": order_no}
    reads = [r for tool in ("get_order", "track_order") if (r := turn.find(tool, args)) is not None]
    if not any(r.code == "not_found" for r in reads):
        return order_no
    key = order_key(order_no)
    _prove_anew(turn, key)
    if not SHORTEST_END <= len(key) <= LONGEST_END:
        return order_no
    orders = turn.read("find_orders", {}, Briefs).orders
    fitting = [o.order_no for o in orders if order_key(o.order_no).endswith(key)]
    return fitting[0] if len(fitting) == 1 else order_no


def _prove_anew(turn: Turn, key: str) -> None:
    """A full proof for an order that is not this customer's own may make it so, as another customer."""
    claim = turn.claim
    if not is_complete(claim) or order_key(claim["order_no"]) != key:
        return
    if turn.find("verify_customer", claim) is None:
        raise turn.want("verify_customer", dict(claim))


def _tracked(turn: Turn) -> str | None:
    """The order of a parcel whose number the message gives."""
    numbers = turn.view.understanding.slots.tracking_no
    if not numbers:
        return None
    result = turn.find("track_parcel", {"tracking_no": numbers[0]})
    if result is None:
        stop = turn.want("track_parcel", {"tracking_no": numbers[0]})
        raise stop
    if not result.ok:  # unknown to this customer's orders: go on with what else is known
        return None
    return parse(result, ParcelRecord).order_no or None


def _acted_on(turn: Turn, playbook: Playbook) -> str | None:
    orders = {order_key(a.order_no): a.order_no for a in turn.view.actions if a.tool in playbook.tools}
    still_open = {order_key(a.order_no) for a in turn.view.actions if a.status in OPEN}
    narrowed = [no for key, no in orders.items() if key in still_open] or list(orders.values())
    return narrowed[0] if len(narrowed) == 1 else None


def _chosen(turn: Turn, playbook: Playbook, without: str = "") -> tuple[str, bool]:
    """The only order, or the only likely one; else the customer chooses from a short list."""
    found = turn.read("find_orders", {}, Briefs).orders
    orders = [o for o in found if order_key(o.order_no) != without] or list(found)
    if not orders:
        raise Telling("no_orders")
    if len(orders) == 1:
        return orders[0].order_no, True
    likely = orders if without else [o for o in orders if o.state in playbook.likely] or orders
    if len(likely) == 1:
        return likely[0].order_no, False
    shown = likely[:LIST_LENGTH]
    options = tuple((o.order_no, f"{o.order_no} {' '.join(o.titles)}") for o in shown)
    raise Asking("order", "ask_which_order", options, {"choices": _order_list(turn, shown)})


def _order_list(turn: Turn, orders: list[Brief]) -> str:
    states = turn.playbooks.words.states
    rows = []
    for n, order in enumerate(orders, start=1):
        label = turn.piece(
            "order",
            order_no=order.order_no,
            date=date_text(turn, order.placed_at),
            titles=joined(turn, order.titles[:2]) + ("…" if len(order.titles) > 2 else ""),
            state=pick(states.get(order.state, {}), turn.view.lang) or order.state,
        )
        rows.append(turn.piece("choice", n=str(n), label=label))
    return "\n".join(rows)
