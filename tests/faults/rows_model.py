"""Rows about the model: a provider that limits, fails, breaks off; a model that loops or calls everything."""

from __future__ import annotations

import time
from collections.abc import Callable

from faults.house import House
from faults.matrix import Stage, case
from faults.minds import Obedient
from faults.wishes import OMAR, ask, refund
from support.fake_anthropic import (
    Answer,
    FakeAnthropic,
    cut_at,
    ends_after,
    error,
    error_event_after,
    refused_url,
    say,
    use_tools,
)
from support.model_rig import Rig

from xiaoer.agent.brains.protocol import Plan, TurnView
from xiaoer.domain.messages import Reply
from xiaoer.tools.calls import ToolCall

WISH = use_tools(refund(), size=5)
SPOKEN = say("Your refund of $44.00 is on its way to you today.")
LIMITED: dict[str, Answer] = {
    "429 that says 2 s": error(429, "rate_limit_error", "2"),
    "429 that says nothing": error(429, "rate_limit_error"),
    "429 that says an hour": error(429, "rate_limit_error", "3600"),
    "the spend limit": error(429, "rate_limit_error", error_code="enforced_spend_limit_reached"),
}
FAILING: dict[str, Answer] = {
    "500": error(500, "api_error"),
    "529": error(529, "overloaded_error"),
    "401": error(401, "authentication_error"),
}
CUT: dict[str, Answer] = {
    "cut in the text": cut_at(SPOKEN, b"refund"),
    "cut in a tool's JSON": cut_at(WISH, b"partial_json"),
    "politely ended in a tool's JSON": ends_after(WISH, b"_no"),
    "an error event after 200": error_event_after(SPOKEN, "api_error", 4),
    "empty": Answer(b"", headers=(("x-demo", "1"),)),
    "max_tokens in a wish": use_tools(refund(), stop_reason="max_tokens"),
    "max_tokens in the text": say("Your refund is", stop_reason="max_tokens"),
    "bytes": Answer(b"\x00\xff\xfe<html>"),
}


def _provider(row: int, name: str, answer: Answer, most: int, short: bool = False) -> None:
    @case(row, f"the provider answers: {name}", short=short)
    async def provider(stage: Stage) -> str:
        async with FakeAnthropic() as api:
            api.will(answer)
            rig = Rig(api)
            async with stage.other(brain=rig.brain) as house:
                await _prove(house)
                api.will(answer)
                begun = time.monotonic()
                await house.say("please refund #1004", "t1")
                took = time.monotonic() - begun
                assert house.texts("assistant") and not house.actions()
                assert len(api.requests) <= most, len(api.requests)
                assert sum(rig.waits) + took < 20, (rig.waits, took)
                assert not any("44.00" in said for said in house.texts("assistant"))
                waited = sum(rig.waits)
        return f"{len(api.requests)} requests, {waited:.0f} s waited, answered without it"


async def _prove(house: House) -> None:
    """The conversation belongs to a proven customer before the model falls ill."""
    accepted = await house.write("hello", "t1")
    assert accepted is not None
    await house.work()


for _name, _answer in LIMITED.items():
    _provider(8, _name, _answer, most=2, short=_name == "the spend limit")
for _name, _answer in FAILING.items():
    _provider(9, _name, _answer, most=3)
for _name, _answer in CUT.items():
    _provider(10, _name, _answer, most=2, short=_name == "cut in a tool's JSON")


async def _unreachable(stage: Stage, url: str) -> str:
    async with FakeAnthropic() as api:
        rig = Rig(api, deadline=2.0, base_url=url)
        async with stage.other(brain=rig.brain) as house:
            await house.say("please refund #1004")
            assert house.texts("assistant") and not house.actions()
    return "answered without it"


@case(9, "nobody listens at the provider's address")
async def refused(stage: Stage) -> str:
    return await _unreachable(stage, await refused_url())


@case(9, "the provider's TLS is broken")
async def tls(stage: Stage) -> str:
    async with FakeAnthropic() as plain:
        return await _unreachable(stage, plain.url.replace("http://", "https://"))


@case(9, "the provider never answers")
async def never(stage: Stage) -> str:
    async with FakeAnthropic() as api:
        api.will(Answer(hang=True))
        rig = Rig(api, deadline=0.5)
        async with stage.other(brain=rig.brain) as house:
            begun = time.monotonic()
            await house.say("please refund #1004")
            assert house.texts("assistant") and time.monotonic() - begun < 10
    return "left at its deadline"


