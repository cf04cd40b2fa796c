"""A turn's view → the messages of one request. All that comes from outside is capped, delimited, and data.

The order is chosen for the provider's cache: system, then history as it will stand again next turn, then what
belongs to this turn alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from xiaoer.agent.brains.model.instructions import WEEKDAYS, Instructions, fill
from xiaoer.agent.brains.model.offer import CACHE
from xiaoer.agent.brains.protocol import Proposed, TurnView
from xiaoer.domain.actions import ActionView
from xiaoer.domain.messages import Author, HistoryItem
from xiaoer.domain.money import Money
from xiaoer.tools.calls import ToolCall, ToolResult

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

MOST_TEXT = 6_000  # characters of one message
MOST_RESULT = 12_000  # characters of one tool's result
# The window moves in leaps: moving it by one message a turn would make every cached prefix worthless.
HISTORY_LEAP = 20
LANGUAGE_NAMES = {
    "zh": "Simplified Chinese",
    "zh-Hant": "Traditional Chinese",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "pt": "Portuguese",
    "ja": "Japanese",
    "ko": "Korean",
    "ru": "Russian",
    "ar": "Arabic",
}
_BLOCKS = {
    Author.CUSTOMER: "customer_message",
    Author.AGENT: "colleague_message",
    Author.SYSTEM: "event",
    Author.EVENT: "event",
}
_ID_OUTSIDE = re.compile(r"[^a-zA-Z0-9_-]")  # https://docs.claude.com/en/api/messages: tool_use.id
_STEP = re.compile(r"_(\d+)$")
STEP_SPAN = 100  # ids of calls: <turn>_<step * STEP_SPAN + n>, so that parallel calls stay together
_CACHED = {"cache_control": CACHE}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between providers in the shape of a request."""

    cached: bool  # blocks with cache_control
    # Where a thinking mode refuses tool calls that it did not think of, results go in as delimited text.
    results_as_text: bool = False


ANTHROPIC = Dialect(cached=True)
PLAIN = Dialect(cached=False)


def build_messages(
    view: TurnView, instructions: Instructions, dialect: Dialect, last_step: bool = False
) -> list[BaseMessage]:
    """The whole request but its tools, which are bound once."""
    messages = [system_message(instructions, dialect), *_history(view.history, dialect)]
    messages.append(_this_turn(view, last_step))
    results = _results_as_text(view) if dialect.results_as_text else _results_as_calls(view)
    messages += results
    return messages


def system_message(instructions: Instructions, dialect: Dialect) -> BaseMessage:
    from langchain_core.messages import SystemMessage

    if not dialect.cached:
        return SystemMessage(f"{instructions.desk}\n\n{instructions.shop}")
    blocks = [{"type": "text", "text": text, **_CACHED} for text in (instructions.desk, instructions.shop)]
    return SystemMessage(content=blocks)  # type: ignore[arg-type]  # list is invariant; these are blocks


def _history(history: Sequence[HistoryItem], dialect: Dialect) -> list[BaseMessage]:
    from langchain_core.messages import AIMessage, HumanMessage

    messages: list[BaseMessage] = []
    for item in _window(history):
        text = quoted(item.text)
        if not text.strip():
            continue
        tag = _BLOCKS.get(item.author)
        if tag:
            messages.append(HumanMessage(_block(tag, text)))
            continue
        if not messages:  # providers want the first word to be the customer's
            messages.append(HumanMessage(_block("event", "The conversation begins.")))
        messages.append(AIMessage(clipped(item.text)))
    if messages and dialect.cached:
        last = messages[-1]
        last.content = [{"type": "text", "text": str(last.content), **_CACHED}]
    return messages


