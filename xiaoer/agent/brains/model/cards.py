"""The cards beside a model's reply: drawn from results and proposals of this turn, never from its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from xiaoer.agent.brains.protocol import TurnView
from xiaoer.domain.actions import ActionView
from xiaoer.domain.stores import pick
from xiaoer.domain.text import excerpt

MOST_EVENTS = 5
_ABOUT_PARCELS = frozenset(
    {
        "track_parcel",
        "delivery_overdue",
        "tracking_invalid",
        "not_received",
        "partial_delivery",
        "when_ship",
    }
)
_PARCEL_FACTS = ("tracking_no", "carrier_name", "verdict", "since", "estimated_at", "quiet_days", "lines")


class _Word(Protocol):
    @property
    def word(self) -> Mapping[str, str]: ...


class Words(Protocol):
    """What the playbooks call verdicts and actions, by language."""

    @property
    def verdicts(self) -> Mapping[str, _Word]: ...
    @property
    def actions(self) -> Mapping[str, Mapping[str, str]]: ...


def cards_for(view: TurnView, words: Words | None) -> tuple[dict[str, Any], ...]:
    """A parcels card for every order tracked in answer to such a need, an action card for every new request."""
    return (*_parcels_cards(view, words), *_action_cards(view, words))


def _parcels_cards(view: TurnView, words: Words | None) -> Iterator[dict[str, Any]]:
    if not any(intent.id in _ABOUT_PARCELS for intent in view.understanding.intents):
        return
    tracked = [r.data for r in view.results if r.ok and r.call.name == "track_order"]
    for data in {str(data.get("order_no")): data for data in tracked}.values():
        yield {
            "type": "parcels",
            "order_no": data.get("order_no"),
            "state": data.get("state"),
            "ship_by": data.get("ship_by"),
            "parcels": [_parcel(parcel, view.lang, words) for parcel in data.get("parcels", [])],
            "unshipped": data.get("unshipped", []),
        }


def _parcel(parcel: Mapping[str, Any], lang: str, words: Words | None) -> dict[str, Any]:
    verdict = str(parcel.get("verdict", ""))
    known = words.verdicts.get(verdict) if words else None
    return {
        **{name: parcel.get(name) for name in _PARCEL_FACTS},
        "verdict_text": pick(known.word, lang) if known else verdict,
        "events": [_event(event) for event in parcel.get("events", [])[:MOST_EVENTS]],
    }


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": event.get("at"),
        "state": event.get("state"),
        "text": excerpt(str(event.get("text", "")), 160),
        "place": excerpt(str(event.get("place", "")), 60),
    }


def _action_cards(view: TurnView, words: Words | None) -> Iterator[dict[str, Any]]:
    titles = dict(_titles(view))
    for action in {p.action.action_id: p.action for p in view.proposals if p.action}.values():
        lines = list(_lines(action))
        told = [f"{titles[n]} × {count}" if count > 1 else titles[n] for n, count in lines if n in titles]
        amount = action.amount
        yield {
            "type": "action",
            "action_id": action.action_id,
            "tool": action.tool,
            "tool_text": pick(words.actions.get(action.tool, {}), view.lang) if words else action.tool,
            "status": action.status.value,
            "order_no": action.order_no,
            "lines": [{"line_id": line_id, "quantity": count} for line_id, count in lines],
            "lines_text": ", ".join(told),
            "amount": {"amount_minor": amount.amount_minor, "currency": amount.currency} if amount else None,
            "amount_text": str(amount) if amount else "",
            "destination": action.destination,
        }


def _lines(action: ActionView) -> Iterator[tuple[str, int]]:
    lines = action.args.get("lines")
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, dict) and isinstance(line.get("quantity"), int):
            yield str(line.get("line_id")), line["quantity"]


def _titles(view: TurnView) -> Iterator[tuple[str, str]]:
    for result in view.results:
        if result.ok and result.call.name == "get_order":
            for line in result.data.get("lines", []):
                yield str(line.get("line_id")), str(line.get("title", ""))
