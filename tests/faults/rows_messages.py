"""Rows about messages: repeated, out of order, late, lost, many at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from faults.matrix import Stage, case
from faults.minds import calls, script
from faults.wishes import JANE, OMAR, asked, refund


@case(18, "the same webhook ten times at once", short=True)
async def ten_times(stage: Stage) -> str:
    house = stage.house
    words = script(calls(OMAR), calls(refund()))
    await asyncio.gather(*(house.write(words, event_id="same") for _ in range(10)))
    await house.work()
    assert len(house.actions()) == 1 and house.brain.plans
    assert len(house.texts("customer")) == 1
    return "one message, one turn, one action"


@case(19, "the second message arrives before the first", short=True)
async def out_of_order(stage: Stage) -> str:
    house = stage.house
    early, late = house.clock(), house.clock()
    house.clock.forward(3)
    await house.write("and please hurry", event_id="2", sent_at=house.clock())
    await house.write("where is #1004?", event_id="1", sent_at=early)
    await house.work()
    assert late == early
    shown = house.brain.shown[next(iter(house.brain.shown))][0]
    assert shown.index("where is") < shown.index("please hurry")
    return "read in the channel's order"


@case(20, "the webhook is sent again four hours later", short=True)
async def hours_later(stage: Stage) -> str:
    house = stage.house
    action_id = await asked(house, event_id="once")
    await house.decide(action_id)
    await house.settle()
    said = len(house.texts())
    house.clock.forward(4 * 3600)
    await house.say(script(calls(OMAR), calls(refund("L2"))), event_id="once")
    assert len(house.texts()) == said and len(house.actions()) == 1
    return "known, nothing told again"


@case(21, "the job of a message is lost; the next start finds it", short=True)
async def job_lost(stage: Stage) -> str:
    house = stage.house
    await house.write("hello?")
    house.jobs.waiting.clear()
    house.restart()
    await house.work()
    assert house.texts("assistant")
    return "found by the start"


@case(22, "five messages within seconds while a turn runs", short=True)
async def five(stage: Stage) -> str:
    house = stage.house
    accepted = await house.write("first part", event_id="m0")
    assert accepted is not None
    plan, more = house.brain.plan, iter(range(1, 6))

    async def while_it_thinks(view: Any) -> Any:
        for at in more:
            await house.write(f"part {at}", event_id=f"m{at}")
        return await plan(view)

    house.brain.plan = while_it_thinks
    try:
        await house.work()
    finally:
        del house.brain.plan
    answers = house.texts("assistant")
    assert 1 <= len(answers) <= 2, answers
    assert len(house.texts("customer")) == 6
    return f"6 messages, {len(answers)} answers, no word lost"


@case(22, "another customer's wish in the same second stays his own")
async def neighbours(stage: Stage) -> str:
    house = stage.house
    one = await house.write(script(calls(OMAR), calls(refund())), "omar")
    two = await house.write(script(calls(JANE), calls(refund("L2"))), "jane")
    assert one and two
    await asyncio.gather(*(house.worker.run_turn(a.conversation_id) for a in (one, two)))
    rows = house.actions()
    assert [row.conversation_id for row in rows] == [one.conversation_id]
    return "Jane's wish for Omar's order came to nothing"
