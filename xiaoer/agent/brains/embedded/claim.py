"""The offered proof: what a message adds to it, and when it is enough for one try."""

from __future__ import annotations

import re
from dataclasses import replace

from xiaoer.agent.brains.embedded import reading
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.protocol import TurnView

_TAIL = re.compile(r"\d{4}")
PROOF_PARTS = ("phone_tail", "email", "name", "postcode")


def with_tail(view: TurnView) -> TurnView:
    """ "20261101001032 7752" of somebody unproven is a number and its proof, not two orders."""
    slots = view.understanding.slots
    long = tuple(no for no in slots.order_no if not _TAIL.fullmatch(no) or f"#{no}" in view.text)
    tails = tuple(no for no in slots.order_no if no not in long)
    proven_before = view.scope.proven(view.now) and not any(
        result.call.name == "verify_customer" for result in view.results
    )
    if proven_before or len(long) != 1 or len(tails) != 1 or slots.phone_tail:
        return view
    mended = replace(slots, order_no=long, phone_tail=tails)
    return replace(view, understanding=replace(view.understanding, slots=mended))


def read_claim(turn: Turn) -> dict[str, str]:
    """The offered proof so far: what is remembered, and what this message adds or corrects."""
    claim = dict(turn.memory.claim)
    slots = turn.view.understanding.slots
    given = {part: getattr(slots, part)[0] for part in PROOF_PARTS if getattr(slots, part)}
    order_no = slots.order_no[0] if slots.order_no else None
    if turn.memory.ask is not None and turn.memory.ask.kind == "proof":
        given, order_no = _read_in_context(turn, claim, given, order_no)
    if order_no is not None:
        claim["order_no"] = order_no
        if not given and not has_proof(claim):
            given = reading.read_tail(turn.view.text, slots.order_no)
    elif not claim.get("order_no") and turn.memory.order_no and given:
        claim["order_no"] = turn.memory.order_no
    return {**claim, **given}


def _read_in_context(
    turn: Turn, claim: dict[str, str], given: dict[str, str], order_no: str | None
) -> tuple[dict[str, str], str | None]:
    """A bare number means what was asked for: an order number, a phone tail or a postcode."""
    text = turn.view.text
    known = claim.get("order_no")
    if not known and not order_no and has_proof(claim):
        return ({}, number) if (number := reading.read_number(text)) else (given, None)
    if not given and not order_no:
        given = reading.read_proof(text, turn.playbooks.words.match)
        if "name" in given and "postcode" not in {**given, **claim}:
            del given["name"]
    elif "postcode" in given and "name" not in {**given, **claim}:
        given = {**reading.read_proof(text, turn.playbooks.words.match), **given}
    return given, order_no


def has_proof(claim: dict[str, str]) -> bool:
    """One proof beside the order number; name and postcode count only together."""
    return "phone_tail" in claim or "email" in claim or ("name" in claim and "postcode" in claim)


def is_complete(claim: dict[str, str]) -> bool:
    """Enough for one try."""
    return "order_no" in claim and has_proof(claim)
