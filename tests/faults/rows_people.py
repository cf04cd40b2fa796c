"""Rows about people: customers who change their mind, approvers who click twice, late or no longer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from faults.house import CN, GUEST, MAYA, NOEL, House, Staff
from faults.matrix import Stage, case
from faults.minds import calls, script
from faults.wishes import LABEL, OMAR, approved, ask, asked, lines, refund
from sqlalchemy import text

from xiaoer.approvals import ledger
from xiaoer.approvals.history import history_of
from xiaoer.approvals.refusals import Conflict
from xiaoer.domain.limits import Limits
from xiaoer.domain.refusals import Refusal
from xiaoer.storage.engine import reading, transaction


async def race(house: House, *decisions: Any) -> tuple[list[Any], list[Refusal]]:
    """All at the same moment: who won, and what the others were told."""
    answers = await asyncio.gather(*decisions, return_exceptions=True)
    unexpected = [a for a in answers if isinstance(a, BaseException) and not isinstance(a, Refusal)]
    assert not unexpected, unexpected
    return [a for a in answers if not isinstance(a, Refusal)], [a for a in answers if isinstance(a, Refusal)]


def refused_attempts(house: House, action_id: str) -> int:
    with reading(house.desk_engine) as session:
        return sum(event.kind == "attempt" for event in history_of(session, action_id))


@case(24, "20 people approve in the same moment", short=True)
async def twenty(stage: Stage) -> str:
    house, people = stage.house, [Staff(f"p{n}", f"Person {n}", frozenset({"approver"})) for n in range(20)]
    action_id = await asked(house)
    won, lost = await race(house, *(house.decide(action_id, who=who) for who in people))
    assert (len(won), len(lost)) == (1, 19), (won, lost)
    winner = house.action(action_id).decided_by
    assert all(isinstance(one, Conflict) and one.winner == winner for one in lost)
    assert refused_attempts(house, action_id) == 19
    return f"{winner} won, 19 were told so"


@case(24, "a double click and a second tab approve again", short=True)
async def double_click(stage: Stage) -> str:
    house = stage.house
    action_id = await asked(house)
    won, lost = await race(house, *(house.decide(action_id) for _ in range(3)))
    await house.work()
    _, late = await race(house, house.decide(action_id), house.decide(action_id, "reject"))
    assert (len(won), len(lost), len(late)) == (1, 2, 2)
    return "1 counted, 4 refused"


@case(24, "two executors and two workers run the same case and turn")
async def two_executors(stage: Stage) -> str:
    house = stage.house
    accepted = await house.write(script(calls(OMAR), calls(refund())))
    assert accepted is not None
    await asyncio.gather(*(house.worker.run_turn(accepted.conversation_id) for _ in range(4)))
    (row,) = house.actions()
    await house.decide(row.id)
    first = house.runner
    house.join()  # a second process beside the first: its own locks, its own graph
    await asyncio.gather(
        *(runner.run_case(row.case_id) for runner in (first, house.runner) for _ in range(3))
    )
    await house.settle()
    assert house.status(row.id) == "succeeded"
    return "4 runs of a turn, 6 of a case"


@case(25, "approve and reject in the same moment, ten times", short=True)
async def approve_or_reject(stage: Stage) -> str:
    house = stage.house
    outcomes = []
    for at in range(10):
        order = (("#1004", "L1"), ("#1004", "L2"), ("#1004", "L3"))[at % 3]
        action_id = await asked(house, refund(order[1], order[0]), thread=f"t{at}")
        won, lost = await race(
            house, house.decide(action_id), house.decide(action_id, "reject", NOEL), house.decide(action_id)
        )
        assert (len(won), len(lost)) == (1, 2)
        assert refused_attempts(house, action_id) == 2
        outcomes.append(house.status(action_id))
        if outcomes[-1] == "approved":
            with transaction(house.desk_engine) as session:  # free the line for the next race
                ledger.cancel_by_customer(session, action_id, house.clock())
    return f"{outcomes.count('approved')} approved, {outcomes.count('rejected')} rejected, 20 told why"


@case(26, "approved after its time, the clock set back by an hour", short=True)
async def too_late(stage: Stage) -> str:
    house = stage.house
    action_id = await asked(house)
    house.clock.forward(49 * 3600)
    house.ticks.tick()
    house.clock.forward(-50 * 3600)
    _, lost = await race(house, house.decide(action_id))
    assert lost and lost[0].code == "expired"
    house.clock.right()
    await house.work()
    assert house.status(action_id) == "expired"
    return "refused as expired"


@case(26, "approved in time, executed after it", short=True)
async def executed_too_late(stage: Stage) -> str:
    house = stage.house
    house.pauses.pause("money", None, "Maya Demo")
    action_id = await approved(house)
    await house.work()
    house.clock.forward(49 * 3600)
    house.pauses.resume("money", None)
    await house.settle()
    assert house.status(action_id) == "expired"
    return "money was paused over the deadline"


@case(26, "decided in the last second by a clock that was set back before anybody looked")
async def set_back_unseen(stage: Stage) -> str:
    house = stage.house
    action_id = await asked(house)
    house.clock.forward(49 * 3600)
    await house.say("hello?", "t2")  # the ledger has seen nothing, the inbox has
    house.ticks.tick()
    house.clock.forward(-2 * 3600)
    _, lost = await race(house, house.decide(action_id))
    house.clock.right()
    assert lost and lost[0].code == "expired", lost
    return "refused"


CHANGES = {
    "the price was edited": "UPDATE shop_lines SET unit_price_minor = 1",
    "it was partly refunded": "UPDATE shop_lines SET refunded_quantity = 1 WHERE line_id = 'L1'",
    "its version alone moved": "",
    "it was cancelled": "UPDATE shop_orders SET cancelled = 1",
}


def _changing(name: str, change: str) -> None:
    @case(27, f"between proposal and approval {name}", short=name == "the price was edited")
    async def changed(stage: Stage) -> str:
        house = stage.house
        action_id = await asked(house)
        with transaction(house.shop_engine) as session:
            where = "store = 'demo-us' AND order_key = '1004'"
            if change:
                joined = " AND " if "WHERE" in change else " WHERE "
                session.execute(text(f"{change}{joined}{where}"))
            session.execute(text(f"UPDATE shop_orders SET version = version + 1 WHERE {where}"))
        await race(house, house.decide(action_id))
        await house.settle()
        assert house.status(action_id) in ("superseded", "failed"), house.status(action_id)
        return f"{house.status(action_id)}, nothing moved"


for _name, _change in CHANGES.items():
    _changing(_name, _change)


@case(27, "the order changes after the approval, as the executor is about to call")
async def changes_last_moment(stage: Stage) -> str:
    house = stage.house
    action_id = await approved(house)
    plain = house.toolbox.execute

    async def changed_before(server: str, tool: str, *rest: Any) -> Any:
        if tool == "issue_refund":
            with transaction(house.shop_engine) as session:
                session.execute(text("UPDATE shop_orders SET version = version + 1 WHERE order_key = '1004'"))
        return await plain(server, tool, *rest)

    house.toolbox.execute = changed_before  # type: ignore[method-assign]  # a seam of this test
    try:
        await house.settle()
    finally:
        house.toolbox.execute = plain  # type: ignore[method-assign]  # put back
    assert house.status(action_id) == "failed"
    return "the server refused; nothing moved"


@case(27, "what was approved is rewritten in the database before it runs", short=True)
async def rewritten(stage: Stage) -> str:
    """Into another refund that the record would give as well: only the digest knows the difference."""
    house = stage.house
    action_id = await approved(house)
    row, order = house.action(action_id), house.platform.get_order("demo-us", None, "#1004")
    assert order is not None
    other = {**row.args, "lines": lines("L2")}
    await _rewrite(house, other, order.lines[1].unit_price.amount_minor)
    await house.work()
    assert house.action(action_id).last_code == "tampered", house.action(action_id).last_code
    await _rewrite(house, row.args, row.amount_minor)  # so that the checker can read the rest
    return "refused as tampered"


async def _rewrite(house: House, args: dict[str, Any], amount: int | None) -> None:
    with transaction(house.desk_engine) as session:
        session.execute(
            text("UPDATE action SET args = :args, amount_minor = :amount"),
            {"args": json.dumps(args), "amount": amount},
        )


@case(28, "the approver is disabled between decision and execution", short=True)
async def disabled(stage: Stage) -> str:
    house = stage.house
    action_id = await approved(house)
    house.gone.add(MAYA.id)
    await house.settle()
    assert house.status(action_id) == "failed"
    return "not executed, customer told"


@case(28, "somebody without the right decides, and one person decides twice", short=True)
async def no_right(stage: Stage) -> str:
    async with stage.other(stores=_strict(four_eyes_above=1_000)) as house:
        action_id = await asked(house)
        _, lost = await race(house, house.decide(action_id, who=GUEST))
        assert len(lost) == 1
        await house.decide(action_id)
        again, twice = await race(house, house.decide(action_id))
        assert not again and twice[0].code == "second_needed"
        await house.work()
        assert house.status(action_id) == "pending"
        await house.decide(action_id, who=NOEL)
    return "the second person made it so"


@case(28, "limits of a day, and too many at a time")
async def limits(stage: Stage) -> str:
    async with stage.other(stores=_strict(customer_day=5_000)) as house:
        await approved(house)
        await house.work()
        second = await asked(house, refund("L2"), thread="t2")
        _, lost = await race(house, house.decide(second, who=NOEL))
        assert lost and lost[0].code == "over_limit"
    async with stage.other(stores=_strict(velocity_actions=1)) as house:
        await approved(house)
        await house.work()
        later = await approved(house, refund("L2"), thread="t2")
        await house.work()
        assert house.status(later) == "approved"
        assert house._money_paused("demo-us")
    return "refused by the day's limit; money stopped by the rate"


def _strict(**limits_: Any) -> dict[str, Any]:
    from faults.house import demo_stores

    stores = dict(demo_stores())
    return {name: replace(store, limits=replace(Limits(), **limits_)) for name, store in stores.items()}


@case(23, "the customer takes it back, then a person approves", short=True)
async def taken_back(stage: Stage) -> str:
    house = stage.house
    action_id = await asked(house)
    with transaction(house.desk_engine) as session:
        house.desk.cancel_by_customer(session, action_id)
    _, lost = await race(house, house.decide(action_id))
    assert lost and lost[0].code == "cancelled"
    return "the approver was told"


@case(23, "taken back and approved in the same moment")
async def taken_back_at_once(stage: Stage) -> str:
    house = stage.house
    action_id = await asked(house)

    def take_back() -> None:
        with transaction(house.desk_engine) as session:
            house.desk.cancel_by_customer(session, action_id)

    won, lost = await race(house, asyncio.to_thread(take_back), house.decide(action_id))
    await house.settle()
    assert house.status(action_id) in ("cancelled", "succeeded") and len(won) + len(lost) == 2
    return house.status(action_id)


@case(23, "taken back while the executor quotes a changed order", short=True)
async def taken_back_meanwhile(stage: Stage) -> str:
    house = stage.house
    action_id = await approved(house)
    plain = house.toolbox.execute

    async def meanwhile(server: str, tool: str, *rest: Any) -> Any:
        if tool == "quote_refund":
            with transaction(house.shop_engine) as session:
                session.execute(text("UPDATE shop_orders SET version = version + 1 WHERE order_key = '1004'"))
            with transaction(house.desk_engine) as session:
                house.desk.cancel_by_customer(session, action_id)
        return await plain(server, tool, *rest)

    house.toolbox.execute = meanwhile  # type: ignore[method-assign]  # a seam of this test
    try:
        await house.work()
    finally:
        house.toolbox.execute = plain  # type: ignore[method-assign]  # put back
    assert house.status(action_id) == "cancelled", house.status(action_id)
    return "the customer was faster"


@case(24, "a person decides on an older picture of the action", short=True)
async def older_picture(stage: Stage) -> str:
    house = stage.house
    first = await asked(house)
    other = await asked(house, refund("L2"), thread="t2")
    _, lost = await race(house, house.decide(other, digest=house.action(first).digest))
    assert lost and lost[0].code == "changed"
    return "refused: look again"


@case(30, "a case is resumed with an answer, while a second approval waits", short=True)
async def resumed(stage: Stage) -> str:
    house = stage.house
    first = await asked(house)
    second = await asked(house, refund("L2"), thread="t2")
    await house.work()
    await _resume(house, first, None)
    await _resume(house, first, {"decision": "approve"})
    await _resume(house, second, {"decision": "approve"})
    assert {house.status(first), house.status(second)} == {"pending"}
    await house.decide(first)
    await house.settle()
    assert (house.status(first), house.status(second)) == ("succeeded", "pending")
    return "resume values moved nothing; the approved one ran"


async def _resume(house: House, action_id: str, value: Any) -> None:
    """What a framework's own recovery would do: go on with the thread, with or without a value."""
    from langgraph.types import Command

    config: Any = {"configurable": {"thread_id": house.action(action_id).case_id}}
    graph = house.runner._graph
    given = None if value is None else Command(resume=value)
    await graph.ainvoke(given, config, context=house.runner._context, durability="sync")


