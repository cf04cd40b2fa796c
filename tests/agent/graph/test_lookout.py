"""A promise is looked at by the same tools, and told in the customer's language from records alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.turns import a_turn

from xiaoer.agent.lookout import Lookout, Sight, Watch
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.promises import PromiseKind, snapshot_of
from xiaoer.domain.understanding import LANGUAGES, Understanding
from xiaoer.prompts.playbooks import load_playbooks
from xiaoer.prompts.unasked import load_unasked
from xiaoer.tools.calls import ToolCall, ToolResult

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
NUMBER = "1ZDEM0292503085439"


def track(verdict: str = "on_its_way", **changes: Any) -> dict[str, Any]:
    parcel = {
        "tracking_no": NUMBER,
        "carrier": "ups",
        "carrier_name": "UPS",
        "verdict": verdict,
        "since": "2026-11-23T09:00:00Z",
        "lines": [{"line_id": "1", "title": "Bands", "quantity": 1}],
        "events": [
            {"at": "2026-11-23T09:00:00Z", "state": "in_transit", "text": "Scan", "place": "Gary, IN"}
        ],
    }
    record = {"order_no": "#1006", "state": "shipped", "parcels": [parcel], "unshipped": []}
    return {**record, **changes}


@dataclass
class Tools:
    data: dict[str, Any] | None
    calls: list[tuple[ToolCall, Scope]] = field(default_factory=list)

    async def run(self, call: ToolCall, scope: Scope, turn_id: str) -> ToolResult:
        self.calls.append((call, scope))
        if self.data is None:
            return ToolResult(call, "logistics", False, {}, "It is down.", "down")
        return ToolResult(call, "logistics", True, self.data)


class Ears:
    """Understands languages by their script, which is all that is asked of it here."""

    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding:
        return Understanding("zh" if any("一" <= char <= "鿿" for char in text) else "en", ())


PROVEN = Scope("demo-us", "C-1", Level.ORDER, customer_ref="cust-1", expires_at=NOW + timedelta(hours=1))
EXPIRED = Scope("demo-us", "C-1")


def a_watch(kind: str = "parcel_moves", lang: str = "en", scope: Scope = PROVEN, **changes: Any) -> Watch:
    turn = replace(a_turn(now=NOW, scope=scope), new=(), lang=lang)
    values: dict[str, Any] = {
        "follow_up_id": "F-1",
        "kind": PromiseKind(kind),
        "subject": "#1006",
        "order_no": "#1006",
        "customer_ref": "cust-1",
        "snapshot": snapshot_of("track_order", track("stuck")),
        "turn": turn,
    }
    return Watch(**{**values, **changes})


def look(watch: Watch, data: dict[str, Any] | None) -> tuple[Sight, Tools]:
    tools = Tools(data)
    lookout = Lookout(load_playbooks(), load_unasked(), Ears(), tools.run)
    return asyncio.run(lookout.look(watch)), tools


def test_a_parcel_that_moves_is_told_with_its_facts_and_card() -> None:
    sight, tools = look(a_watch(), track())
    assert sight.changed and not sight.leave and sight.reply is not None
    assert NUMBER in sight.reply.text and "#1006" in sight.reply.text and "Gary, IN" in sight.reply.text
    assert [card["type"] for card in sight.reply.cards] == ["parcels"]
    assert tools.calls[0][1] == PROVEN
    assert [check["verdict"] for check in sight.trace["guard"]].count("fail") == 0


def test_a_parcel_that_stands_still_is_not_told() -> None:
    sight, _ = look(a_watch(), track("stuck"))
    assert (sight.readable, sight.changed, sight.reply) == (True, False, None)


def test_a_new_scan_in_the_same_state_is_no_news() -> None:
    moved = track("stuck")
    moved["parcels"][0]["events"][0]["place"] = "Hodgkins, IL"
    assert look(a_watch(), moved)[0].reply is None


def test_without_a_snapshot_the_first_look_only_learns_what_is_true() -> None:
    sight, _ = look(a_watch(snapshot={}), track())
    assert sight.reply is None and sight.snapshot == snapshot_of("track_order", track())


def test_a_tool_that_is_down_is_neither_news_nor_silence_for_ever() -> None:
    sight, _ = look(a_watch(), None)
    assert (sight.readable, sight.reply) == (False, None)
    final, _ = look(a_watch(final=True), None)
    assert final.reply is not None and final.leave
    assert "colleague" in final.reply.text


def test_when_the_proof_has_run_out_only_states_are_told_under_a_scope_of_one_order() -> None:
    sight, tools = look(a_watch(scope=EXPIRED), track())
    scope = tools.calls[0][1]
    assert (scope.only_order, scope.customer_ref, scope.level) == ("#1006", "cust-1", Level.ORDER)
    assert scope.expires_at is not None and scope.expires_at <= NOW + timedelta(minutes=2)
    assert sight.reply is not None and sight.reply.cards == ()
    assert "on its way" in sight.reply.text
    assert NUMBER not in sight.reply.text and "Gary" not in sight.reply.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_news_and_its_absence_are_told_in_every_language(lang: str) -> None:
    news, _ = look(a_watch(lang=lang), track())
    assert news.reply is not None and not news.leave, news.trace["guard"]
    assert NUMBER in news.reply.text
    late, _ = look(a_watch(lang=lang, final=True), track("stuck"))
    assert late.reply is not None and late.leave and not late.changed
    assert "#1006" in late.reply.text, late.trace["guard"]
    gone, _ = look(a_watch(lang=lang), track(state="cancelled", parcels=[]))
    assert gone.reply is not None and "{" not in gone.reply.text and "[" not in gone.reply.text


def inquiry(answer: str | None) -> dict[str, Any]:
    status = "open" if answer is None else "answered"
    return {"inquiry_id": "Q-1", "status": status, "answer": answer, "question": "where?"}


def asked(**changes: Any) -> Watch:
    return a_watch("supplier_answers", subject="Q-1", snapshot={"status": "open"}, **changes)


def test_a_suppliers_answer_is_quoted_with_the_day_it_names() -> None:
    sight, _ = look(asked(), inquiry("It was found and arrives on Nov 30."))
    assert sight.changed and not sight.leave and sight.reply is not None
    assert "“It was found and arrives on Nov 30.”" in sight.reply.text
    assert look(asked(), inquiry(None))[0].reply is None


@pytest.mark.parametrize(
    "answer",
    [
        "We have refunded it already.",
        "Call Peter at +1 415 555 0199.",
        "See https://evil.example/track for it.",
    ],
)
def test_an_answer_that_the_guard_holds_back_is_told_by_a_person(answer: str) -> None:
    sight, _ = look(asked(), inquiry(answer))
    assert sight.changed and sight.leave and sight.reply is not None
    assert answer not in sight.reply.text


def test_an_answer_in_another_language_is_told_by_a_person() -> None:
    sight, _ = look(asked(), inquiry("已经找到了，明天发出"))
    assert sight.leave and sight.reply is not None and "已经" not in sight.reply.text
    same, _ = look(asked(lang="zh"), inquiry("已经找到了，明天发出"))
    assert not same.leave and same.reply is not None and "“已经找到了，明天发出”" in same.reply.text


def test_a_supplier_who_does_not_answer_is_told_as_such_and_a_person_goes_on() -> None:
    sight, _ = look(asked(final=True), inquiry(None))
    assert sight.leave and not sight.changed and sight.reply is not None
    assert "warehouse" in sight.reply.text


def order(status: str) -> dict[str, Any]:
    money = {"amount_minor": 2400, "currency": "USD"}
    refund = {
        "refund_id": "R-1",
        "order_no": "#1006",
        "amount": money,
        "status": status,
        "destination": "PayPal",
        "created_at": "2026-11-23T08:00:00Z",
        "lines": [],
    }
    return {"order_no": "#1006", "state": "delivered", "lines": [], "refunded": money, "refunds": [refund]}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_refund_that_has_arrived_is_told_with_its_amount(lang: str) -> None:
    before = snapshot_of("get_order", order("pending"))
    watch = a_watch("refund_arrives", lang=lang, snapshot=before)
    sight, _ = look(watch, order("succeeded"))
    assert sight.reply is not None and not sight.leave, sight.trace["guard"]
    assert "24.00" in sight.reply.text
    assert look(watch, order("pending"))[0].reply is None
    failed, _ = look(watch, order("failed"))
    assert failed.leave


def test_garbage_from_a_tool_is_told_by_a_person_and_never_repeated() -> None:
    broken = {"order_no": "#1006", "state": "shipped", "parcels": [{"tracking_no": "X", "verdict": "?"}]}
    broken["unshipped"] = [{"quantity": 1}]
    sight, _ = look(a_watch(), broken)
    assert sight.reply is not None and sight.leave
