"""Cases from proposal to receipt, on both databases with the savers that ship."""

from __future__ import annotations

import asyncio

import pytest
from langgraph.types import Command
from support.case_world import MAYA, make_draft

from xiaoer.approvals.history import verify_chain
from xiaoer.approvals.tables import CaseRow
from xiaoer.domain.actions import ActionStatus
from xiaoer.storage.engine import reading

S = ActionStatus


async def approved(world, book, **draft):
    """A case that waited for a person and has just been approved, its wake still in the queue."""
    case_id = book.propose(make_draft(**draft)).case_id
    await world.runner.run_case(case_id)
    await book.approve()
    return case_id


def whole(world) -> bool:
    with reading(world.engine) as session:
        return verify_chain(session) == []


async def test_a_refund_waits_for_a_person_happens_once_and_is_told_once(world, book):
    case_id = book.propose().case_id
    await world.runner.run_case(case_id)
    assert (book.status(), world.server.effects) == (S.PENDING, [])
    await book.approve()
    await world.run_jobs()
    row = book.row()
    assert (row.status, row.receipt["reference"], row.told) == ("succeeded", "RF-1", "succeeded")
    assert len(world.server.effects) == 1
    assert [effect.digest for effect in world.server.effects] == [row.digest]
    assert world.outbox.texts() == [
        "The refund for order #1032 is done. $49.00 has been refunded. "
        "It went back to: Visa ···· 0142. Your reference is RF-1."
    ]
    with reading(world.engine) as session:
        assert session.get(CaseRow, case_id).state == "closed"
    assert whole(world)


async def test_the_grant_is_written_down_before_it_is_used(world, book, monkeypatch):
    await approved(world, book)
    seen = []
    execute = world.server.execute

    async def watch(server, tool, args, meta, seconds):
        with world.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT tool, audience FROM issued_grant").all()
        seen.append((tool, (tool, server) in [tuple(row) for row in rows]))
        return await execute(server, tool, args, meta, seconds)

    world.server.execute = watch
    world.restart()
    await world.run_jobs()
    assert seen == [("quote_refund", True), ("issue_refund", True), ("get_effect", True)]


async def test_wakes_without_reason_and_resume_values_change_nothing(world, book):
    case_id = book.propose().case_id
    for _ in range(3):
        await world.runner.run_case(case_id)
    graph, context = world.runner._graph, world.runner._context
    config = {"configurable": {"thread_id": case_id}}
    for value in (True, "approve", {"decision": "approve"}):
        await graph.ainvoke(Command(resume=value), config, context=context, durability="sync")
        await graph.ainvoke(None, config, context=context, durability="sync")
    assert (book.status(), world.server.calls) == (S.PENDING, {})
    await book.approve()
    for _ in range(3):
        await world.runner.run_case(case_id)
    assert (book.status(), len(world.server.effects), len(world.outbox.told)) == (S.SUCCEEDED, 1, 1)


async def test_many_runs_at_once_and_in_two_processes_have_one_effect(world, book):
    case_id = await approved(world, book)
    first = world.runner
    world.restart()  # a second process: other locks, same database
    await asyncio.gather(*(runner.run_case(case_id) for runner in (first, world.runner) for _ in range(5)))
    await world.settle(120)
    assert (book.status(), len(world.server.effects), len(world.outbox.told)) == (S.SUCCEEDED, 1, 1)


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [("timeout_after", 1), ("timeout", 2), ("late", 2), ("garbage", 2), ("grant_expired", 2)],
)
async def test_an_answer_that_is_lost_is_looked_up_before_anything_else(world, book, fault, attempts):
    await approved(world, book)
    world.server.faults["issue_refund"] = [fault]
    await world.run_jobs()
    await world.settle(120)
    row = book.row()
    assert (row.status, len(world.server.effects), row.attempts) == ("succeeded", 1, attempts)
    assert whole(world)


async def test_a_call_that_arrives_late_with_a_live_grant_is_found_and_not_repeated(world, book):
    await approved(world, book)
    world.server.faults["issue_refund"] = ["late"]
    await world.run_jobs()
    assert book.status() is S.UNKNOWN
    world.clock.forward(50)
    world.server.deliver_late()
    await world.settle(120)
    assert (book.status(), len(world.server.effects), book.row().attempts) == (S.SUCCEEDED, 1, 1)


