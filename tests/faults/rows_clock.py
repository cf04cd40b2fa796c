"""Rows about time: clocks that jump, summer time, the end of a year, rules that change meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from faults.matrix import Stage, case
from faults.rows_people import race
from faults.wishes import approved, asked, refund

TURNS_OF_TIME = {
    "the end of summer time": datetime(2026, 11, 1, 8, 59, tzinfo=UTC),
    "the begin of summer time": datetime(2027, 3, 14, 9, 59, tzinfo=UTC),
    "the end of the year": datetime(2026, 12, 31, 23, 59, 50, tzinfo=UTC),
    "a leap day's eve": datetime(2028, 2, 28, 23, 59, 50, tzinfo=UTC),
}


def _turning(name: str, moment: datetime) -> None:
    @case(29, f"a refund over {name}", short=name == "the end of the year")
    async def over(stage: Stage) -> str:
        house = stage.house
        house.clock.now = house.clock.latest = moment
        # Lost parcels are refunded whatever the day.
        action_id = await asked(house, refund("L1", "#1004"))
        house.clock.forward(3700)
        await race(house, house.decide(action_id))
        await house.settle()
        assert house.status(action_id) in ("succeeded", "superseded", "expired", "rejected")
        return house.status(action_id)


for _name, _moment in TURNS_OF_TIME.items():
    _turning(_name, _moment)


@case(29, "the clock jumps an hour ahead between decision and execution", short=True)
async def ahead(stage: Stage) -> str:
    house = stage.house
    action_id = await approved(house)
    house.clock.forward(3600)
    await house.settle()
    assert house.status(action_id) == "succeeded"
    return "executed once"


@case(29, "the clock is set back an hour in the middle of an execution", short=True)
async def back(stage: Stage) -> str:
    house = stage.house
    action_id = await approved(house)
    house.switch.armed = "case.executing"
    await house.work()
    house.clock.forward(-3600)
    await house.settle(60)
    house.clock.right()
    await house.settle(300)
    assert house.status(action_id) == "succeeded"
    return "looked up, then done once"


@case(29, "a proof of yesterday is worth nothing today", short=True)
async def stale_proof(stage: Stage) -> str:
    house = stage.house
    await asked(house)
    house.clock.forward(25 * 3600)
    before = len(house.actions())
    from faults.wishes import ask

    await ask(house, refund("L2"), proof=None)
    assert len(house.actions()) == before
    await house.decide(house.actions()[0].id, "reject")
    return "no second wish without a new proof"


@case(33, "the rules change under a pending approval", short=True)
async def new_rules(stage: Stage) -> str:
    async with stage.other() as house:
        action_id = await asked(house)
        store = house.stores["demo-us"]
        newer = replace(store, policy=replace(store.policy, version="2026-12-01"))
        house.stores["demo-us"] = house.deps.stores["demo-us"] = newer  # type: ignore[index]  # the house's own dict
        house.restart()
        await house.decide(action_id)
        await house.settle()
        assert house.status(action_id) == "superseded"
    return "approved under old rules, never run under new ones"


@case(33, "a restart, then another, with an approval pending", short=True)
async def restarts(stage: Stage) -> str:
    house = stage.house
    action_id = await asked(house)
    for _ in range(3):
        house.restart()
        await house.work()
    assert house.status(action_id) == "pending"
    await house.decide(action_id)
    house.restart()
    await house.settle()
    assert house.status(action_id) == "succeeded"
    return "pending survived, ran once"
