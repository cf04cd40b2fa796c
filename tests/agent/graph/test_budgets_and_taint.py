"""What a turn does with a spent budget and too much text, and what its trace says of the words from outside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.turns import NOW, a_turn

from xiaoer.agent.brains.protocol import Plan, TurnView
from xiaoer.agent.nodes.plan import make_plan
from xiaoer.agent.nodes.screen import MOST_CHARACTERS, MOST_MESSAGES, screen
from xiaoer.agent.taint import taint_of
from xiaoer.domain.messages import Author, HistoryItem, Reply
from xiaoer.domain.understanding import Understanding
from xiaoer.tools.calls import ToolCall, ToolResult
from xiaoer.tools.interceptors import LONGEST_TEXT, Kit, plain_text


class Mind:
    def __init__(self, name: str) -> None:
        self.name, self.asked = name, 0

    async def plan(self, view: TurnView) -> Plan:
        self.asked += 1
        return Plan(reply=Reply("hello"), brain=self.name)


def state_of(**changes: Any) -> Any:
    turn = replace(a_turn("hello"), **changes.pop("turn", {}))
    return {
        "turn": turn, "messages": ("hello",), "understanding": Understanding("en", ()), "lang": "en",
        "scope": turn.scope, "memory": {}, "step": 0, **changes,
    }  # fmt: skip


async def test_a_spent_budget_asks_no_model_and_the_trace_says_why() -> None:
    model, embedded = Mind("anthropic:demo"), Mind("embedded")
    plan = make_plan(model, embedded)
    changed = await plan(state_of(turn={"brake": "model_cost"}))
    assert (model.asked, embedded.asked) == (0, 1)
    assert changed["notes"] == ("budget model_cost is spent, embedded answers",)
    assert (await plan(state_of(turn={"brake": "model_cost"}, step=1)))["notes"] == ()
    assert (await plan(state_of()))["plan"].brain == "anthropic:demo"


async def test_a_turn_reads_the_newest_words_that_fit_and_says_that_there_were_more() -> None:
    many = await screen({"turn": a_turn(*[f"{n} " + "x" * 3_000 for n in range(10)])})
    assert sum(map(len, many["messages"])) <= MOST_CHARACTERS
    assert many["messages"][-1].startswith("9 ") and "flooded" in many["marks"]
    short = await screen({"turn": a_turn(*["hi"] * 50)})
    assert len(short["messages"]) == MOST_MESSAGES
    assert (await screen({"turn": a_turn("one", "two")}))["marks"] == ()


def test_the_trace_says_which_parts_came_from_outside_and_from_whom() -> None:
    history = (
        HistoryItem("M-1", Author.CUSTOMER, "hello", NOW),
        HistoryItem("M-2", Author.ASSISTANT, "hi", NOW),
        HistoryItem("M-3", Author.AGENT, "I am here", NOW),
    )
    results = (
        ToolResult(ToolCall("pf_1", "track_order", {}), "logistics", True, {"text": "left the depot"}),
        ToolResult(ToolCall("pf_2", "anything", {}), "somewhere", True, {"x": 1}),
    )
    parts = {part["part"]: part for part in taint_of(state_of(turn={"history": history}, results=results))}
    assert parts["customer_message"]["chars"] == 5
    assert parts["history.customer"]["from"] == ["customer"]
    assert parts["history.agent"]["from"] == ["agent"]
    assert "history.assistant" not in parts
    assert parts["tool.track_order"]["from"] == ["carrier"]
    assert parts["tool.anything"]["from"] == ["unknown"]
    assert "left the depot" not in str(parts)


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\U000e0041", "\x00", "\x1b", "\ue000"])
async def test_what_nobody_can_see_does_not_reach_a_brain_from_any_server(hidden: str) -> None:
    async def server(_request: Any) -> ToolResult:
        data = {"a": f"x{hidden}y", "deep": [{"b": f"{hidden}z\n"}], "n": 1}
        return ToolResult(ToolCall("1", "t", {}), "s", True, data, error=f"e{hidden}")

    kit: Kit = None  # type: ignore[assignment]  # not asked for
    cleaned = await plain_text(kit)(None, server)  # type: ignore[arg-type]  # the request is not looked at
    assert cleaned.data == {"a": "xy", "deep": [{"b": "z\n"}], "n": 1}
    assert cleaned.error == "e"


async def test_one_endless_text_of_a_tool_is_cut() -> None:
    async def server(_request: Any) -> ToolResult:
        return ToolResult(ToolCall("1", "t", {}), "s", True, {"a": "x" * 50_000})

    kit: Kit = None  # type: ignore[assignment]  # not asked for
    cut = await plain_text(kit)(None, server)  # type: ignore[arg-type]  # the request is not looked at
    assert len(cut.data["a"]) == LONGEST_TEXT