async def test_after_three_lost_calls_that_did_nothing_it_has_failed(world, book):
    await approved(world, book)
    world.server.faults["issue_refund"] = ["timeout"] * 9
    await world.run_jobs()
    await world.settle(400)
    assert (book.status(), world.server.calls["issue_refund"], world.server.effects) == (S.FAILED, 3, [])
    assert "did not go through" in world.outbox.texts()[-1]


async def test_a_definite_refusal_is_told_as_it_is(world, book):
    await approved(world, book, language="zh")
    world.server.faults["issue_refund"] = ["refused"]
    await world.run_jobs()
    assert (book.status(), world.server.effects) == (S.FAILED, [])
    assert world.outbox.texts() == [
        "很抱歉，订单 #1032 的退款没有办成，款项没有变动。同事会继续跟进（A-1）。"
    ]


async def test_without_a_read_back_it_stays_unknown_says_so_once_and_ends_when_the_server_is_back(
    world, book
):
    await approved(world, book)
    world.server.faults["issue_refund"] = ["timeout_after"]
    world.server.faults["get_effect"] = ["down", "garbage", "timeout", "down"]
    await world.run_jobs()
    assert book.status() is S.UNKNOWN
    await world.settle(20)
    assert book.status() is S.UNKNOWN
    assert "still checking" in world.outbox.texts()[0]
    await world.settle(120)
    assert (book.status(), len(world.server.effects), len(world.outbox.told)) == (S.SUCCEEDED, 1, 2)


async def test_a_success_that_cannot_be_read_back_is_not_believed_yet(world, book):
    await approved(world, book)
    world.server.faults["get_effect"] = ["down"]
    await world.run_jobs()
    row = book.row()
    assert row.receipt is None or row.status == "succeeded"
    await world.settle(60)
    assert (book.status(), len(world.server.effects), book.row().attempts) == (S.SUCCEEDED, 1, 1)


async def test_an_effect_that_is_not_the_approved_one_waits_for_a_person(world, book):
    await approved(world, book)
    execute = world.server.execute

    async def lie(server, tool, args, meta, seconds):
        result = await execute(server, tool, args, meta, seconds)
        if tool == "get_effect" and result.data["found"]:
            result.data["receipt"] = {**result.data["receipt"], "destination": "somebody else"}
        return result

    world.server.execute = lie
    world.restart()
    await world.run_jobs()
    await world.settle(120)
    row = book.row()
    assert (row.status, len(world.server.effects)) == ("unknown", 1)
    assert "destination" in row.last_error


@pytest.mark.parametrize(
    "change", [{"version": 8}, {"policy": "p2"}, {"price": 4800}, {"decision": "deny"}], ids=str
)
async def test_what_changed_since_the_approval_is_never_run(world, book, change):
    await approved(world, book)
    for name, value in change.items():
        setattr(world.server, name, value)
    await world.run_jobs()
    assert (book.status(), world.server.calls["issue_refund"]) == (S.SUPERSEDED, 0)
    assert "Order #1032 has changed" in world.outbox.texts()[0]
    assert "looked at again" in world.outbox.texts()[0]


async def test_a_change_between_quote_and_call_is_refused_by_the_server_and_told_as_a_change(world, book):
    await approved(world, book)
    world.server.faults["issue_refund"] = ["order_changed"]
    await world.run_jobs()
    assert (book.status(), world.server.effects) == (S.FAILED, [])
    assert "has changed" in world.outbox.texts()[0]


async def test_while_the_quote_cannot_be_had_it_stays_approved_and_is_tried_again(world, book):
    await approved(world, book)
    world.server.faults["quote_refund"] = ["down", "timeout", "garbage"]
    await world.run_jobs()
    assert (book.status(), world.server.calls["issue_refund"]) == (S.APPROVED, 0)
    await world.settle(60)
    assert (book.status(), len(world.server.effects)) == (S.SUCCEEDED, 1)


async def test_paused_money_waits_and_goes_on_when_resumed(world, book):
    await approved(world, book)
    world.paused.add("demo-us")
    await world.run_jobs()
    await world.settle(60)
    assert (book.status(), world.server.calls) == (S.APPROVED, {})
    world.paused.clear()
    await world.settle(30)
    assert (book.status(), len(world.server.effects)) == (S.SUCCEEDED, 1)


