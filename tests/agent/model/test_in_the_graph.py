"""The model brain in the real conversation graph, with guard and embedded brain behind it."""

from __future__ import annotations

from typing import Any

from support.fake_anthropic import FakeAnthropic, error, say, use_tools
from support.model_rig import Rig
from support.views import NOW, PARCEL, demo_store, result

from xiaoer.agent.brains.embedded.brain import EmbeddedBrain
from xiaoer.agent.brains.fallback import FallbackBrain
from xiaoer.agent.graph import ConversationGraph
from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.messages import InboundMessage
from xiaoer.domain.understanding import IntentScore, Slots, Understanding
from xiaoer.prompts.playbooks import load_playbooks
from xiaoer.tools.calls import ToolCall, ToolResult

TRACK = {
    "order_no": "#1002",
    "state": "shipped",
    "ship_by": None,
    "parcels": [PARCEL],
    "unshipped": [],
    "checked_at": "2026-11-20T18:00:00Z",
}


class Understander:
    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding:
        return Understanding("en", (IntentScore("track_parcel", 0.97),), slots=Slots(("#1002",)))


async def run(call: ToolCall, scope: Scope, turn_id: str) -> ToolResult:
    return result(call.id, call.name, TRACK)


def prefetch(view: Any) -> tuple[ToolCall, ...]:
    return () if view.results else (ToolCall(f"pf_{view.turn_id}_1", "track_order", {"order_no": "#1002"}),)


async def turn(rig: Rig) -> TurnOutcome:
    playbooks = load_playbooks()
    embedded = EmbeddedBrain(playbooks)
    brain = FallbackBrain(rig.model, embedded)
    graph = ConversationGraph(brain, embedded, Understander(), prefetch, run)
    asked = InboundMessage("demo-us", "web", "thread", "event", "Where is my order #1002?")
    proven = Scope("demo-us", "C-1", Level.ORDER, customer_ref="cus_demo", verified_at=NOW)
    return await graph(TurnInput("T-1", "C-1", demo_store(), "web", None, (), (asked,), proven, {}, (), NOW))


async def test_a_tracked_parcel_is_one_model_call_in_the_trace(api: FakeAnthropic, rig: Rig) -> None:
    api.will(say("Your parcel left Reno on November 19."))
    outcome = await turn(rig)

    assert [reply.text for reply in outcome.replies] == ["Your parcel left Reno on November 19."]
    assert outcome.replies[0].cards[0]["type"] == "parcels"
    assert len(api.requests) == 1 == len(outcome.trace["model_calls"])
    assert outcome.trace["brain"] == "anthropic:claude-haiku-5-5"


async def test_a_claim_without_receipt_is_not_said(api: FakeAnthropic, rig: Rig) -> None:
    api.will(say("I have refunded you $500.00."))
    outcome = await turn(rig)

    assert outcome.replies
    assert not any("500" in reply.text or "refunded" in reply.text for reply in outcome.replies)
    assert any(check["verdict"] != "pass" for check in outcome.trace["guard"])


async def test_a_model_that_fails_in_the_second_step_leaves_an_answered_customer(
    api: FakeAnthropic, rig: Rig
) -> None:
    api.will(use_tools(("track_parcel", {"tracking_no": "9400"})), error(500, "api_error"))
    outcome = await turn(rig)

    assert outcome.replies and outcome.replies[0].text
    assert outcome.trace["notes"] == ["anthropic server_error (500), embedded took over"]
    assert [call["error"] for call in outcome.trace["model_calls"]] == ["", "server_error (500)"]


async def test_a_looping_model_reaches_a_person(api: FakeAnthropic, rig: Rig) -> None:
    api.will(use_tools(("track_order", {"order_no": "#1002"})))
    outcome = await turn(rig)

    assert outcome.hand_off is not None
    assert len(api.requests) <= 6
