"""The second brain stands in for a turn, and for a while for all turns, when the first one fails too often."""

from __future__ import annotations

from typing import Any

import pytest
from support.fake_anthropic import FakeAnthropic, error, recorded, say, use_tools
from support.model_rig import Rig
from support.views import EmbeddedStub, view

from xiaoer.agent.brains.fallback import FAILURES, REST, WINDOW, FallbackBrain
from xiaoer.agent.brains.protocol import BrainFailed, ModelCall, Plan
from xiaoer.domain.messages import Reply


class Moody:
    """Fails as told, by a word, or answers."""

    name = "anthropic:claude-demo"

    def __init__(self) -> None:
        self.fails: BaseException | None = None
        self.asked = 0

    async def plan(self, _: Any) -> Plan:
        self.asked += 1
        if self.fails:
            raise self.fails
        return Plan(reply=Reply("From the model."), brain=self.name)


class Desk:
    """A fallback brain with a hand-wound clock, and a new turn for each question."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.model = Moody()
        self.brain = FallbackBrain(self.model, EmbeddedStub(), lambda: self.now)
        self.turns = 0

    async def ask(self) -> Plan:
        self.turns += 1
        return await self.brain.plan(view(turn_id=f"T-{self.turns}"))


@pytest.fixture
def desk() -> Desk:
    return Desk()


OUTAGE = BrainFailed("overloaded", "529", outage=True, model_calls=(ModelCall("m", 1.0, error="overloaded"),))


async def test_the_trace_keeps_the_failed_requests_and_the_reason(desk: Desk) -> None:
    desk.model.fails = OUTAGE
    plan = await desk.ask()

    assert plan.notes == ("anthropic overloaded (529), embedded took over",)
    assert [call.error for call in plan.model_calls] == ["overloaded"]


async def test_a_turn_that_switched_stays_switched(desk: Desk) -> None:
    desk.model.fails = OUTAGE
    await desk.brain.plan(view(turn_id="T-9"))
    desk.model.fails = None
    again = await desk.brain.plan(view(turn_id="T-9", step=1))
    other = await desk.brain.plan(view(turn_id="T-10"))

    assert again.brain == "embedded"
    assert again.notes == ("anthropic failed earlier in this turn, embedded took over",)
    assert other.brain == "anthropic:claude-demo"


async def test_after_three_failures_in_a_minute_the_model_rests_for_half_a_minute(desk: Desk) -> None:
    desk.model.fails = OUTAGE
    for _ in range(FAILURES):
        await desk.ask()
        desk.now += 5
    desk.model.fails = None
    resting = await desk.ask()

    assert desk.model.asked == FAILURES
    assert resting.notes == ("anthropic is resting after 3 failures, embedded took over",)
    desk.now += REST
    assert (await desk.ask()).brain == "anthropic:claude-demo"
    assert (await desk.ask()).brain == "anthropic:claude-demo"


async def test_after_the_rest_one_turn_tries_and_its_failure_prolongs_the_rest(desk: Desk) -> None:
    desk.model.fails = OUTAGE
    for _ in range(FAILURES):
        await desk.ask()
    desk.now += REST + 1
    await desk.ask()
    await desk.ask()

    assert desk.model.asked == FAILURES + 1


async def test_failures_far_apart_do_not_close_the_door(desk: Desk) -> None:
    desk.model.fails = OUTAGE
    for _ in range(6):
        await desk.ask()
        desk.now += WINDOW / 2 + 1

    assert desk.model.asked == 6


async def test_one_odd_conversation_does_not_close_the_door_for_all(desk: Desk) -> None:
    desk.model.fails = BrainFailed("refused", outage=False)
    for _ in range(10):
        await desk.ask()

    assert desk.model.asked == 10


async def test_a_crash_of_the_brain_is_answered_by_the_embedded_one(desk: Desk) -> None:
    desk.model.fails = KeyError("surprise")
    plan = await desk.ask()

    assert plan.notes == ("anthropic crashed (KeyError), embedded took over",)


async def test_during_an_outage_a_burst_costs_few_requests(api: FakeAnthropic, rig: Rig) -> None:
    api.will(error(500, "api_error"))
    for n in range(20):
        plan = await rig.brain.plan(view(turn_id=f"T-{n}"))
        assert plan.reply is not None

    assert len(api.requests) == FAILURES


async def test_refusals_never_silence_the_model_for_others(api: FakeAnthropic, rig: Rig) -> None:
    api.will(*[recorded("refusal_response")] * 5, say("Here you are."))
    plans = [await rig.brain.plan(view(turn_id=f"T-{n}")) for n in range(6)]

    assert [plan.brain for plan in plans[:5]] == ["embedded"] * 5
    assert plans[5].reply is not None and plans[5].reply.text == "Here you are."


async def test_the_second_step_of_a_turn_can_fail_alone(api: FakeAnthropic, rig: Rig) -> None:
    api.will(use_tools(("get_order", {"order_no": "#1002"})), error(500, "api_error"))
    first = await rig.brain.plan(view())
    second = await rig.brain.plan(view(step=1))

    assert first.calls and first.brain == "anthropic:claude-haiku-5-5"
    assert second.brain == "embedded" and second.notes
