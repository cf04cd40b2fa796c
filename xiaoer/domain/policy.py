"""The shop's rules as data: deterministic, checked for gaps, contradictions and dead clauses.

A policy is a set of clauses, not a ladder. A clause says for one tool under which facts it
decides, and what. Where two clauses fit the same facts and disagree, one must name the other
in `over`; anything else is a contradiction and is refused when the store is loaded. A fact that
the record lacks makes every clause that asks for it uncertain, and an uncertain clause can only
lead to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import Any

from xiaoer.domain.amendments import OFFERS
from xiaoer.domain.changes import INTERCEPTIONS
from xiaoer.domain.orders import RETURN_STATES, OrderState
from xiaoer.domain.parcels import Interception, Verdict


class Outcome(StrEnum):
    ALLOW = "allow"
    NEEDS_APPROVAL = "needs_approval"
    DENY = "deny"


REASONS = ("changed_mind", "damaged_or_wrong", "not_received", "late", "other")
_ORDER_STATES = tuple(state.value for state in OrderState)
_PARCELS = ("none", *(verdict.value for verdict in Verdict))

# What a clause may ask for. Enumerations name their values; "int" counts from zero; "bool" is yes or no.
FACTS: dict[str, tuple[str, ...] | str] = {
    "order_state": _ORDER_STATES,
    "reason": REASONS,
    "parcel": _PARCELS,  # the worst verdict among the parcels that hold the lines
    "days_since_delivery": "int",
    "days_since_order": "int",
    "amount_minor": "int",
    "identity": "int",
    "coupons_90d": "int",
    "final_sale": "bool",
    "open_quantity": "bool",  # the lines are not refunded, cancelled or on their way back already
    "returned": "bool",  # a refund: these lines have come back to the shop
    "arrived": "bool",  # an exchange: the lines have been delivered
    "unshipped_lines": "bool",  # nothing of the lines was sent, refunded or cancelled
    "offer": OFFERS,  # what is wanted instead of the lines, against the catalogue
    "country_changed": "bool",  # goods would go to another country
    "recipient_changed": "bool",  # … or to another name or phone
    "payment": ("unknown", "same", "other"),  # what the record knows of the method that is wanted
    "return_status": RETURN_STATES,
    "pickup_booked": "bool",
    "days_ahead": "int",  # until the courier is to come
    "interception": tuple(state.value for state in Interception),  # whether the parcel is being stopped
    "interception_kind": INTERCEPTIONS,
}

# The tools that a store's policy must answer for.
GOVERNED_TOOLS = (
    "cancel_order",
    "create_return_label",
    "issue_refund",
    "issue_coupon",
    "change_address",
    "change_items",
    "change_payment",
    "exchange_items",
    "book_pickup",
    "intercept_parcel",
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One fact and the values that fit: an explicit set, or a closed range of integers."""

    fact: str
    values: frozenset[Any] = frozenset()
    low: int | None = None
    high: int | None = None

    def fits(self, value: Any) -> bool:
        if self.values:
            return value in self.values
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Clause:
    id: str
    tool: str
    then: Outcome
    when: tuple[Condition, ...]
    text: Mapping[str, str]  # by language, as a customer may read it
    over: frozenset[str] = frozenset()
    line: int = 0

    def fits(self, facts: Mapping[str, Any]) -> bool | None:
        """True, False, or None when a fact it needs is missing from the record."""
        uncertain = False
        for condition in self.when:
            value = facts.get(condition.fact)
            if value is None:
                uncertain = True
            elif not condition.fits(value):
                return False
        return None if uncertain else True


@dataclass(frozen=True, slots=True)
class Statement:
    """A rule that is only told, never decided by: shipping times, who pays for a return."""

    id: str
    topic: str  # "shipping" | "return" | "refund" | "cancel" | …
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Policy:
    version: str  # the author's name for it plus a hash of the clauses
    clauses: tuple[Clause, ...]
    statements: tuple[Statement, ...] = ()

    def for_tool(self, tool: str) -> tuple[Clause, ...]:
        return tuple(clause for clause in self.clauses if clause.tool == tool)


@dataclass(frozen=True, slots=True)
class Decision:
    outcome: Outcome
    clause: Clause
    missing: tuple[str, ...] = ()  # facts the record lacks and the clause needs


NO_CLAUSE = Clause(
    "none", "*", Outcome.DENY, (), {"en": "No rule covers this.", "zh": "没有规则覆盖这种情况。"}
)


