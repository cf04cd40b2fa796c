"""Whatever brain plans a turn, what it says and does is what it is held to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from support.turns import NOW

from xiaoer.agent.brains.protocol import Plan
from xiaoer.agent.promising import asked_for, is_service, promises_of, told_in
from xiaoer.domain.messages import HandOff, Reply
from xiaoer.domain.promises import Promise, PromiseKind
from xiaoer.domain.understanding import IntentScore, Understanding
from xiaoer.tools.calls import ToolCall, ToolResult

TRACK = {
    "order_no": "#1006",
    "state": "shipped",
    "parcels": [{"tracking_no": "1Z999AA1", "verdict": "stuck"}],
    "unshipped": [],
}
KNOWN = {"state": "shipped", "parcels": {"1Z999AA1": "stuck"}, "unshipped": 0}


def result(tool: str, data: dict[str, Any], ok: bool = True, **args: Any) -> ToolResult:
    return ToolResult(ToolCall("c1", tool, args), "server", ok, data)


TRACKED = result("track_order", TRACK, order_no="1006")
ASKED = result(
    "ask_supplier",
    {"inquiry_id": "Q-1", "status": "open", "answer_expected_by": "2026-11-24T08:00:00Z"},
    order_no="#1006",
)


def test_a_promise_of_the_plan_carries_what_the_turn_has_read() -> None:
    promise = Promise(PromiseKind.PARCEL_MOVES, "1006", NOW, NOW + timedelta(hours=72), "1006")
    (given,) = promises_of(Plan(reply=Reply("…"), promises=(promise,)), [TRACKED], NOW)
    assert given.snapshot == KNOWN
    (blind,) = promises_of(Plan(reply=Reply("…"), promises=(promise,)), [], NOW)
    assert blind.snapshot is None


def test_every_question_to_a_supplier_is_a_promise_with_his_own_day() -> None:
    (given,) = promises_of(Plan(hand_off=HandOff("asked", "", "")), [ASKED], NOW)
    assert (given.kind, given.subject, given.order_no) == (PromiseKind.SUPPLIER_ANSWERS, "Q-1", "#1006")
    assert given.look_at.isoformat() == "2026-11-24T08:00:00+00:00"
    assert given.deadline - given.look_at == timedelta(hours=24)
    failed = result("ask_supplier", {}, ok=False)
    assert promises_of(Plan(reply=Reply("…")), [failed], NOW) == ()


def test_a_brain_that_says_it_comes_back_is_held_to_it() -> None:
    for words in (
        "I'll check again tomorrow.",
        "I will write you as soon as it moves.",
        "一有消息就告诉您。",
    ):
        (given,) = promises_of(Plan(reply=Reply(words)), [TRACKED], NOW)
        assert (given.kind, given.subject, given.snapshot) == (PromiseKind.CHECK_BACK, "#1006", KNOWN)
    assert promises_of(Plan(reply=Reply("It is on its way.")), [TRACKED], NOW) == ()


def test_only_what_the_words_name_counts_as_told() -> None:
    nothing = Understanding("en", ())
    told = told_in([TRACKED], [Reply("UPS 1Z999AA1 stands still.")], nothing)
    assert told == {"track_order:1006": KNOWN}
    assert told_in([TRACKED], [Reply("Our return policy is simple.")], nothing) == {}
    order = result("get_order", {"order_no": "#1006", "refunds": [{"refund_id": "R", "status": "pending"}]})
    assert told_in([order], [Reply("…")], nothing) == {}
    status = Understanding("en", (IntentScore("refund_status", 0.9),))
    assert told_in([order], [Reply("…")], status) == {"get_order:1006": {"refunds": {"R": "pending"}}}


def test_a_question_that_waits_for_the_customer_is_named_and_an_offer_is_none() -> None:
    assert asked_for(Plan(memory={"ask": {"kind": "proof"}}), [Reply("…")]) == "proof"
    assert asked_for(Plan(memory={"ask": {"kind": "offer"}}), [Reply("Shall I?")]) is None
    assert asked_for(Plan(memory={}), [Reply("Which one?")]) is None
    assert asked_for(Plan(), [Reply("Which one?")]) == "question"  # a model keeps no such memory
    assert asked_for(Plan(), [Reply("Here it is.")]) is None


def test_a_matter_is_one_by_what_was_meant_or_by_what_was_read() -> None:
    greeting = Understanding("en", (IntentScore("greeting", 0.9),))
    assert not is_service(greeting, [result("verify_customer", {"verified": True})])
    assert is_service(Understanding("en", ()), [TRACKED])  # a bare order number
    assert is_service(Understanding("en", (IntentScore("return_policy", 0.9),)), [])
