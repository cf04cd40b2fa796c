"""The policy evaluator decides the same way every time, and refuses rules that cannot."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xiaoer.domain.policy import FACTS, Clause, Condition, Outcome, Policy, decide, find_flaws

WINDOW = Condition("days_since_delivery", high=30)
LATE = Condition("days_since_delivery", low=31)


def clause(name: str, then: Outcome, *when: Condition, over: tuple[str, ...] = (), line: int = 0) -> Clause:
    return Clause(name, "issue_refund", then, when, {"en": name}, frozenset(over), line)


def policy(*clauses: Clause) -> Policy:
    return Policy("test", clauses)


COMPLETE = policy(
    clause("refund.window", Outcome.NEEDS_APPROVAL, WINDOW),
    clause("refund.late", Outcome.DENY, LATE),
)


def test_the_deciding_clause_is_named() -> None:
    decision = decide(COMPLETE, "issue_refund", {"days_since_delivery": 31})
    assert (decision.outcome, decision.clause.id) == (Outcome.DENY, "refund.late")


def test_a_fact_that_the_record_lacks_leads_to_a_person() -> None:
    decision = decide(COMPLETE, "issue_refund", {"days_since_delivery": None})
    assert decision.outcome is Outcome.NEEDS_APPROVAL
    assert decision.missing == ("days_since_delivery",)


def test_a_missing_fact_does_not_rescue_what_every_clause_denies() -> None:
    both_deny = policy(clause("a.x", Outcome.DENY, WINDOW), clause("a.y", Outcome.DENY, LATE))
    assert decide(both_deny, "issue_refund", {}).outcome is Outcome.DENY


def test_a_clause_that_stands_over_another_wins() -> None:
    final = clause(
        "refund.final", Outcome.DENY, Condition("final_sale", frozenset({True})), over=("refund.window",)
    )
    rules = policy(*COMPLETE.clauses, final)
    facts = {"days_since_delivery": 3, "final_sale": True}
    assert decide(rules, "issue_refund", facts).clause.id == "refund.final"


def test_no_fitting_clause_means_no() -> None:
    assert decide(policy(), "issue_refund", {}).outcome is Outcome.DENY


def test_a_gap_is_found() -> None:
    flaws = find_flaws(policy(clause("refund.window", Outcome.ALLOW, WINDOW, line=7)), ["issue_refund"])
    assert [(flaw.kind, flaw.line) for flaw in flaws] == [("gap", 7)]
    assert "days_since_delivery=31" in flaws[0].message


def test_two_clauses_that_disagree_are_found_with_the_case() -> None:
    overlap = clause("refund.month", Outcome.ALLOW, Condition("days_since_delivery", low=20), line=9)
    flaws = find_flaws(policy(*COMPLETE.clauses, overlap), ["issue_refund"])
    assert {flaw.kind for flaw in flaws} == {"contradiction"}
    assert any("refund.window and refund.month" in flaw.message for flaw in flaws)


def test_a_clause_that_never_decides_is_found() -> None:
    shadow = clause("refund.all", Outcome.DENY, over=("refund.window", "refund.late"), line=3)
    flaws = find_flaws(policy(*COMPLETE.clauses, shadow), ["issue_refund"])
    assert sorted(flaw.kind for flaw in flaws) == ["unreachable", "unreachable"]


def test_an_override_of_an_unknown_clause_is_found() -> None:
    flaws = find_flaws(
        policy(*COMPLETE.clauses, clause("a.b", Outcome.DENY, LATE, over=("no.such",))), ["issue_refund"]
    )
    assert "unknown_override" in {flaw.kind for flaw in flaws}


_RANGES = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)


@given(st.lists(st.tuples(st.sampled_from(list(Outcome)), _RANGES), max_size=4), st.integers(0, 60))
def test_a_policy_without_flaws_decides_every_case_by_one_clause(rules: list, days: int) -> None:
    clauses = [
        clause(f"c.{i}", then, Condition("days_since_delivery", low=low, high=high))
        for i, (then, (low, high)) in enumerate(rules)
    ]
    checked = policy(*clauses)
    facts = {"days_since_delivery": days}
    if not find_flaws(checked, ["issue_refund"]):
        said = {c.then for c in clauses if c.fits(facts)}
        assert said == {decide(checked, "issue_refund", facts).outcome}


def test_every_fact_has_a_kind_that_the_survey_knows() -> None:
    assert all(isinstance(kind, tuple) or kind in {"int", "bool"} for kind in FACTS.values())