async def test_money_paused_during_the_quote_still_stops_it(world, book):
    await approved(world, book)
    execute = world.server.execute

    async def pause_meanwhile(server, tool, args, meta, seconds):
        world.paused.add("demo-us")
        return await execute(server, tool, args, meta, seconds)

    world.server.execute = pause_meanwhile
    world.restart()
    await world.run_jobs()
    assert (book.status(), world.server.calls["issue_refund"]) == (S.APPROVED, 0)


async def test_an_approval_that_expires_unexecuted_never_runs(world, book):
    case_id = await approved(world, book)
    world.clock.forward(49 * 3600)
    await world.runner.run_case(case_id)
    assert (book.status(), world.server.calls["issue_refund"]) == (S.EXPIRED, 0)
    world.clock.forward(-49 * 3600)
    await world.settle(60)
    assert (book.status(), world.server.effects) == (S.EXPIRED, [])


async def test_what_nobody_decided_expires_and_the_customer_hears_it(world, book):
    case_id = book.propose().case_id
    await world.runner.run_case(case_id)
    world.clock.forward(49 * 3600)
    assert world.case_clock.tick() == (case_id,)
    await world.run_jobs()
    assert book.status() is S.EXPIRED
    assert "has lapsed" in world.outbox.texts()[0]


async def test_a_run_that_comes_as_another_ends_waits_behind_those_that_wait(small_world, monkeypatch):
    running, most = 0, 0

    async def run(case_id: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1

    runner = small_world.runner
    monkeypatch.setattr(runner, "_run", run)
    first, second = (asyncio.create_task(runner.run_case("CASE-1")) for _ in range(2))
    await first
    await asyncio.gather(second, runner.run_case("CASE-1"))
    assert most == 1


async def test_a_row_changed_behind_our_back_is_never_executed(world, book):
    await approved(world, book)
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE action SET nonce = 'another'")
    await world.run_jobs()
    assert (book.status(), world.server.calls["issue_refund"]) == (S.FAILED, 0)


async def test_an_execution_left_by_a_dead_process_is_looked_up_at_the_next_start(world, book):
    case_id = await approved(world, book)
    world.queue.jobs.clear()
    await world.runner._context.write(
        lambda session: __import__("xiaoer.approvals.executor", fromlist=["x"])._claim(
            world.runner._context, session, "A-1"
        )
    )
    await world.runner.run_case(case_id)
    assert book.status() is S.EXECUTING  # the lease is alive: somebody may be at it
    world.restart()
    assert world.case_clock.recover() == (case_id,)
    await world.run_jobs()
    assert (book.status(), len(world.server.effects)) == (S.SUCCEEDED, 1)


async def test_a_zombie_cannot_sign_for_an_attempt_that_was_declared_dead(world, book):
    from xiaoer.approvals import executor

    await approved(world, book)
    context = world.runner._context
    _, fence = await context.write(lambda session: executor._claim(context, session, "A-1"))
    world.case_clock.recover()
    assert await executor._call(context, "A-1", fence) is S.UNKNOWN
    assert world.server.calls["issue_refund"] == 0


async def test_a_customer_who_takes_it_back_is_faster_than_the_executor(world, book):
    await approved(world, book)
    with world.engine.connect():
        pass
    from xiaoer.storage.engine import transaction

    with transaction(world.engine) as session:
        world.desk.cancel_by_customer(session, "A-1")
    await world.run_jobs()
    assert (book.status(), world.server.calls, world.outbox.told) == (S.CANCELLED, {}, {})


async def test_approving_one_of_two_executes_one(world, book):
    book.propose(make_draft("A-1"))
    book.propose(make_draft("A-2", (("L2", 1),)))
    await world.desk.decide("A-2", "approve", book.row("A-2").digest, MAYA)
    await world.run_jobs()
    assert [effect.action_id for effect in world.server.effects] == ["A-2"]
    assert book.status("A-1") is S.PENDING


@pytest.mark.parametrize("tool", ["issue_refund", "cancel_order", "create_return_label", "issue_coupon"])
async def test_every_irreversible_tool_goes_the_same_way(world, book, tool):
    lines = (("L1", 1),) if tool in ("issue_refund", "create_return_label") else ()
    book.propose(make_draft(tool=tool, lines=lines))
    await book.approve()
    await world.run_jobs()
    assert [effect.tool for effect in world.server.effects] == [tool]
    assert book.status() is S.SUCCEEDED
