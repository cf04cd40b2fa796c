"""Turns, states and actions for tests of the graph and its guard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from xiaoer.agent.brains.protocol import Plan
from xiaoer.agent.state import State
from xiaoer.agent.turn import TurnInput
from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.messages import HistoryItem, InboundMessage, Reply
from xiaoer.domain.money import Money
from xiaoer.domain.stores import Store
from xiaoer.domain.understanding import Understanding
from xiaoer.stores.loader import load_stores
from xiaoer.tools.calls import ToolCall, ToolResult

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


@cache
def store(name: str = "demo-us") -> Store:
    return load_stores()[name]


def a_turn(
    *texts: str,
    now: datetime = NOW,
    history: tuple[HistoryItem, ...] = (),
    actions: tuple[ActionView, ...] = (),
    memory: dict[str, Any] | None = None,
    scope: Scope | None = None,
    store_id: str = "demo-us",
    turn_id: str = "T-1",
) -> TurnInput:
    new = tuple(
        InboundMessage(store_id, "web", "thread-1", f"E-{number}", text) for number, text in enumerate(texts)
    )
    return TurnInput(
        turn_id=turn_id,
        conversation_id="C-1",
        store=store(store_id),
        channel="web",
        lang=None,
        history=history,
        new=new,
        scope=scope or Scope(store_id, "C-1"),
        memory=memory or {},
        actions=actions,
        now=now,
    )


def proven(store_id: str = "demo-us") -> Scope:
    return Scope(store_id, "C-1", Level.ORDER, customer_ref="cust-1")


def a_state(records: Sequence[dict[str, Any]] = (), **turn: Any) -> State:
    made = a_turn("hello", **turn)
    results = tuple(
        ToolResult(ToolCall(f"c{number}", "get_order", {}), "orders", True, dict(record))
        for number, record in enumerate(records)
    )
    return {
        "turn": made,
        "messages": ("hello",),
        "understanding": Understanding("en", ()),
        "lang": "en",
        "scope": made.scope,
        "memory": made.memory,
        "results": results,
        "plan": Plan(reply=Reply("hello")),
        "step": 1,
    }


def an_action(
    tool: str, status: ActionStatus, amount_minor: int | None = None, order_no: str = "#1004"
) -> ActionView:
    amount = None if amount_minor is None else Money(amount_minor, "USD")
    return ActionView(
        "A-0123456789",
        tool,
        status,
        order_no,
        {"order_no": order_no},
        amount,
        "Visa ···· 4242",
        "refund.window",
    )
