"""Long matters on real servers: each step follows from what the shop shows, once, and the customer hears it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from support.case_world import MAYA
from support.changes import ARRIVED, MOVING, UNSHIPPED, US, Call
from support.real_shop import RealShop, open_shop

from xiaoer.approvals import case_steps, ledger, matters
from xiaoer.approvals.history import verify_chain
from xiaoer.approvals.matter_tables import MatterRow
from xiaoer.approvals.tables import ActionRow
from xiaoer.domain.parcels import ParcelState
from xiaoer.mcp_servers.platforms.local.records import EventRecord
from xiaoer.storage.engine import make_engine, reading, transaction
from xiaoer.tools.calls import ToolCall, ToolResult

ROOT = Path(__file__).parents[2]


def line_of(world: RealShop, order_no: str) -> str:
    order = world.platform.get_order(US, None, order_no)
    assert order is not None
    return order.lines[0].line_id


def lines_call(world: RealShop, tool: str, server: str, quote: str, order_no: str = ARRIVED) -> Call:
    lines = [{"line_id": line_of(world, order_no), "quantity": 1}]
    return Call(
        tool, server, quote, order_no, {"order_no": order_no, "lines": lines, "reason": "changed_mind"}
    )


def label_call(world: RealShop) -> Call:
    return lines_call(world, "create_return_label", "returns", "check_return")


def refund_call(world: RealShop, order_no: str = ARRIVED) -> Call:
    return lines_call(world, "issue_refund", "refunds", "quote_refund", order_no)


async def do(world: RealShop, call: Call, action_id: str) -> Any:
    """Asked for, approved, carried out; the action's row."""
    await world.propose(call, action_id)
    await world.approve(action_id)
    await world.run_jobs()
    row = world.row(action_id)
    assert row.status == "succeeded", (row.status, row.last_error)
    return row


async def look(world: RealShop) -> tuple[str, ...]:
    """The clock comes by after the longest wait between two looks."""
    world.clock.forward(matters.LONGEST_LOOK.total_seconds() + 1)
    return await world.follow.tick()


def matter_of(world: RealShop, action_id: str) -> matters.MatterView:
    with reading(world.engine) as session:
        found = matters.of_action(session, action_id)
    assert found is not None
    return found


def pending(world: RealShop) -> list[ActionRow]:
    with reading(world.engine) as session:
        return list(session.exec(select(ActionRow).where(ActionRow.status == "pending")))


async def received(world: RealShop) -> str:
    """A label was made and the goods are back; the return's id."""
    row = await do(world, label_call(world), "A-1")
    return_id = str(row.receipt["reference"])
    world.shop.receive_return(US, return_id)
    return return_id


def test_the_table_of_ways_leads_somewhere_everywhere():
    assert case_steps.flaws() == []


async def test_a_return_goes_from_the_label_to_the_refund_and_tells_every_step(database_url, tmp_path):
    async with open_shop(database_url, tmp_path) as world:
        row = await do(world, label_call(world), "A-1")
        return_id = str(row.receipt["reference"])
        assert matter_of(world, "A-1").stage == "on_its_way"
        assert await look(world) == ()
        window = {"date": "2026-11-24", "start": "09:00", "end": "13:00"}
        pickup = Call(
            "book_pickup", "returns", "check_pickup", ARRIVED, {"return_id": return_id, "window": window}
        )
        await do(world, pickup, "A-2")
        assert matter_of(world, "A-2").id == matter_of(world, "A-1").id
        world.shop.receive_return(US, return_id)
        assert len(await look(world)) == 1
        (refund,) = pending(world)
        assert (refund.tool, refund.args["lines"]) == ("issue_refund", row.args["lines"])
        assert refund.quote["clause_id"] == "refund.returned"
        await world.approve(refund.id)
        await world.run_jobs()
        matter = matter_of(world, "A-1")
        assert (matter.stage, matter.closed) == ("finished", True)
        order = world.platform.get_order(US, None, ARRIVED)
        assert order is not None and order.refunded == order.lines[0].unit_price
        said = world.outbox.texts()
        assert len(said) == 4, said
        for text, word in zip(said, ("label", "courier", "has reached us", "refunded"), strict=True):
            assert word in text and ARRIVED in text
        told = [(one.what, one.name, one.tool) for one in matter.happenings]
        assert ("event", "received", "") in told
        steps = [(one.tool, one.name) for one in matter.happenings if one.name == "succeeded"]
        assert steps == [
            ("create_return_label", "succeeded"),
            ("book_pickup", "succeeded"),
            ("issue_refund", "succeeded"),
        ]
        with reading(world.engine) as session:
            assert verify_chain(session) == []