def _window(history: Sequence[HistoryItem]) -> Sequence[HistoryItem]:
    """The last 20 to 39 items; the start stays put for twenty of them."""
    return history[max(0, len(history) // HISTORY_LEAP - 1) * HISTORY_LEAP :]


def _this_turn(view: TurnView, last_step: bool) -> BaseMessage:
    """The customer's new words, then what the desk knows.

    One text, not blocks: langchain-anthropic 1.7.7 spends 0.2 ms on every block of a message.
    """
    from langchain_core.messages import HumanMessage

    texts = [_block("customer_message", quoted(text)) for text in view.messages]
    frame = fill(
        "turn.md",
        {
            "situation": _json(situation(view)),
            "language": LANGUAGE_NAMES.get(view.lang, "the customer's language"),
            "last_step": " This is the last step: write the reply now, or hand off." if last_step else "",
            "guard": _guard(view.guard_notes),
        },
    )
    return HumanMessage("\n".join([*texts, frame.strip()]))


def _guard(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    listed = "\n".join(f"- {quoted(note)}" for note in notes)
    return f"\nYour draft was not sent, because:\n{listed}\nWrite it again from facts alone."


def situation(view: TurnView) -> dict[str, Any]:
    """What the desk knows about this turn beyond the words themselves."""
    local = view.now.astimezone(view.store.zone)
    understood = view.understanding
    return {
        "now": f"{WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M}",
        "channel": view.channel,
        "colleagues_at_desk": view.store.hours.open_at(local),
        "customer": {
            "verified": view.scope.proven(view.now),
            "identity_level": int(view.scope.level),
        },
        "recognised": {
            "intents": [intent.id for intent in understood.intents],
            "sentiment": understood.sentiment,
            "details": understood.slots.as_dict(),
            "risk_words": list(understood.risk_words),
        },
        "actions": [_action(action) for action in view.actions],
    }


def _action(action: ActionView) -> dict[str, Any]:
    receipt = action.receipt or {}
    shown = {
        "id": action.action_id,
        "tool": action.tool,
        "status": action.status.value,
        "order_no": action.order_no,
        "amount": _money(action.amount),
        "goes_to": action.destination,
        "clause": action.clause_id,
        "colleague_says": action.reason_note,
        "reference": receipt.get("reference"),
        "details": receipt.get("details"),
    }
    return {key: value for key, value in shown.items() if value}


def _money(amount: Money | None) -> str | None:
    return f"{amount} ({amount.currency})" if amount else None


# ── results ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Outcome:
    call: ToolCall
    ok: bool
    shown: dict[str, Any]


def _outcomes(view: TurnView) -> Iterator[list[_Outcome]]:
    """Step by step in the order in which they were asked, prefetched ones first; each call once."""
    told: dict[str, _Outcome] = {}
    for result in view.results:
        told.setdefault(result.call.id, _Outcome(result.call, result.ok, _result(result)))
    for proposed in view.proposals:
        ok = proposed.decision != "error"
        told.setdefault(proposed.call.id, _Outcome(proposed.call, ok, _proposal(proposed)))
    ordered = sorted(told.values(), key=lambda outcome: step_of(outcome.call.id))
    for _, group in groupby(ordered, key=lambda outcome: step_of(outcome.call.id)):
        yield list(group)


def step_of(call_id: str) -> int:
    """The step in which a call was asked; 0 for prefetched ones and those of other brains."""
    number = None if call_id.startswith("pf_") else _STEP.search(call_id)
    return int(number[1]) // STEP_SPAN if number else 0


def _results_as_calls(view: TurnView) -> list[BaseMessage]:
    from langchain_core.messages import AIMessage, ToolMessage

    messages: list[BaseMessage] = []
    for outcomes in _outcomes(view):
        ids = [_ID_OUTSIDE.sub("-", outcome.call.id) for outcome in outcomes]
        calls = [
            {"type": "tool_call", "id": id_, "name": o.call.name, "args": o.call.args}
            for id_, o in zip(ids, outcomes, strict=True)
        ]
        messages.append(AIMessage(content="", tool_calls=calls))
        messages += [
            ToolMessage(_json(o.shown, MOST_RESULT), tool_call_id=id_, status="success" if o.ok else "error")
            for id_, o in zip(ids, outcomes, strict=True)
        ]
    return messages


def _results_as_text(view: TurnView) -> list[BaseMessage]:
    from langchain_core.messages import HumanMessage

    blocks = [
        _block("tool_result", _json({"tool": o.call.name, "args": o.call.args, **o.shown}, MOST_RESULT))
        for outcomes in _outcomes(view)
        for o in outcomes
    ]
    return [HumanMessage("\n".join(blocks))] if blocks else []


def _result(result: ToolResult) -> dict[str, Any]:
    if result.ok:
        return {"ok": True, "data": result.data}
    return {"ok": False, "code": result.code, "error": result.error}


# What a proposal's fate means for the words to the customer.
_FATES = {
    "pending": "Requested. A colleague decides; nothing has happened yet. Tell the customer that it waits.",
    "approved": "Approved by a rule of the shop; it is being carried out. Nothing has happened yet.",
    "rejected": "Refused by a rule of the shop. Explain the rule; nothing will happen.",
    "error": "Not requested, because of an error.",
}


def _proposal(proposed: Proposed) -> dict[str, Any]:
    action = proposed.action
    shown = {
        "ok": proposed.decision != "error",
        "decision": proposed.decision,
        "meaning": _FATES.get(proposed.decision, ""),
        "clause": proposed.clause_id,
        "clause_text": proposed.clause_text,
        "error": proposed.error,
    }
    if action is not None:
        shown["action"] = _action(action)
    return {key: value for key, value in shown.items() if value != ""}


# ── text from outside ────────────────────────────────────────────────────────────────────────────


def clipped(text: str, most: int = MOST_TEXT) -> str:
    """Bounded, and writable as UTF-8 whatever came in."""
    if len(text) > most:
        text = f"{text[: most * 3 // 4]}\n[… {len(text) - most} characters left out …]\n{text[-most // 4 :]}"
    return text.encode("utf-8", "replace").decode("utf-8")


def quoted(text: str) -> str:
    """Text that cannot open or close one of our delimiters."""
    return clipped(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _block(tag: str, text: str) -> str:
    return f"<{tag}>\n{text}\n</{tag}>"


def _json(value: Any, most: int = MOST_RESULT) -> str:
    """JSON whose strings cannot pass for one of our delimiters either."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return clipped(text.replace("<", "\\u003c").replace(">", "\\u003e"), most)
