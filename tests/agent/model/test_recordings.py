"""Real recorded streams through the whole path: none crashes it, and what comes out is what was said."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.fake_anthropic import FakeAnthropic, recorded, recordings, replayed
from support.model_rig import Rig
from support.views import view

from xiaoer.agent.brains.model.errors import CUT, BadAnswer
from xiaoer.agent.brains.model.stream import Answer, collect

VENDORED = recordings()
SHARED = os.environ.get("XIAOER_SHARED_DATA")


def said(row: dict[str, Any]) -> tuple[str, list[tuple[str, dict[str, Any]]], str]:
    """Text, tool calls and stop reason, read from the raw events by other means."""
    events = [json.loads(line[5:]) for line in row["sse"].splitlines() if line.startswith("data:")]
    text, stop = "", ""
    names: dict[int, str] = {}
    args: dict[int, str] = {}
    for event in events:
        block, delta = event.get("content_block") or {}, event.get("delta") or {}
        text += block.get("text") or "" if block.get("type") == "text" else ""
        text += delta.get("text") or "" if delta.get("type") == "text_delta" else ""
        if block.get("type") == "tool_use":
            names[event["index"]] = block["name"]
        if delta.get("type") == "input_json_delta" and event["index"] in names:
            args[event["index"]] = args.get(event["index"], "") + delta["partial_json"]
        stop = delta.get("stop_reason") or stop
    return text.strip(), [(names[i], json.loads(args.get(i) or "{}")) for i in names], stop


async def heard(api: FakeAnthropic, rig: Rig, row: dict[str, Any]) -> Answer | BadAnswer:
    api.will(replayed(row))
    await rig.model.start()
    try:
        return await collect(rig.model._model.astream("hello"))
    except BadAnswer as error:
        return error


def check(row: dict[str, Any], answer: Answer | BadAnswer) -> None:
    text, calls, stop = said(row)
    if isinstance(answer, BadAnswer):
        assert stop in CUT or not (text or calls), (row["path"], answer.failure)
        return
    assert answer.text == text, row["path"]
    assert [(call.name, call.args) for call in answer.calls] == calls, row["path"]
    assert answer.stop_reason == stop
    assert answer.output_tokens > 0


@pytest.mark.parametrize("row", [r for r in VENDORED if "sse" in r], ids=lambda r: Path(r["path"]).stem)
async def test_a_recorded_stream_says_what_was_said(
    row: dict[str, Any], api: FakeAnthropic, rig: Rig
) -> None:
    check(row, await heard(api, rig, row))


@pytest.mark.parametrize("row", [r for r in VENDORED if "json" in r], ids=lambda r: Path(r["path"]).stem)
async def test_a_recorded_error_falls_back(row: dict[str, Any], api: FakeAnthropic, rig: Rig) -> None:
    api.will(replayed(row))
    plan = await rig.brain.plan(view())

    assert plan.brain == "embedded"


async def test_recorded_text_and_recorded_parallel_tools(api: FakeAnthropic, rig: Rig) -> None:
    api.will(recorded("basic_response"))
    plan = await rig.brain.plan(view())
    assert plan.reply is not None and plan.reply.text == "Hello there!"

    api.will(recorded("tool_use_response"))
    plan = await rig.brain.plan(view(turn_id="T-2"))
    assert plan.notes == ("anthropic unknown_tool, embedded took over",)


@pytest.mark.skipif(not SHARED, reason="the full recordings are not here: set XIAOER_SHARED_DATA")
async def test_every_recorded_stream_there_is(api: FakeAnthropic, rig: Rig) -> None:
    rows = [r for r in recordings(Path(SHARED or "") / "anthropic" / "recordings.jsonl.gz") if "sse" in r]
    answers = [(row, await heard(api, rig, row)) for row in rows]

    assert len(answers) >= 79
    for row, answer in answers:
        check(row, answer)
