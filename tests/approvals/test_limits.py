"""Daily limits, two people for large amounts, and the stop when too much moves at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from support.case_world import MAYA, NOEL, PRICE, Staff, make_draft

from xiaoer.approvals.history import history_of, verify_chain
from xiaoer.approvals.hooks import LedgerHooks
from xiaoer.approvals.limits import OverLimit
from xiaoer.approvals.refusals import Conflict
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.limits import Limits
from xiaoer.domain.stores import Store
from xiaoer.storage.engine import reading, transaction
from xiaoer.stores.loader import load_stores

S = ActionStatus


def ask(book, number: int, **draft) -> str:
    """A request for one item of an order of its own."""
    book.propose(make_draft(f"A-{number}", order_no=f"#{number}", **draft))
    return f"A-{number}"


async def decide(world, book, action_id, who, decision="approve", **more):
    return await world.desk.decide(action_id, decision, book.row(action_id).digest, who, **more)


@pytest.mark.parametrize("whose", ["customer_day", "approver_day", "store_day"])
async def test_what_would_pass_a_daily_limit_is_refused_with_the_figures_and_stays_open(world, book, whose):
    world.limits = Limits(**{whose: 2 * PRICE})
    for number in (1, 2):
        await decide(world, book, ask(book, number), MAYA)
    third = ask(book, 3)

    with pytest.raises(OverLimit, match=r"limit of \$98\.00 in 24 hours.*\$98\.00 has been approved already"):
        await decide(world, book, third, MAYA)

    assert book.status(third) is S.PENDING
    with reading(world.engine) as session:
        assert [e.note for e in history_of(session, third) if e.kind == "attempt"] == [
            "approve refused: over_limit"
        ]
    await decide(world, book, third, MAYA, "reject", note="Too much for one day.")
    assert book.status(third) is S.REJECTED


async def test_limits_count_each_customer_and_each_person_apart_and_forget_after_a_day(world, book):
    world.limits = Limits(customer_day=PRICE, approver_day=2 * PRICE)
    await decide(world, book, ask(book, 1), MAYA)
    await decide(world, book, ask(book, 2, customer_ref="K-2"), MAYA)
    with pytest.raises(OverLimit, match="for you"):
        await decide(world, book, ask(book, 3, customer_ref="K-3"), MAYA)
    await decide(world, book, "A-3", NOEL)
    with pytest.raises(OverLimit, match="for this customer"):
        await decide(world, book, ask(book, 4), NOEL)

    world.clock.forward(24 * 3600 + 1)

    await decide(world, book, "A-4", MAYA)
    assert book.status("A-4") is S.APPROVED


async def test_what_moved_no_money_is_not_counted(world, book):
    world.limits = Limits(store_day=PRICE)
    await decide(world, book, ask(book, 1), MAYA)
    world.server.faults["issue_refund"] = ["refused"]
    await world.run_jobs()
    assert book.status("A-1") is S.FAILED

    await decide(world, book, ask(book, 2), MAYA)

    assert book.status("A-2") is S.APPROVED


async def test_approvals_at_the_same_moment_cannot_pass_the_limit_together(world, book):
    world.limits = Limits(store_day=3 * PRICE)
    actions = [ask(book, number) for number in range(1, 11)]

    async def approve(number: int, action_id: str) -> bool:
        who = Staff(f"u{number}", f"Person {number}", frozenset({"approver"}))
        try:
            await decide(world, book, action_id, who)
        except OverLimit:
            return False
        return True

    won = await asyncio.gather(*(approve(number, action) for number, action in enumerate(actions)))

    assert sum(won) == 3
    await world.run_jobs()
    assert len(world.server.effects) == 3


async def test_a_large_amount_needs_two_different_people(world, book):
    world.limits = Limits(four_eyes_above=PRICE - 1)
    action = ask(book, 1)

    view = await decide(world, book, action, MAYA)
    assert (view.status, book.status(action)) == (S.PENDING, S.PENDING)
    await world.run_jobs()
    assert world.server.effects == []
    with pytest.raises(Conflict, match="second person") as caught:
        await decide(world, book, action, MAYA)
    assert caught.value.code == "second_needed"

    view = await decide(world, book, action, NOEL)
    assert view.status is S.APPROVED
    await world.run_jobs()

    assert book.status(action) is S.SUCCEEDED
    assert len(world.server.effects) == 1
    with reading(world.engine) as session:
        assert "Maya Demo agrees; a second person has to agree too" in [
            e.note for e in history_of(session, action)
        ]
        assert verify_chain(session) == []


async def test_one_of_the_two_may_still_reject(world, book):
    world.limits = Limits(four_eyes_above=0)
    action = ask(book, 1)
    await decide(world, book, action, MAYA)

    await decide(world, book, action, NOEL, "reject", note="The parcel is on its way.")

    await world.run_jobs()
    assert (book.status(action), world.server.effects) == (S.REJECTED, [])


async def test_an_amount_at_the_limit_needs_one_person(world, book):
    world.limits = Limits(four_eyes_above=PRICE)

    await decide(world, book, ask(book, 1), MAYA)

    assert book.status("A-1") is S.APPROVED


async def test_an_edit_does_not_slip_past_the_limits(world, book):
    world.limits = Limits(store_day=2 * PRICE)
    await decide(world, book, ask(book, 1), MAYA)
    action = ask(book, 2, lines=(("L1", 1), ("L2", 2)))
    edits = {"lines": [{"line_id": "L2", "quantity": 2}]}

    with pytest.raises(OverLimit):
        await decide(world, book, action, MAYA, "edit", edits=edits)

    assert book.status(action) is S.PENDING


async def test_nothing_runs_for_a_person_who_has_lost_the_right_meanwhile(world, book):
    await decide(world, book, ask(book, 1), MAYA)
    world.gone.add(MAYA.id)

    await world.run_jobs()

    assert (book.status("A-1"), world.server.effects) == (S.FAILED, [])
    assert "no money has moved" in world.outbox.texts()[0]


async def test_nothing_runs_that_would_need_two_by_now(world, book):
    await decide(world, book, ask(book, 1), MAYA)
    world.limits = Limits(four_eyes_above=0)

    await world.run_jobs()

    assert (book.status("A-1"), world.server.effects) == (S.FAILED, [])


async def test_too_many_executions_stop_the_money_and_lose_nothing(world, book):
    world.limits = Limits(velocity_actions=3, velocity_minutes=10)
    for number in range(1, 6):
        await decide(world, book, ask(book, number), MAYA)

    await world.run_jobs()

    assert len(world.server.effects) == 3
    assert world.paused == {"demo-us"}
    assert [book.status(f"A-{n}") for n in (4, 5)] == [S.APPROVED, S.APPROVED]

    world.paused.clear()
    world.clock.forward(601)
    await world.settle(30)
    assert len(world.server.effects) == 5


async def test_a_rule_approves_only_within_the_limits(world, book):
    shop = replace(load_stores()["demo-us"], rules_may_approve=True)

    def by_rule(store: Store, number: int) -> str:
        hooks = LedgerHooks({"demo-us": store}, world.clock)
        draft = make_draft(f"A-{number}", order_no=f"#{number}", decision="allow")
        with transaction(world.engine) as session:
            return hooks.propose(session, draft, S.APPROVED)[1]

    within = replace(shop, limits=Limits(store_day=PRICE))
    assert by_rule(within, 1) == S.APPROVED
    assert by_rule(within, 2) == S.PENDING
    assert by_rule(replace(shop, limits=Limits(four_eyes_above=1)), 3) == S.PENDING


async def test_what_a_rule_approved_waits_for_nobody_but_runs_only_while_the_rule_allows_it(world, book):
    world.server.decision = "allow"
    case = book.propose(make_draft("A-1", decision="allow"), S.APPROVED).case_id
    world.server.decision = "needs_approval"

    await world.runner.run_case(case)

    assert (book.status("A-1"), world.server.effects) == (S.SUPERSEDED, [])
