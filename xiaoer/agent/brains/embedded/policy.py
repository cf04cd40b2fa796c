"""The shop's policy in its own words: which clauses and statements answer a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xiaoer.agent.brains.embedded import reading
from xiaoer.domain.policy import Clause, Outcome, Policy
from xiaoer.domain.stores import pick
from xiaoer.prompts.schema import Match

STATEMENTS_TOLD = 2
_CLAUSES_OF = {"return": "create_return_label", "refund": "issue_refund"}
_RULE_FACTS = {"days_since_delivery", "final_sale", "reason"}


@dataclass(frozen=True, slots=True)
class Told:
    """A statement or clause that answers a question, with its id for citing."""

    id: str
    text: str
    fit: int


def tell_policy(
    policy: Policy, topics: Sequence[str], question: str, lang: str, match: Match
) -> tuple[Told, ...]:
    """The policy's own words on the question, best first; without a fit, those on its topic."""
    rules = _rules(policy, topics)
    open_, shut = ([c for c in rules if (c.then is Outcome.DENY) is denied] for denied in (False, True))
    stated = [s for s in policy.statements if s.topic in topics]
    texts = (
        [(c.id, c.text) for c in open_] + [(s.id, s.text) for s in stated] + [(c.id, c.text) for c in shut]
    )
    asked = reading.telling(question, match)
    told = []
    for told_id, by_language in texts:
        text = pick(by_language, lang)
        told.append(Told(told_id, text, len(asked & reading.telling(text, match))))
    fitting = sorted((t for t in told if t.fit), key=lambda t: -t.fit)
    best = [t for t in fitting if t.fit * 2 >= fitting[0].fit]
    return tuple((best or _general(told, {s.id for s in stated}))[:STATEMENTS_TOLD])


def _rules(policy: Policy, topics: Sequence[str]) -> list[Clause]:
    """The clauses that read as rules: time limits and reasons, one of a kind; not verdicts on one record."""
    tools = [_CLAUSES_OF[topic] for topic in topics if topic in _CLAUSES_OF]
    kinds: dict[tuple[object, ...], Clause] = {}
    for tool in tools:
        for clause in policy.for_tool(tool):
            facts = {condition.fact for condition in clause.when}
            if facts & _RULE_FACTS:
                kinds.setdefault((frozenset(facts), clause.then), clause)
    # Time limits are what is asked for first; a clause for one reason only comes behind them.
    return sorted(
        kinds.values(), key=lambda clause: all(c.fact != "days_since_delivery" for c in clause.when)
    )


def _general(told: Sequence[Told], stated: set[str]) -> list[Told]:
    """The first rule and the first statement, before everything else."""
    rule = next((t for t in told if t.id not in stated), None)
    how = next((t for t in told if t.id in stated), None)
    first = [t for t in (rule, how) if t is not None]
    return [*first, *(t for t in told if t not in first)]
