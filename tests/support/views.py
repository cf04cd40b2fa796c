"""Views of a turn for tests of brains: a tracked parcel, a fresh question, a refund on its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from xiaoer.agent.brains.protocol import Plan, TurnView
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.messages import Author, HistoryItem, Reply
from xiaoer.domain.stores import Store
from xiaoer.domain.understanding import IntentScore, Slots, Understanding
from xiaoer.stores.loader import load_stores
from xiaoer.tools.calls import ToolCall, ToolResult
from xiaoer.tools.catalog import BRAIN_TOOLS

NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Schema:
    name: str
    description: str
    input_schema: dict[str, Any]


@dataclass(frozen=True)
class Book:
    intent: str
    goal: str = "Tell the customer the truth."
    rules: tuple[str, ...] = ("Name every parcel.",)


def schemas(*names: str) -> list[Schema]:
    """Published schemas, of all tools a brain may name by default."""
    shape = {
        "type": "object",
        "required": ["order_no"],
        "properties": {"order_no": {"type": "string"}, "reason": {"type": "string"}},
    }
    return [Schema(name, f"Does {name}.", shape) for name in names or BRAIN_TOOLS]


BOOKS = (Book("track_parcel"), Book("refund_request", rules=("Never name an amount.", "Ask which items.")))


@cache
def demo_store(store_id: str = "demo-us") -> Store:
    return load_stores()[store_id]


def view(*messages: str, **changes: Any) -> TurnView:
    """A customer's turn in the English demo store; any field can be given."""
    store = changes.pop("store", demo_store())
    given: dict[str, Any] = {
        "turn_id": "T-0001",
        "store": store,
        "channel": "web",
        "lang": "en",
        "now": NOW,
        "messages": messages or ("Where is my order #1002? jane@example.com",),
        "understanding": Understanding("en", (IntentScore("track_parcel", 0.97),), slots=Slots(("#1002",))),
        "history": (),
        "scope": Scope(store.id, "C-0001"),
        "memory": {},
    }
    return TurnView(**{**given, **changes})


def tracked_view(**changes: Any) -> TurnView:
    """Proof, order and parcels have been fetched before the brain is asked."""
    found = (
        result("pf_T-0001_1", "verify_customer", {"verified": True, "order_no": "#1002"}),
        result("pf_T-0001_2", "track_order", {"order_no": "#1002", "state": "shipped", "parcels": [PARCEL]}),
    )
    proven = Scope("demo-us", "C-0001", Level.ORDER, customer_ref="cus_demo", verified_at=NOW)
    return view(**{"results": found, "scope": proven, **changes})


PARCEL = {
    "tracking_no": "9400100000000000000000",
    "carrier": "usps",
    "verdict": "moving",
    "events": [{"at": "2026-11-19T15:04:00Z", "state": "in_transit", "text": "Departed", "place": "Reno"}],
}


def result(call_id: str, tool: str, data: dict[str, Any], **changes: Any) -> ToolResult:
    server = BRAIN_TOOLS[tool].server if tool in BRAIN_TOOLS else "orders"
    given = {
        "call": ToolCall(call_id, tool, {"order_no": "#1002"}),
        "server": server,
        "ok": True,
        "data": data,
    }
    return ToolResult(**{**given, **changes})


def history(*pairs: tuple[Author, str]) -> tuple[HistoryItem, ...]:
    return tuple(
        HistoryItem(f"M-{n}", author, text, NOW - timedelta(minutes=60 - n))
        for n, (author, text) in enumerate(pairs)
    )


class EmbeddedStub:
    """Stands where the embedded brain stands; says one sentence and counts."""

    name = "embedded"

    def __init__(self) -> None:
        self.planned: list[TurnView] = []

    async def plan(self, view: TurnView) -> Plan:
        self.planned.append(view)
        return Plan(reply=Reply("From the playbooks."), brain=self.name)
