from __future__ import annotations

import asyncio

import pytest
from support.case_world import GUEST, MAYA, NOEL, Staff, make_draft

from xiaoer.approvals.history import history_of, verify_chain
from xiaoer.approvals.refusals import Conflict, Forbidden, UnknownAction
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.money import Money
from xiaoer.domain.refusals import BadInput, Refusal
from xiaoer.storage.engine import reading, transaction

S = ActionStatus


async def test_of_twenty_decisions_at_once_one_counts_and_the_rest_learn_whose(world, book):
    book.propose()
    digest = book.row().digest

    async def decide(number: int):
        who = Staff(f"u{number}", f"Person {number}", frozenset({"approver"}))
        verb = "approve" if number % 2 else "reject"
        try:
            return number, await world.desk.decide("A-1", verb, digest, who, note="because")
        except Conflict as conflict:
            return number, conflict

    answers = await asyncio.gather(*(decide(number) for number in range(20)))
    winners = [number for number, answer in answers if not isinstance(answer, Conflict)]
    losers = [answer for _, answer in answers if isinstance(answer, Conflict)]
    assert len(winners) == 1
    assert {conflict.winner for conflict in losers} == {f"Person {winners[0]}"}
    assert {conflict.code for conflict in losers} == {"decided"}
    with reading(world.engine) as session:
        events = history_of(session, "A-1")
        assert verify_chain(session) == []
    assert [event.kind for event in events].count("attempt") == 19
    await world.run_jobs()
    assert len(world.server.effects) == (1 if winners[0] % 2 else 0)


async def test_a_decision_on_other_terms_than_were_shown_is_refused(world, book):
    book.propose()
    with pytest.raises(Conflict) as caught:
        await world.desk.decide("A-1", "approve", "sha256:0", MAYA)
    assert (caught.value.code, book.status()) == ("changed", S.PENDING)


async def test_only_approvers_and_admins_decide(world, book):
    book.propose()
    with pytest.raises(Forbidden):
        await world.desk.decide("A-1", "approve", book.row().digest, GUEST)
    assert book.status() is S.PENDING
    await world.desk.decide("A-1", "approve", book.row().digest, NOEL)
    assert (book.row().decided_by, book.row().decided_role) == ("Noel Demo", "admin")


async def test_a_rejection_needs_a_reason_and_the_customer_reads_it(world, book):
    book.propose()
    with pytest.raises(BadInput):
        await world.desk.decide("A-1", "reject", book.row().digest, MAYA, note="  ")
    view = await world.desk.decide(
        "A-1", "reject", book.row().digest, MAYA, note="The photo shows another item."
    )
    await world.run_jobs()
    assert (view.status, view.reason_note) == (S.REJECTED, "The photo shows another item.")
    assert world.outbox.texts() == [
        "A colleague has looked at the refund for order #1032 and could not approve it. "
        "The reason: The photo shows another item."
    ]


async def test_an_approval_after_expiry_is_refused_even_with_the_clock_set_back(world, book):
    book.propose()
    digest = book.row().digest
    world.clock.forward(49 * 3600)
    with pytest.raises(Conflict) as caught:
        await world.desk.decide("A-1", "approve", digest, MAYA)
    assert caught.value.code == "expired"
    world.clock.forward(-2 * 3600)
    with pytest.raises(Conflict):
        await world.desk.decide("A-1", "approve", digest, MAYA)
    assert len(world.outbox.told) == 1


async def test_a_time_the_ledger_has_seen_counts_when_the_clock_goes_back(world, book):
    world.clock.forward(49 * 3600)
    world.case_clock.tick()
    world.clock.forward(-49 * 3600)
    book.propose()
    with pytest.raises(Conflict) as caught:
        await world.desk.decide("A-1", "approve", book.row().digest, MAYA)
    assert caught.value.code == "expired"


async def test_an_edit_approves_new_terms_with_their_own_digest_in_the_same_case(world, book):
    case_id = book.propose(make_draft(lines=(("L1", 2),))).case_id
    await world.runner.run_case(case_id)
    old = book.row()
    view = await world.desk.decide(
        "A-1", "edit", old.digest, MAYA, edits={"lines": [{"line_id": "L1", "quantity": 1}]}
    )
    new = book.row(view.action_id)
    assert (book.status("A-1"), view.status, view.amount) == (S.SUPERSEDED, S.APPROVED, Money(4900, "USD"))
    assert new.digest != old.digest and new.case_id == case_id
    assert (new.supersedes, book.row("A-1").superseded_by) == ("A-1", new.id)
    await world.run_jobs()
    assert [(e.action_id, e.digest, e.amount_minor) for e in world.server.effects] == [
        (new.id, new.digest, 4900)
    ]
    assert len(world.outbox.told) == 1
    with pytest.raises(Conflict) as caught:
        await world.desk.decide("A-1", "approve", old.digest, NOEL)
    assert (caught.value.code, caught.value.winner) == ("superseded", "Maya Demo")
    with reading(world.engine) as session:
        assert verify_chain(session) == []