def decide(policy: Policy, tool: str, facts: Mapping[str, Any]) -> Decision:
    """The decision and the clause that made it; with no fitting clause the answer is no."""
    sure, unsure = [], []
    for clause in policy.for_tool(tool):
        fit = clause.fits(facts)
        if fit:
            sure.append(clause)
        elif fit is None:
            unsure.append(clause)
    sure = _not_overridden(sure)
    beaten = {over for clause in sure for over in clause.over}
    unsure = [clause for clause in unsure if clause.id not in beaten]
    if not unsure:
        return Decision(sure[0].then, sure[0]) if sure else Decision(Outcome.DENY, NO_CLAUSE)
    if all(clause.then is Outcome.DENY for clause in (*sure, *unsure)):
        return Decision(Outcome.DENY, (*sure, *unsure)[0])
    missing = sorted({c.fact for clause in unsure for c in clause.when if facts.get(c.fact) is None})
    return Decision(Outcome.NEEDS_APPROVAL, unsure[0], tuple(missing))


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a policy is refused, at which line of the store's file."""

    kind: str  # "gap" | "contradiction" | "unreachable" | "unknown_override"
    message: str
    line: int


@dataclass(slots=True)
class _Survey:
    deciding: set[str] = field(default_factory=set)
    flaws: dict[tuple[str, ...], Flaw] = field(default_factory=dict)


def find_flaws(policy: Policy, tools: Iterable[str] = GOVERNED_TOOLS) -> list[Flaw]:
    """Every gap, contradiction and dead clause, found by walking all distinguishable cases."""
    flaws: list[Flaw] = []
    for tool in tools:
        flaws += _survey_tool(tool, policy.for_tool(tool))
    return flaws


def _survey_tool(tool: str, clauses: Sequence[Clause]) -> list[Flaw]:
    if not clauses:
        return [Flaw("gap", f"{tool}: no clause decides it", 0)]
    flaws = _unknown_overrides(clauses)
    survey = _Survey()
    for case in _cases(clauses):
        _visit(tool, case, clauses, survey)
    flaws += survey.flaws.values()
    flaws += [
        Flaw("unreachable", f"{tool}: clause {clause.id} never decides anything", clause.line)
        for clause in clauses
        if clause.id not in survey.deciding
    ]
    return flaws


def _visit(tool: str, case: Mapping[str, Any], clauses: Sequence[Clause], survey: _Survey) -> None:
    fitting = _not_overridden([clause for clause in clauses if clause.fits(case)])
    said = ", ".join(f"{fact}={value}" for fact, value in sorted(case.items()))
    if not fitting:
        survey.flaws.setdefault(
            ("gap",), Flaw("gap", f"{tool}: no clause decides the case {said}", clauses[0].line)
        )
        return
    survey.deciding.update(clause.id for clause in fitting)
    for other in fitting[1:]:
        if other.then is not fitting[0].then:
            pair = (fitting[0].id, other.id)
            message = f"{tool}: clauses {pair[0]} and {pair[1]} disagree in the case {said}; let one name the other in `over`"
            survey.flaws.setdefault(pair, Flaw("contradiction", message, other.line))


def _unknown_overrides(clauses: Sequence[Clause]) -> list[Flaw]:
    known = {clause.id for clause in clauses}
    return [
        Flaw(
            "unknown_override",
            f"clause {clause.id} stands over {name}, which its tool does not have",
            clause.line,
        )
        for clause in clauses
        for name in sorted(clause.over - known)
    ]


def _not_overridden(clauses: list[Clause]) -> list[Clause]:
    beaten = {over for clause in clauses for over in clause.over}
    return [clause for clause in clauses if clause.id not in beaten]


def _cases(clauses: Sequence[Clause]) -> Iterator[dict[str, Any]]:
    """One representative per region that the clauses can tell apart."""
    facts = sorted({condition.fact for clause in clauses for condition in clause.when})
    axes = [_representatives(fact, clauses) for fact in facts]
    for values in product(*axes):
        yield dict(zip(facts, values, strict=True))


def _representatives(fact: str, clauses: Sequence[Clause]) -> tuple[Any, ...]:
    kind = FACTS[fact]
    if kind == "bool":
        return (False, True)
    if isinstance(kind, tuple):
        return kind
    edges = {0}
    for clause in clauses:
        for condition in clause.when:
            if condition.fact == fact:
                edges.update(condition.values)
                edges.update(value + 1 for value in condition.values)
                edges.add(condition.low or 0)
                edges.update(() if condition.high is None else (condition.high + 1,))
    return tuple(sorted(edges))
