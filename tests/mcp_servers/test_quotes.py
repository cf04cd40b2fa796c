"""What a quote says of the demo orders: facts from the record, the clause, the amount."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.servers import NOW, STORES, US, Answer, World, ask

from xiaoer.domain.identity import Level
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Line, Order, OrderState
from xiaoer.domain.parcels import Parcel, ParcelState
from xiaoer.domain.policy import FACTS, GOVERNED_TOOLS, Clause, Outcome, Policy, decide
from xiaoer.domain.refusals import OverLimit
from xiaoer.mcp_servers.quotes import WORTH, free_quantity, make_quote
from xiaoer.mcp_servers.worth import Wish

USD = "USD"


async def _quote(world: World, order_no: str, reason: str = "changed_mind", **more: Any) -> Answer:
    order = world.platform.get_order(US, None, order_no)
    assert order is not None
    lines = more.pop("lines", [{"line_id": order.lines[0].line_id, "quantity": 1}])
    args = {"order_no": order_no, "lines": lines, "reason": reason}
    server, tool = more.pop("by", ("refunds", "quote_refund"))
    return await ask(world.servers[server], tool, args, world.context(world.customer(order_no)))


@pytest.mark.parametrize(
    ("order_no", "reason", "clause", "parcel"),
    [
        ("#1001", "changed_mind", "refund.unshipped", "none"),
        ("#1002", "late", "refund.moving", "on_its_way"),
        ("#1003", "late", "refund.moving", "out_for_delivery"),
        ("#1032", "changed_mind", "refund.window", "delivered"),
        ("#1032", "damaged_or_wrong", "refund.damaged", "delivered"),
        ("#1005", "not_received", "refund.not_received", "delivered"),
        ("#1006", "late", "refund.lost", "stuck"),
        ("#1007", "late", "refund.moving", "customs_held"),
        ("#1008", "late", "refund.lost", "number_unknown"),
        ("#1010", "late", "refund.going_back", "going_back"),
        ("#1013", "changed_mind", "refund.late", "delivered"),
        ("#1032", "my cat did not like it", "refund.window", "delivered"),
    ],
)
async def test_the_demo_orders_meet_the_clause_that_was_written_for_them(
    world: World, order_no: str, reason: str, clause: str, parcel: str
) -> None:
    said = (await _quote(world, order_no, reason)).data
    assert (said["clause_id"], said["facts"]["parcel"]) == (clause, parcel)
    wanted = next(c for c in STORES[US].policy.clauses if c.id == clause)
    assert said["decision"] == wanted.then.value
    assert said["clause_text"]["zh"] == wanted.text["zh"]
    assert said["policy_version"] == STORES[US].policy.version
    assert set(said["facts"]) == set(FACTS)


async def test_a_cancelled_order_is_not_refunded_again(world: World) -> None:
    said = (await _quote(world, "#1011")).data
    assert (said["decision"], said["amount"]["amount_minor"]) == ("deny", 0)
    assert said["facts"]["open_quantity"] is False


async def test_an_unknown_reason_counts_as_other(world: World) -> None:
    assert (await _quote(world, "#1032", "because")).data["facts"]["reason"] == "other"


async def test_more_than_was_bought_and_lines_of_others_are_refused(world: World) -> None:
    too_much = await _quote(world, "#1032", lines=[{"line_id": _line(world, "#1032"), "quantity": 900}])
    assert too_much.code == "over_limit"
    foreign = await _quote(world, "#1032", lines=[{"line_id": "L-NONE", "quantity": 1}])
    assert foreign.code == "invalid"


async def test_a_return_label_costs_the_customer_nothing_and_goes_to_the_contact_on_file(
    world: World,
) -> None:
    said = (await _quote(world, "#1032", by=("returns", "check_return"))).data
    assert (said["tool"], said["amount"]) == ("create_return_label", None)
    assert said["facts"]["amount_minor"] > 0
    assert said["destination"] == "contact on file"


async def test_a_cancellation_gives_back_everything_that_was_paid(world: World) -> None:
    meta = world.context(world.customer("#1001"))
    args = {"order_no": "#1001", "reason": "changed_mind"}
    said = (await ask(world.servers["orders"], "quote_cancel", args, meta)).data
    order = world.platform.get_order(US, None, "#1001")
    assert order is not None
    assert said["amount"]["amount_minor"] == order.payments[0].amount.amount_minor
    assert said["destination"] == order.payments[0].method
    assert said["clause_id"] == "cancel.unshipped"


def _line(world: World, order_no: str) -> str:
    order = world.platform.get_order(US, None, order_no)
    assert order is not None
    return order.lines[0].line_id


def _order(**changes: Any) -> Order:
    line = Line("L1", "S1", "P1", "Lamp", (), 2, Money(1000, USD), shipped_quantity=2)
    base = Order("#1", OrderState.DELIVERED, USD, (line,), Money(2000, USD), Money(0, USD), 1)
    return replace(base, **changes)


def _parcel(state: ParcelState) -> Parcel:
    return Parcel(f"T-{state.value}", "ups", "UPS", state, shipped_at=NOW)


def test_the_worst_parcel_counts_even_when_another_has_arrived(world: World) -> None:
    order = _order(parcels=(_parcel(ParcelState.DELIVERED), _parcel(ParcelState.NUMBER_UNKNOWN)))
    quote = make_quote(world.deps, STORES[US], order, Wish("issue_refund", (("L1", 1),)))
    assert quote.facts["parcel"] == "number_unknown"


def test_a_record_without_dates_leads_to_a_person_and_names_what_is_missing(world: World) -> None:
    quote = make_quote(world.deps, STORES[US], _order(), Wish("issue_refund", (("L1", 1),)))
    assert quote.decision == "needs_approval"
    assert quote.missing == ("days_since_delivery",)


@pytest.mark.parametrize(("days", "decision"), [(0, "needs_approval"), (30, "needs_approval"), (31, "deny")])
def test_the_window_is_counted_in_whole_days_since_delivery(world: World, days: int, decision: str) -> None:
    order = _order(delivered_at=NOW - timedelta(days=days, hours=3))
    quote = make_quote(world.deps, STORES[US], order, Wish("issue_refund", (("L1", 1),)))
    assert quote.decision == decision


@pytest.mark.parametrize(("rules", "decision"), [(False, "needs_approval"), (True, "allow")])
def test_a_rule_approves_only_where_the_store_lets_rules_approve(
    world: World, rules: bool, decision: str
) -> None:
    clause = Clause("refund.small", "issue_refund", Outcome.ALLOW, (), {"en": "Small refunds."})
    store = replace(STORES[US], rules_may_approve=rules, policy=Policy("v1", (clause,)))
    quote = make_quote(world.deps, store, _order(), Wish("issue_refund", (("L1", 1),), level=Level.ORDER))
    assert (quote.decision, quote.clause_id) == (decision, "refund.small")


counts = st.integers(0, 4)


@given(
    quantity=st.integers(1, 4), refunded=counts, returning=counts, cancelled=counts, asked=st.integers(1, 6)
)
@settings(max_examples=200, deadline=None)
def test_a_quote_never_gives_more_than_is_left(
    quantity: int, refunded: int, returning: int, cancelled: int, asked: int
) -> None:
    line = Line(
        "L1", "S1", "P1", "Lamp", (), quantity, Money(700, USD), None, 0, refunded, returning, cancelled
    )
    order = _order(lines=(line,))
    try:
        worth = WORTH["issue_refund"](STORES[US], order, Wish("issue_refund", (("L1", asked),)))
    except OverLimit:
        assert asked > quantity
        return
    assert worth.amount is not None
    assert 0 <= worth.amount.amount_minor <= 700 * max(0, quantity - refunded)
    assert 0 <= free_quantity(line) <= quantity


@given(facts=st.fixed_dictionaries({"order_state": st.sampled_from([s.value for s in OrderState])}))
def test_facts_that_are_all_missing_never_allow(facts: dict[str, str]) -> None:
    for tool in GOVERNED_TOOLS:
        assert decide(STORES[US].policy, tool, facts).outcome is not Outcome.ALLOW