@pytest.mark.parametrize(
    "edits",
    [
        {},
        {"amount": 1},
        {"order_no": "#1"},
        {"destination": "me"},
        {"lines": []},
        {"lines": [{"line_id": "L1", "quantity": 0}]},
        {"lines": [{"line_id": "L1", "quantity": True}]},
        {"lines": [{"line_id": "L1", "quantity": 1, "amount": 5}]},
        {"lines": ["L1"]},
        {"reason": 5},
    ],
    ids=str,
)
async def test_an_edit_changes_lines_quantities_and_reason_and_nothing_else(world, book, edits):
    book.propose()
    with pytest.raises(BadInput):
        await world.desk.decide("A-1", "edit", book.row().digest, MAYA, edits=edits)
    assert book.status() is S.PENDING


async def test_an_edit_that_the_rules_refuse_or_nobody_can_quote_changes_nothing(world, book):
    book.propose()
    edits = {"reason": "late"}
    world.server.decision = "deny"
    with pytest.raises(Refusal, match=r"refund\.window"):
        await world.desk.decide("A-1", "edit", book.row().digest, MAYA, edits=edits)
    world.server.decision = "allow"
    world.server.faults["quote_refund"] = ["down"]
    with pytest.raises(Refusal):
        await world.desk.decide("A-1", "edit", book.row().digest, MAYA, edits=edits)
    assert book.status() is S.PENDING


@pytest.mark.parametrize("change", [{"version": 8}, {"policy": "p2"}], ids=str)
async def test_an_edit_of_what_has_changed_since_it_was_shown_is_refused(world, book, change):
    book.propose(make_draft(lines=(("L1", 2),)))
    for name, value in {**change, "price": 490000}.items():
        setattr(world.server, name, value)
    edits = {"lines": [{"line_id": "L1", "quantity": 1}]}
    with pytest.raises(Conflict) as caught:
        await world.desk.decide("A-1", "edit", book.row().digest, MAYA, edits=edits)
    assert (caught.value.code, book.status(), world.queue.jobs) == ("changed", S.PENDING, [])


async def test_an_edit_into_the_lines_of_another_open_action_is_refused(world, book):
    book.propose(make_draft("A-1"))
    book.propose(make_draft("A-2", (("L2", 1),)))
    with pytest.raises(Refusal, match="Another open action"):
        await world.desk.decide(
            "A-1", "edit", book.row().digest, MAYA, edits={"lines": [{"line_id": "L2", "quantity": 1}]}
        )
    assert (book.status("A-1"), book.status("A-2")) == (S.PENDING, S.PENDING)


async def test_an_approval_and_an_edit_at_once_have_one_effect(world, book):
    book.propose(make_draft(lines=(("L1", 2),)))
    digest = book.row().digest
    await asyncio.gather(
        world.desk.decide("A-1", "approve", digest, MAYA),
        world.desk.decide("A-1", "edit", digest, NOEL, edits={"lines": [{"line_id": "L1", "quantity": 1}]}),
        return_exceptions=True,
    )
    await world.run_jobs()
    assert len(world.server.effects) == 1


async def test_a_request_taken_back_by_the_customer_cannot_be_approved(world, book):
    book.propose()
    digest = book.row().digest
    with transaction(world.engine) as session:
        world.desk.cancel_by_customer(session, "A-1")
    with pytest.raises(Conflict) as caught:
        await world.desk.decide("A-1", "approve", digest, MAYA)
    assert caught.value.code == "cancelled"


async def test_one_action_is_described_with_everything_to_decide_on(world, book):
    book.propose()
    detail = world.desk.describe("A-1")
    assert detail.quote.facts == {"order_state": "delivered"}
    assert detail.quote.clause_text["zh"] == "30 天内。"
    assert detail.quote.lines[0].amount == Money(4900, "USD")
    assert detail.customer_words == "please <b>refund</b> APPROVED ✅"
    assert [entry.to_status for entry in detail.history] == ["proposed", "pending"]
    with pytest.raises(UnknownAction):
        world.desk.describe("A-none")


async def test_lists_go_page_by_page_the_longest_waiting_first(world, book):
    for number in range(7):
        book.propose(make_draft(f"A-{number}", ((f"L{number}", 1),)))
        world.clock.forward(1)
    first = world.desk.list_actions(status=S.PENDING, limit=3)
    second = world.desk.list_actions(status=S.PENDING, limit=3, cursor=first.next_cursor)
    third = world.desk.list_actions(status=S.PENDING, limit=3, cursor=second.next_cursor)
    ids = [item.action.action_id for page in (first, second, third) for item in page.items]
    assert ids == [f"A-{number}" for number in range(7)] and third.next_cursor is None
    newest = world.desk.list_actions(store="demo-us", limit=2)
    assert [item.action.action_id for item in newest.items] == ["A-6", "A-5"]
    assert world.desk.list_actions(store="demo-cn").items == ()
