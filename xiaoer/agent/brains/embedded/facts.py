"""The facts that playbooks branch by, each read from records; reading one may stop for a tool."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from xiaoer.agent.brains.embedded import reading
from xiaoer.agent.brains.embedded.case import Case
from xiaoer.agent.brains.embedded.signals import Broken
from xiaoer.prompts.schema import Branch

Value = str | frozenset[str]


def holds(case: Case, branch: Branch) -> bool:
    """Whether all conditions of a branch hold; read in order, so that a false one spares the next."""
    return all(_fits(FACTS[fact](case), wanted) for fact, wanted in branch.when.items())


def _fits(value: Value, wanted: Iterable[str]) -> bool:
    return bool(value & set(wanted)) if isinstance(value, frozenset) else value in wanted


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _against_now(case: Case, moment: datetime | None) -> str:
    if moment is None:
        return "unknown"
    return "passed" if moment < case.turn.view.now else "future"


def _parcels(case: Case) -> str:
    return {0: "none", 1: "one"}.get(len(case.track.parcels), "several")


def _estimate(case: Case) -> str:
    coming = [p.estimated_at for p in case.track.parcels if p.verdict != "delivered" and p.estimated_at]
    return _against_now(case, max(coming, default=None))


def _words(case: Case, kind: str) -> str:
    words = getattr(case.turn.playbooks.words.match, kind)
    return _yes(reading.mentions(reading.plain(case.need.words), words))


def _money_back(case: Case) -> str:
    if _words(case, "no_money") == "yes":
        return "no"
    return "yes" if "refund_request" in case.need.absorbed else _words(case, "money_back")


def _returning(case: Case) -> str:
    if case.reason == "not_received":  # there is nothing to send back
        return "no"
    return "yes" if "return_item" in case.need.absorbed else _words(case, "returning")


def _proposal(case: Case) -> str:
    if case.proposed is None:
        return "none"
    if case.proposed.decision not in ("pending", "approved", "rejected"):
        raise Broken(case.tool, case.proposed.decision, reply="cannot_propose")
    return case.proposed.decision


def _refunds(case: Case) -> str:
    newest = case.order.newest_refund
    if newest is None:
        return "none"
    return newest.status if newest.status in ("pending", "succeeded", "failed") else "pending"


def _statement(case: Case) -> str:
    if not case.told:
        return "none"
    return "found" if case.told[0].fit else "general"


FACTS: dict[str, Callable[[Case], Value]] = {
    "order_state": lambda case: case.record.state,
    "parcels": _parcels,
    "verdicts": lambda case: frozenset(p.verdict for p in case.track.parcels),
    "unshipped": lambda case: _yes(bool(case.track.unshipped)),
    "ship_by": lambda case: _against_now(case, case.record.ship_by),
    "estimate": _estimate,
    "returning": _returning,
    "money_back": _money_back,
    "reason": lambda case: case.reason or "unknown",
    "lines": lambda case: case.selection.status,
    "sure": lambda case: _yes(case.sure),
    "decision": lambda case: case.decision[0],
    "part": lambda case: _yes(bool(case.part)),
    "stray": lambda case: _yes(case.stray is not None),
    "reason_matters": lambda case: _yes(case.reason_matters),
    "action": lambda case: case.action.status.value if case.action else "none",
    "covered": lambda case: _yes(case.covered),
    "proposal": _proposal,
    "refunds": _refunds,
    "returns": lambda case: _yes(bool(case.order.returns)),
    "knowledge": lambda case: "found" if case.entry else "none",
    "statement": _statement,
    "product": lambda case: "found" if case.product else "none",
    "details": lambda case: _yes(case.detailed),
    "tracking_no": lambda case: _yes(bool(case.turn.view.understanding.slots.tracking_no)),
    "also": lambda case: case.also,
    "mood": lambda case: case.turn.mood,
}