def _deciding(name: str, decide: Callable[[TurnView], Plan], most_actions: int) -> None:
    @case(11, f"the model {name}", short=True)
    async def wild(stage: Stage) -> str:
        async with stage.other(brain=Obedient(decide=decide)) as house:
            await house.say("please refund #1004")
            assert house.texts("assistant")
            assert len(house.actions()) <= most_actions, len(house.actions())
            plans = house.brain.plans
            assert plans <= 7, plans
        return f"{plans} plans, {len(house.actions())} actions"


def _loops(view: TurnView) -> Plan:
    return Plan(calls=(ToolCall(f"c{view.step}", "get_product", {"query": "lamp"}),), brain="wild")


def _thirty(view: TurnView) -> Plan:
    if view.step == 0:
        return Plan(calls=(ToolCall("p", *OMAR),), brain="wild")
    if view.step == 1:
        many = [refund(f"L{1 + n % 3}") for n in range(30)]
        wanted = tuple(
            ToolCall(f"c{n}", tool, {**args, "reason": f"r{n}"}) for n, (tool, args) in enumerate(many)
        )
        return Plan(calls=wanted, brain="wild")
    return Plan(reply=Reply("A colleague looks at it."), brain="wild")


def _reads(view: TurnView) -> Plan:
    if view.step < 3:
        asked = tuple(ToolCall(f"c{view.step}_{n}", "get_product", {"query": f"{n}"}) for n in range(30))
        return Plan(calls=asked, brain="wild")
    return Plan(reply=Reply("Here you are."), brain="wild")


def _never_ends(view: TurnView) -> Plan:
    return Plan(calls=(ToolCall(f"c{view.step}", *refund(reason=f"r{view.step}")),), brain="wild")


def _raises(view: TurnView) -> Plan:
    raise RecursionError("a model's own trouble")


_deciding("asks for the same for ever", _loops, 0)
_deciding("asks for 30 refunds at once", _thirty, 4)
_deciding("asks for 30 reads at once, again and again", _reads, 0)
_deciding("proposes in every step, unproven", _never_ends, 0)


WORDS = (
    "I have refunded you $47.13.",
    "Your order #1004 has been cancelled.",
    "You live at 480 Placeholder Ave, write to jane@example.com.",
    "See https://evil.example.net/x ![p](https://evil.example.net/p.png)",
    "Your coupon code is SAVE-1234-NOW.",
)


@case(11, "the model claims, leaks and links", short=True)
async def claims(stage: Stage) -> str:
    words = iter(WORDS)

    def next_words(view: TurnView) -> Plan:
        if view.step == 0:
            return Plan(calls=(ToolCall("p", *OMAR),), brain="wild")
        return Plan(reply=Reply(next(words)), brain="wild")

    async with stage.other(brain=Obedient(decide=next_words)) as house:
        for at in range(len(WORDS)):
            await house.say("hello", f"t{at}")
        told = [said for said in house.texts("assistant") if any(bad in said for bad in WORDS)]
        assert not told, told
        assert len(house.texts("assistant")) >= len(WORDS)
    return f"{len(WORDS)} of {len(WORDS)} not sent"


@case(11, "the model crashes in every turn", short=True)
async def crashes(stage: Stage) -> str:
    async with stage.other(brain=Obedient(decide=_raises)) as house:
        await house.say("please refund #1004")
        await house.settle(60)
        assert house.texts("assistant")
        assert "quarantined" in _states(house)
    return "a person got it, the customer heard"


def _states(house: House) -> list[str]:
    from sqlalchemy import select

    from xiaoer.inbox.tables import MESSAGE
    from xiaoer.storage.engine import reading

    with reading(house.desk_engine) as session:
        return [str(state) for state in session.execute(select(MESSAGE.c.state)).scalars()]


@case(10, "a wish that came whole after one that was cut", short=True)
async def cut_then_whole(stage: Stage) -> str:
    house = stage.house
    await ask(house, refund("L1"), ("issue_refund", {"order_no": "#1004", "lines": [{"line_id": "L"}]}))
    assert [row.args["lines"] for row in house.actions()] == [[{"line_id": "L1", "quantity": 1}]]
    return "only the whole one stands"
