"""A model that fails in any documented way: nothing partial is used, the embedded brain answers, the trace says why."""

from __future__ import annotations

import time

import pytest
from support.fake_anthropic import (
    Answer,
    FakeAnthropic,
    cut_at,
    ends_after,
    error,
    error_event_after,
    recorded,
    refused_url,
    say,
    use_tools,
)
from support.model_rig import Rig
from support.views import tracked_view, view

REFUND = ("issue_refund", {"order_no": "#1002", "reason": "late"})
WISH = use_tools(REFUND, size=5)
SPOKEN = say("Your refund is on its way to you today.")

BROKEN = {
    "cut in the text": (cut_at(SPOKEN, b"refund"), "stream_broken (RemoteProtocolError)"),
    "cut in a tool's JSON": (cut_at(WISH, b"partial_json"), "stream_broken (RemoteProtocolError)"),
    "ends politely in a tool's JSON": (ends_after(WISH, b"_no"), "stream_cut"),
    "ends politely in the text": (ends_after(SPOKEN, b"refund"), "stream_cut"),
    "ends before its stop reason": (ends_after(WISH, b"content_block_stop"), "stream_cut"),
    "error event after 200": (error_event_after(SPOKEN, "api_error", 4), "server_error (in the stream)"),
    "empty body": (Answer(b"", headers=(("x-demo", "1"),)), "empty"),
    "no words and no calls": (say(""), "empty"),
    "not JSON": (Answer(b"event: message_start\ndata: {nonsense\n\n"), "garbage (JSONDecodeError)"),
    "not text": (Answer(b"\x00\xff\xfe<html>"), "garbage (UnicodeDecodeError)"),
    "max_tokens in a tool call": (recorded("incomplete_partial_json_response"), "too_long"),
    "max_tokens in the text": (say("Your refund is", stop_reason="max_tokens"), "too_long"),
    "max_tokens with a whole call": (use_tools(REFUND, stop_reason="max_tokens"), "too_long"),
    "refusal": (recorded("refusal_response"), "refused"),
    "pause": (say("One moment", stop_reason="pause_turn"), "unfinished"),
    "stop reason of the future": (say("Hello", stop_reason="bored"), "unknown_stop"),
    "500": (error(500, "api_error"), "server_error (500)"),
    "503": (error(503, "api_error"), "server_error (503)"),
    "401": (error(401, "authentication_error"), "unauthorised (401)"),
    "404": (error(404, "not_found_error"), "no_such_model (404)"),
    "400": (error(400, "invalid_request_error"), "bad_request (400)"),
    "413": (error(413, "request_too_large"), "bad_request (413)"),
    "429 without retry-after": (error(429, "rate_limit_error"), "limited (429)"),
    "429 with a long wait": (error(429, "rate_limit_error", "60"), "limited (429)"),
    "spend limit": (
        error(429, "rate_limit_error", error_code="enforced_spend_limit_reached"),
        "spend_limit (429)",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_broken_answer_is_replaced_by_the_embedded_brain_and_named_in_the_trace(
    kind: str, api: FakeAnthropic, rig: Rig
) -> None:
    answer, word = BROKEN[kind]
    api.will(answer, say("This second answer must not be asked for."))

    plan = await rig.brain.plan(tracked_view())

    assert plan.calls == ()
    assert plan.reply is not None and plan.reply.text == "From the playbooks."
    assert plan.brain == "embedded"
    assert plan.notes == (f"anthropic {word}, embedded took over",)
    assert [call.error for call in plan.model_calls] == [word]
    assert len(api.requests) == 1
    assert rig.waits == []


async def test_a_short_wait_named_by_the_provider_is_waited_once(api: FakeAnthropic, rig: Rig) -> None:
    api.will(error(429, "rate_limit_error", "2"), say("It left Reno yesterday."))

    plan = await rig.brain.plan(tracked_view())

    assert plan.reply is not None and plan.reply.text == "It left Reno yesterday."
    assert rig.waits == [2.0]
    assert [call.error for call in plan.model_calls] == ["limited (429)", ""]
    assert plan.notes == ()


async def test_overload_is_asked_again_once_and_never_twice(api: FakeAnthropic, rig: Rig) -> None:
    api.will(error(529, "overloaded_error"))

    plan = await rig.brain.plan(tracked_view())

    assert len(api.requests) == 2
    assert plan.notes == ("anthropic overloaded (529), embedded took over",)
    assert len(plan.model_calls) == 2


async def test_overload_within_a_stream_counts_as_overload(api: FakeAnthropic, rig: Rig) -> None:
    api.will(error_event_after(SPOKEN, "overloaded_error", 4), say("It left Reno yesterday."))

    plan = await rig.brain.plan(tracked_view())

    assert plan.reply is not None and plan.reply.text == "It left Reno yesterday."
    assert [call.error for call in plan.model_calls] == ["overloaded (in the stream)", ""]


async def test_nothing_is_asked_again_when_it_could_not_be_in_time(api: FakeAnthropic) -> None:
    rig = Rig(api, deadline=4.0)
    api.will(error(429, "rate_limit_error", "2"), say("Too late."))

    plan = await rig.brain.plan(tracked_view())

    assert plan.brain == "embedded"
    assert len(api.requests) == 1


SLOW = {
    "first byte": Answer(hang=True),
    "in the middle": Answer(SPOKEN.body, hang_after=400),
    "drop by drop": Answer(SPOKEN.body, drip=0.1),
}


@pytest.mark.parametrize("kind", SLOW)
async def test_a_slow_model_is_left_at_the_deadline(kind: str, api: FakeAnthropic) -> None:
    rig = Rig(api, deadline=0.25)
    await rig.model.start()
    api.will(SLOW[kind])
    begun = time.monotonic()

    plan = await rig.brain.plan(tracked_view())

    assert time.monotonic() - begun < 2.0
    assert plan.brain == "embedded"
    assert plan.notes == ("anthropic slow (0.25 s), embedded took over",)
    assert [call.error for call in plan.model_calls] == ["slow (broken off)"]


async def test_a_refused_connection_falls_back(api: FakeAnthropic) -> None:
    rig = Rig(api, base_url=await refused_url())

    plan = await rig.brain.plan(view())

    assert plan.brain == "embedded"
    assert "unreachable" in plan.notes[0]