async def test_goods_that_come_back_late_are_refunded_all_the_same(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        row = await do(world, label_call(world), "A-1")
        world.clock.forward(timedelta(days=60).total_seconds())
        world.shop.receive_return(US, str(row.receipt["reference"]))
        await look(world)
        assert [action.tool for action in pending(world)] == ["issue_refund"]


async def test_many_looks_at_once_propose_one_refund(database_url, tmp_path):
    async with open_shop(database_url, tmp_path) as world:
        await received(world)
        world.clock.forward(3600)
        moved = await asyncio.gather(*(world.follow.tick() for _ in range(6)))
        assert sum(map(len, moved)) == 1
        assert len(pending(world)) == 1
        assert sum("has reached us" in text for text in world.outbox.texts()) == 1
        assert await look(world) == ()


class Died(BaseException):
    """The process is gone in the middle of the transaction."""


async def test_whoever_dies_between_seeing_and_proposing_leaves_nothing_half_done(database_url, tmp_path):
    async with open_shop(database_url, tmp_path) as world:
        await received(world)
        world.clock.forward(3600)

        def dies(*_: Any) -> None:
            raise Died

        for broken in (replace(world.follow, tell=dies), replace(world.follow, defer=dies)):
            with pytest.raises(Died):
                await broken.tick()
            assert pending(world) == []
            assert matter_of(world, "A-1").stage == "on_its_way"
    async with open_shop(database_url, tmp_path, world.clock) as again:
        assert len(await again.follow.tick()) == 1
        assert len(pending(again)) == 1


async def test_a_shop_that_does_not_answer_is_asked_again(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await received(world)

        look_ups = replace(world.runner.look_ups, execute=_silent)
        world.clock.forward(3600)
        assert await replace(world.follow, look_ups=look_ups).tick() == ()
        assert pending(world) == []
        assert len(await look(world)) == 1


async def _silent(server: str, tool: str, args: dict[str, Any], meta: dict[str, Any], seconds: float) -> Any:
    return ToolResult(
        call=ToolCall("x", tool, args), server=server, ok=False, data={}, code="down", error="away", ms=0
    )


async def test_one_matter_that_cannot_be_followed_does_not_hold_up_the_others(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await received(world)
        with transaction(world.engine) as session:
            sound = session.exec(select(MatterRow)).one()
            broken = MatterRow(
                **{**sound.model_dump(), "id": "M-0", "subject": {}, "created_at": sound.created_at}
            )
            session.add(broken)
        world.clock.forward(3600)
        assert await world.follow.tick() == (sound.id,)
        assert len(pending(world)) == 1


async def test_while_money_is_paused_nothing_is_put_up(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await received(world)
        world.clock.forward(3600)
        assert await replace(world.follow, paused=lambda _: True).tick() == ()
        assert len(await look(world)) == 1


async def test_a_refund_that_a_person_grants_before_the_goods_are_back_ends_the_return(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        row = await do(world, label_call(world), "A-1")
        with transaction(world.engine) as session:  # what a colleague decides against the rules' advice
            matter = session.exec(select(MatterRow)).one()
            step = case_steps.KINDS["return"]["on_its_way"].on["refunded"]
            matters.move(session, matter, "refunded", "refunded:A-9", step, world.clock())
        world.shop.receive_return(US, str(row.receipt["reference"]))
        assert await look(world) == ()
        assert pending(world) == []


async def test_an_open_request_for_the_same_goods_becomes_the_step(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await received(world)
        await world.propose(refund_call(world), "A-2")  # the customer asks, the clock has not looked yet
        await look(world)
        assert [action.id for action in pending(world)] == ["A-2"]
        assert matter_of(world, "A-2").id == matter_of(world, "A-1").id
        await world.approve("A-2")
        await world.run_jobs()
        assert matter_of(world, "A-1").stage == "finished"


def test_killed_while_it_puts_the_next_step_up_it_is_put_up_once(database_url, tmp_path):
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "LANGGRAPH_STRICT_MSGPACK": "true"}
    words = [sys.executable, "-m", "support.real_shop", database_url, str(tmp_path)]

    def start(how: str) -> int:
        return subprocess.run([*words, how], env=environment, cwd=ROOT, timeout=120, check=False).returncode

    assert start("returned") == 0
    assert start("dies-telling") == -9
    assert start("dies-waking") == -9
    assert start("follows") == 0
    assert start("follows") == 0
    engine = make_engine(database_url)
    with reading(engine) as session:
        actions = list(session.exec(select(ActionRow).order_by(ActionRow.tool)))
        matter = session.exec(select(MatterRow)).one()
    engine.dispose()
    assert [(row.tool, row.status) for row in actions] == [
        ("create_return_label", "succeeded"),
        ("issue_refund", "pending"),
    ]
    assert matter.stage == "refund"


async def test_what_the_rules_refuse_goes_to_a_person_and_is_told(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await received(world)
        order = world.platform.get_order(US, None, ARRIVED)
        assert order is not None
        with world.shop_engine.begin() as connection:
            connection.exec_driver_sql(
                "update shop_lines set refunded_quantity = quantity where order_key = '1032'"
            )
        await look(world)
        assert pending(world) == []
        assert matter_of(world, "A-1").stage == "stopped"
        assert "a colleague" in world.outbox.texts()[-1]


async def test_a_label_that_is_rejected_ends_the_return(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await world.propose(label_call(world))
        await world.desk.decide("A-1", "reject", world.row().digest, MAYA, "Photo needed.")
        await world.run_jobs()
        assert matter_of(world, "A-1").stage == "stopped"


async def test_an_edit_stays_in_the_same_matter(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await world.propose(label_call(world))
        order = world.platform.get_order(US, None, ARRIVED)
        assert order is not None
        both = [{"line_id": line.line_id, "quantity": 1} for line in order.lines]
        view = await world.desk.decide("A-1", "edit", world.row().digest, MAYA, edits={"lines": both})
        await world.run_jobs()
        assert matter_of(world, view.action_id).id == matter_of(world, "A-1").id
        world.shop.receive_return(US, str(world.row(view.action_id).receipt["reference"]))
        await look(world)
        (refund,) = pending(world)
        assert refund.args["lines"] == both


async def test_an_exchange_ends_when_the_old_one_is_back_and_nothing_is_refunded(database_url, tmp_path):
    async with open_shop(database_url, tmp_path) as world:
        row = await do(world, world.call("exchange_items"), "A-1")
        assert matter_of(world, "A-1").stage == "on_its_way"
        world.shop.receive_return(US, str(row.receipt["reference"]))
        assert len(await look(world)) == 1
        matter = matter_of(world, "A-1")
        assert (matter.kind, matter.stage) == ("exchange", "finished")
        assert pending(world) == []
        assert len(world.outbox.texts()) == 2


def scan(world: RealShop, number: str, state: ParcelState) -> None:
    event = EventRecord(world.clock(), state, "Arrived at the sender.", "Reno")
    world.shop.add_tracking_event(US, MOVING, number, event)


async def test_an_order_on_its_way_is_stopped_comes_back_and_is_refunded(database_url, tmp_path):
    async with open_shop(database_url, tmp_path) as world:
        call = world.call("intercept_parcel")
        number = call.args["tracking_no"]
        await do(world, call, "A-1")
        assert await look(world) == ()
        world.shop.answer_interception(US, MOVING, number, stopped=True)
        assert len(await look(world)) == 1
        assert matter_of(world, "A-1").stage == "coming_back"
        assert pending(world) == [], "nothing is refunded before it is back"
        world.clock.forward(60)
        scan(world, number, ParcelState.RETURNED)
        assert len(await look(world)) == 1
        (refund,) = pending(world)
        await world.approve(refund.id)
        await world.run_jobs()
        assert matter_of(world, "A-1").stage == "finished"
        order = world.platform.get_order(US, None, MOVING)
        assert order is not None and order.refunded.amount_minor == 4800
        assert [
            word in text
            for word, text in zip(
                ("asked the carrier", "has stopped", "is back with us", "refunded"),
                world.outbox.texts(),
                strict=True,
            )
        ] == [True] * 4


async def test_a_parcel_that_could_not_be_stopped_is_told_and_refunded_by_nobody(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        call = world.call("intercept_parcel")
        await do(world, call, "A-1")
        world.shop.answer_interception(US, MOVING, call.args["tracking_no"], stopped=False)
        await look(world)
        assert matter_of(world, "A-1").stage == "stopped"
        assert "could not stop" in world.outbox.texts()[-1]
        assert pending(world) == []


@pytest.mark.parametrize(
    ("tool", "server", "quote", "order_no", "kind"),
    [
        ("cancel_order", "orders", "quote_cancel", UNSHIPPED, "cancellation"),
        ("issue_coupon", "refunds", "quote_coupon", ARRIVED, "coupon"),
        ("issue_refund", "refunds", "quote_refund", ARRIVED, "refund"),
    ],
)
async def test_what_is_done_in_one_step_has_its_timeline_too(
    sqlite_url, tmp_path, tool, server, quote, order_no, kind
):
    async with open_shop(sqlite_url, tmp_path) as world:
        call = lines_call(world, tool, server, quote, order_no)
        if tool != "issue_refund":
            call = replace(call, args={"order_no": order_no, "reason": "late"})
        await do(world, call, "A-1")
        matter = matter_of(world, "A-1")
        assert (matter.kind, matter.stage) == (kind, "finished")
        names = [one.name for one in matter.happenings]
        assert names[0] == "asked" and names[-1] == "succeeded"
        with reading(world.engine) as session:
            assert [one.id for one in matters.of_conversation(session, matter.conversation_id)] == [matter.id]


async def test_looks_grow_rarer_until_somebody_says_that_something_happened(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await do(world, label_call(world), "A-1")

        def next_look() -> Any:
            with reading(world.engine) as session:
                return session.exec(select(MatterRow.next_look_at)).one() - world.clock()

        waits = []
        for _ in range(9):
            world.clock.forward(next_look().total_seconds())
            await world.follow.tick()
            waits.append(next_look())
        assert waits == sorted(waits) and waits[-1] == matters.LONGEST_LOOK
        with transaction(world.engine) as session:
            assert matters.look_soon(session, US, ARRIVED, world.clock()) == 1
        assert next_look() == timedelta(0)


async def test_the_ledger_never_moves_without_its_matter(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        draft = await world.draft(label_call(world))

        class Crash(Exception):
            pass

        with pytest.raises(Crash), transaction(world.engine) as session:
            ledger.propose(session, draft, ledger.ActionStatus.PENDING, world.clock())
            assert session.exec(select(MatterRow)).all()
            raise Crash
        with reading(world.engine) as session:
            assert session.exec(select(MatterRow)).all() == []