@case(31, "two wishes in one turn, only the second approved", short=True)
async def only_b(stage: Stage) -> str:
    house = stage.house
    await ask(house, refund("L1"), LABEL)
    a, b = (next(row for row in house.actions() if row.tool == tool) for tool in ("issue_refund", LABEL[0]))
    await house.decide(b.id)
    await house.settle()
    assert (house.status(a.id), house.status(b.id)) == ("pending", "succeeded")
    await house.decide(a.id, "reject")
    return "only the second ran"


@case(31, "ten refunds of one order side by side, in parallel conversations")
async def split(stage: Stage) -> str:
    house = stage.house
    accepted = [
        await house.write(script(calls(OMAR), calls(refund(f"L{1 + at % 3}"))), f"t{at}") for at in range(10)
    ]
    await asyncio.gather(*(house.worker.run_turn(one.conversation_id) for one in accepted if one))
    pending = [row for row in house.actions() if row.status == "pending"]
    assert len(pending) == 3, len(pending)
    await asyncio.gather(*(house.decide(row.id) for row in pending))
    return "3 lines, 3 actions, 10 askers"


@case(31, "refund, label and another store's order together")
async def all_together(stage: Stage) -> str:
    house = stage.house
    label = (LABEL[0], {**LABEL[1], "lines": [{"line_id": "L1", "quantity": 1}]})
    await ask(house, refund("L1"), label, ("issue_refund", {**refund()[1], "order_no": "20261101001032"}))
    for row in house.actions():
        if row.status == "pending":
            await house.decide(row.id)
    await house.settle()
    done = house.shop_oracle.entries("shop_effects")
    assert all(entry["store"] != CN for entry in done)
    assert len({(entry["order_key"]) for entry in done}) <= 1
    return f"{len(done)} of 3 happened"
