"""Proof of possession: what counts as one, and a yes or a no without any hint."""

from __future__ import annotations

from collections.abc import Callable

from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.orders import order_key
from xiaoer.domain.refusals import BadInput
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.platforms.protocol import Proof
from xiaoer.mcp_servers.shapes import VerifyShape

_TAIL = 4


def prove(deps: ServerDeps, scope: Scope, proof: Proof) -> VerifyShape:
    """Judge one offered proof; raises BadInput with a sentence that says what is missing.

    A missing order and a foreign one take the same path and get the same answer.
    """
    missing = what_is_missing(proof)
    if missing:
        raise BadInput(missing)
    known = _own_already(deps, scope, proof.order_no)
    if known:
        # Strangers who guess at this order number must not lock its proven owner out.
        return VerifyShape(verified=True, order_no=known[1], customer_ref=known[0])
    if (
        not proof.email
        and not (proof.name and proof.postcode)
        and deps.state.is_crowded(scope.store, deps.clock())
    ):
        raise BadInput(
            "The last four digits are not enough at the moment. Please give the e-mail,"
            " or the name with the postcode of the order."
        )
    key = order_key(proof.order_no)
    judged = deps.state.judge_proof(
        scope.store, scope.conversation_id, key, deps.clock(), _check(deps, scope.store, proof)
    )
    if judged.customer_ref is None:
        return VerifyShape(verified=False, locked=judged.locked, tries_left=judged.left)
    return VerifyShape(verified=True, order_no=proof.order_no.strip(), customer_ref=judged.customer_ref)


def what_is_missing(proof: Proof) -> str:
    """The sentence that asks for the rest, or nothing when the proof is complete."""
    if not order_key(proof.order_no):
        return "The order number is missing."
    if proof.email or _tail_complete(proof.phone_tail) or (proof.name and proof.postcode):
        return ""
    if proof.phone_tail:
        return "The last four digits of the phone number are needed, all four."
    if proof.name:
        return "The name counts only together with the postcode of the order."
    if proof.postcode:
        return "The postcode counts only together with the name on the order."
    return (
        "One more thing is missing: the last four digits of the phone, the e-mail,"
        " or the name with the postcode of the order."
    )


def _tail_complete(tail: str | None) -> bool:
    return sum(char.isdigit() for char in tail or "") >= _TAIL


def _check(deps: ServerDeps, store: str, proof: Proof) -> Callable[[], str | None]:
    return lambda: deps.platform.customer_by_proof(store, proof)


def _own_already(deps: ServerDeps, scope: Scope, order_no: str) -> tuple[str, str] | None:
    """(customer, order number) when this conversation has proven this very order's owner before."""
    if scope.level < Level.ORDER or scope.customer_ref is None:
        return None
    order = deps.platform.get_order(scope.store, scope.customer_ref, order_no)
    return (scope.customer_ref, order.order_no) if order else None
