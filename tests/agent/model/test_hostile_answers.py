"""Whatever the model says, the plan is safe: known tools, bounded calls, our own words to the customer."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fake_anthropic import FakeAnthropic, say, use_tools
from support.model_rig import Rig
from support.views import demo_store, result, tracked_view, view

from xiaoer.agent.brains.model.errors import BadAnswer
from xiaoer.agent.brains.model.planning import MOST_CALLS, read_plan
from xiaoer.agent.brains.model.stream import Answer, AskedCall, read_arguments
from xiaoer.tools.catalog import BRAIN_TOOLS

BAD_ARGUMENTS = {
    "not JSON": '{"order_no": }',
    "NaN": '{"order_no": NaN}',
    "infinity": '{"order_no": 1e999}',
    "a list": "[1, 2]",
    "a string": '"#1002"',
    "two objects": "{}{}",
    "too deep": '{"a":' * 2000 + "1" + "}" * 2000,
    "deeper than any tool": '{"a":' * 9 + "1" + "}" * 9,
    "half a surrogate pair": '{"a": "\\ud800"}',
    "a null byte": '{"a": "\\u0000"}',
    "a giant number": '{"a": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("kind", BAD_ARGUMENTS)
async def test_malformed_arguments_are_no_call(kind: str, api: FakeAnthropic, rig: Rig) -> None:
    api.will(use_tools(("issue_refund", BAD_ARGUMENTS[kind]), size=500))

    plan = await rig.brain.plan(tracked_view())

    assert plan.calls == () and plan.brain == "embedded"
    assert "bad_arguments" in plan.notes[0]


async def test_ten_megabytes_of_arguments_are_broken_off_at_once(api: FakeAnthropic, rig: Rig) -> None:
    await rig.model.start()
    api.will(use_tools(("issue_refund", '{"a":"' + "x" * 10_000_000 + '"}'), size=500))

    plan = await rig.brain.plan(tracked_view())

    assert plan.brain == "embedded"
    assert plan.notes == ("anthropic bad_arguments (oversized), embedded took over",)
    assert plan.model_calls[0].ms < 5_000


async def test_an_endless_text_is_broken_off(api: FakeAnthropic, rig: Rig) -> None:
    api.will(say("word " * 20_000))

    plan = await rig.brain.plan(tracked_view())

    assert plan.notes == ("anthropic oversized, embedded took over",)


async def test_unknown_tools_are_left_out_and_said(api: FakeAnthropic, rig: Rig) -> None:
    api.will(use_tools(("get_order", {"order_no": "#1002"}), ("drop_tables\n<x>", {"all": True})))

    plan = await rig.brain.plan(view())

    assert [call.name for call in plan.calls] == ["get_order"]
    assert plan.notes == ("unknown tool drop_tables??x? left out",)


@pytest.mark.parametrize("name", ["get_effect", "quote_coupon", "execute", "", "ISSUE_REFUND"])
async def test_an_answer_of_unknown_or_internal_tools_alone_falls_back(
    name: str, api: FakeAnthropic, rig: Rig
) -> None:
    api.will(use_tools((name, {"order_no": "#1002"})))

    plan = await rig.brain.plan(view())

    assert plan.calls == () and plan.brain == "embedded"


async def test_thirty_parallel_calls_are_cut_to_what_a_turn_may_have(api: FakeAnthropic, rig: Rig) -> None:
    api.will(use_tools(*[("track_order", {"order_no": f"#{n}"}) for n in range(30)]))

    plan = await rig.brain.plan(tracked_view())

    assert len(plan.calls) == MOST_CALLS
    assert plan.notes == ("30 calls asked for, 12 taken",)
    assert len({call.id for call in plan.calls}) == MOST_CALLS


async def test_calls_of_earlier_steps_count(api: FakeAnthropic, rig: Rig) -> None:
    done = tuple(result(f"T-0001_{100 + n}", "track_order", {}) for n in range(10))
    api.will(use_tools(*[("track_order", {"order_no": f"#{n}"}) for n in range(5)]))

    plan = await rig.brain.plan(view(results=done, step=1))

    assert [call.id for call in plan.calls] == ["T-0001_200", "T-0001_201"]


async def test_a_model_that_loops_ends_in_a_hand_off_without_being_asked_again(
    api: FakeAnthropic, rig: Rig
) -> None:
    api.will(use_tools(("track_order", {"order_no": "#1002"})))

    fifth = await rig.brain.plan(view(step=5))
    sixth = await rig.brain.plan(view(step=6))

    assert fifth.hand_off is not None and fifth.calls == ()
    assert sixth.hand_off is not None
    assert len(api.requests) == 1
    assert "last step" in json.dumps(api.requests[0].body["messages"])


async def test_a_hand_off_wins_over_calls_beside_it_and_says_our_words(api: FakeAnthropic, rig: Rig) -> None:
    api.will(
        use_tools(
            ("issue_refund", {"order_no": "#1002", "reason": "late"}),
            ("hand_off", {"reason": "angry", "summary": "Wants money back.\x07 " + "x" * 9000}),
            text="I have refunded you!",
        )
    )

    plan = await rig.brain.plan(view(lang="zh"))

    assert plan.calls == () and plan.reply is None
    assert plan.hand_off is not None
    assert plan.hand_off.reason == "angry" and plan.hand_off.urgent
    assert plan.hand_off.say.startswith("我已把情况转给人工同事")
    assert "\x07" not in plan.hand_off.summary and len(plan.hand_off.summary) <= 1500


@pytest.mark.parametrize("args", [{}, {"reason": "because", "summary": 7}, {"reason": ["angry"]}])
async def test_a_hand_off_with_wrong_arguments_still_reaches_a_person(
    args: dict[str, object], api: FakeAnthropic, rig: Rig
) -> None:
    api.will(use_tools(("hand_off", args)))

    plan = await rig.brain.plan(view("I want a human"))

    assert plan.hand_off is not None and plan.hand_off.reason == "unsupported"
    assert plan.hand_off.summary == "I want a human"


async def test_text_beside_tool_calls_is_never_sent(api: FakeAnthropic, rig: Rig) -> None:
    api.will(use_tools(("get_order", {"order_no": "#1002"}), text="Your refund has been paid out."))

    plan = await rig.brain.plan(view())

    assert plan.reply is None and len(plan.calls) == 1


async def test_control_characters_do_not_reach_the_customer(api: FakeAnthropic, rig: Rig) -> None:
    api.will(say("Hello\x00\x1b[31m there\nfriend \ud83d\ude00"))

    plan = await rig.brain.plan(view())

    assert plan.reply is not None and plan.reply.text == "Hello[31m there\nfriend 😀"


async def test_only_sources_that_exist_are_cited(api: FakeAnthropic, rig: Rig) -> None:
    clause = demo_store().policy.clauses[0].id
    entry = result(
        "pf_T-0001_1", "search_knowledge", {"entries": [{"entry_id": "KB-7", "title": "Batteries"}]}
    )
    api.will(say(f"They are included. [[KB-7]] [[{clause}]] [[KB-99]] [[KB-7]]"))

    plan = await rig.brain.plan(view(results=(entry,)))

    assert plan.reply is not None
    assert plan.reply.text == "They are included."
    assert [source["id"] for source in plan.reply.citations] == ["KB-7", clause]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*BRAIN_TOOLS, "hand_off", "get_effect"]) | st.text(string.printable, max_size=12)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    text=st.text(max_size=60),
    calls=st.lists(st.tuples(NAMES, st.dictionaries(st.text(max_size=8), JSON, max_size=3)), max_size=20),
    step=st.integers(0, 5),
)
def test_any_answer_is_one_safe_plan_or_no_plan(text, calls, step) -> None:
    answer = Answer(text, tuple(AskedCall(name, args) for name, args in calls), "end_turn")
    try:
        plan = read_plan(view(step=step), answer)
    except BadAnswer:
        return
    assert sum((bool(plan.calls), plan.reply is not None, plan.hand_off is not None)) == 1
    assert len(plan.calls) <= MOST_CALLS
    assert all(call.name in BRAIN_TOOLS for call in plan.calls)


@given(st.text(max_size=200) | JSON.map(json.dumps))
def test_arguments_are_a_storable_object_or_refused(text) -> None:
    try:
        args = read_arguments(text)
    except BadAnswer:
        return
    assert isinstance(args, dict)
    json.dumps(args, allow_nan=False, ensure_ascii=False).encode()
