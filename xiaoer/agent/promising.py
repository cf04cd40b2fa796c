"""What a turn promises to come back for, whatever brain has planned it, and what it has told meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from xiaoer.agent.brains.protocol import Plan
from xiaoer.domain.messages import Reply
from xiaoer.domain.orders import order_key
from xiaoer.domain.promises import LOOKS, Promise, PromiseKind, snapshot_of
from xiaoer.domain.understanding import Understanding
from xiaoer.prompts.vocabulary import PROMISES
from xiaoer.tools.calls import ToolResult

# A brain that says it will come back, and names nothing, is kept to its word by these.
_LOOK_AFTER, _GIVE_UP_AFTER = timedelta(hours=24), timedelta(hours=72)
# A supplier who is late is asked for at this distance from the day that was named.
_GRACE = timedelta(hours=24)
_NO_DATE = timedelta(hours=48)
_SNAPSHOT_TOOLS = ("track_order", "get_order")


def promises_of(plan: Plan, results: Sequence[ToolResult], now: datetime) -> tuple[Promise, ...]:
    """The plan's own promises with what was true, and those that follow from its words and deeds."""
    given = [_with_snapshot(promise, results) for promise in plan.promises]
    if not given and plan.reply is not None and _comes_back(plan.reply.text):
        given += _by_word(results, now)
    return (*given, *_asked_suppliers(results, now))


def seen_in(results: Iterable[ToolResult]) -> dict[str, dict[str, Any]]:
    """`{"track_order:1005": snapshot}` of every order that this turn has read."""
    seen = {}
    for result in results:
        if result.ok and result.call.name in _SNAPSHOT_TOOLS:
            order_no = str(result.data.get("order_no", ""))
            seen[seen_key(result.call.name, order_no)] = snapshot_of(result.call.name, result.data)
    return seen


def told_in(
    results: Iterable[ToolResult], replies: Sequence[Reply], meaning: Understanding
) -> dict[str, dict[str, Any]]:
    """Of what was read, that which the replies have told: parcels by number, refunds where they were asked for."""
    said = "\n".join(reply.text for reply in replies)
    refunds = meaning.has("refund_status")
    return {
        key: known
        for key, known in seen_in(results).items()
        if (refunds if "refunds" in known else _names(said, known))
    }


def _names(said: str, known: Mapping[str, Any]) -> bool:
    """Whether every parcel of a snapshot is in the words; an order without any has no news to tell."""
    return bool(known["parcels"]) and all(number in said for number in known["parcels"])


# What the embedded brain asks for that only the customer can answer; an offer waits for nobody.
_ASKS = frozenset({"proof", "order", "lines", "reason", "confirm", "choice"})
_COURTESIES = frozenset({"greeting", "thanks_bye", "human_agent", "out_of_scope"})


def asked_for(plan: Plan, replies: Sequence[Reply]) -> str | None:
    """What the reply asks the customer for: a word of the memory, else `question` by its last sign."""
    if plan.memory is not None:
        kind = (plan.memory.get("ask") or {}).get("kind")
        return kind if kind in _ASKS else None
    return "question" if replies and replies[-1].text.rstrip().endswith(("?", "？", "؟")) else None


def is_service(meaning: Understanding, results: Iterable[ToolResult]) -> bool:
    """Whether the turn was about a matter of service: by what was meant, or by what was read for it."""
    named = any(score.id not in _COURTESIES for score in meaning.intents)
    return named or any(result.ok and result.call.name != "verify_customer" for result in results)


def seen_key(tool: str, subject: str) -> str:
    return f"{tool}:{order_key(subject)}"


def _with_snapshot(promise: Promise, results: Sequence[ToolResult]) -> Promise:
    tool, _ = LOOKS[promise.kind]
    known = seen_in(results).get(seen_key(tool, promise.subject))
    return promise if known is None else replace(promise, snapshot=known)


def _comes_back(text: str) -> bool:
    return any(sound.search(text) for sound in PROMISES["comes_back"].sounds)


def _by_word(results: Sequence[ToolResult], now: datetime) -> Iterator[Promise]:
    tracked = [r for r in results if r.ok and r.call.name == "track_order"][-1:]
    for result in tracked:
        order_no = str(result.data["order_no"])
        yield Promise(
            PromiseKind.CHECK_BACK,
            order_no,
            now + _LOOK_AFTER,
            now + _GIVE_UP_AFTER,
            order_no,
            snapshot=snapshot_of("track_order", result.data),
        )


def _asked_suppliers(results: Iterable[ToolResult], now: datetime) -> Iterator[Promise]:
    """Every question to a supplier: the desk tells of its answer at once, the clock looks when it is due."""
    for result in results:
        if result.call.name != "ask_supplier" or not result.ok:
            continue
        due = result.data.get("answer_expected_by")
        expected = datetime.fromisoformat(due) if due else now + _NO_DATE
        yield Promise(
            PromiseKind.SUPPLIER_ANSWERS,
            str(result.data["inquiry_id"]),
            expected,
            expected + _GRACE,
            str(result.call.args.get("order_no") or ""),
            snapshot=snapshot_of("get_supplier_answer", result.data),
        )
