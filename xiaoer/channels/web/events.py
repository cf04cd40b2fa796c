"""What a customer's page hears: messages in order, and the present state of his requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent

from xiaoer.channels.services import WebServices
from xiaoer.channels.web.sessions import WebSession
from xiaoer.domain.actions import OPEN, ActionView
from xiaoer.domain.canonical import canonical_json
from xiaoer.domain.clock import iso
from xiaoer.domain.messages import Author
from xiaoer.inbox import views
from xiaoer.inbox.tables import Status

Event = dict[str, Any]
# An action may move without a message; while one is open the stream looks as often as this.
OPEN_ACTION_SECONDS = 2.0
IDLE_SECONDS = 25.0
PING_SECONDS = 15


@dataclass(slots=True)
class Cursor:
    """How far one listener has heard."""

    seq: int
    actions: dict[str, str] = field(default_factory=dict)  # id → digest of what was told
    state: str = ""
    open_actions: bool = False


def news(services: WebServices, session: WebSession, cursor: Cursor) -> list[Event]:
    """Everything since the cursor, which moves along: `{"id", "type": message|action|state, …}`."""
    events = [
        _message(item) for item in views.events_after(services.engine, session.conversation_id, cursor.seq)
    ]
    cursor.seq = max([cursor.seq, *(event["id"] for event in events)])
    actions = services.actions_of(session.conversation_id)
    cursor.open_actions = any(action.status in OPEN for action in actions)
    for action in actions:
        shown = show_action(action)
        mark = canonical_json(shown)
        if cursor.actions.get(action.action_id) != mark:
            cursor.actions[action.action_id] = mark
            events.append({"id": cursor.seq, "type": "action", "action": shown})
    return events + _state(services, session, cursor)


def stream(services: WebServices, session: WebSession, after: int) -> EventSourceResponse:
    return EventSourceResponse(_listen(services, session, Cursor(after)), ping=PING_SECONDS, sep="\n")


async def _listen(
    services: WebServices, session: WebSession, cursor: Cursor
) -> AsyncIterator[ServerSentEvent]:
    place = services.streams.place(session.conversation_id)
    # Subscribes before it reads, so that nothing falls between the two.
    with place as placed, services.live.subscribe(session.conversation_id) as subscription:
        while placed:
            for event in await asyncio.to_thread(news, services, session, cursor):
                yield _as_sse(event)
            moved = await subscription.next(OPEN_ACTION_SECONDS if cursor.open_actions else IDLE_SECONDS)
            if moved is not None and moved["kind"] == "typing":
                yield _as_sse({"id": cursor.seq, "type": "typing"})


def _as_sse(event: Event) -> ServerSentEvent:
    # Only messages carry an id: what a listener hears again after Last-Event-ID are messages.
    number = str(event["id"]) if event["type"] == "message" else None
    return ServerSentEvent(data=canonical_json(event), event=event["type"], id=number)


def _message(item: views.MessageItem) -> Event:
    return {"id": item.seq, "type": "message", "message": show_message(item)}


def show_message(item: views.MessageItem) -> dict[str, Any]:
    """A message as the customer's page draws it; a receipt is the system's word, not the assistant's."""
    receipt = item.author == Author.EVENT
    return {
        "id": item.id,
        "author": "system" if receipt else item.author,
        "kind": "receipt" if receipt else item.kind,
        "name": item.who if item.author == Author.AGENT else "",
        "text": item.text,
        "cards": list(item.cards),
        "citations": list(item.citations),
        "at": iso(item.at),
    }


def show_action(action: ActionView) -> dict[str, Any]:
    """A customer's view of a request of his: no names of colleagues, no internal notes."""
    amount = action.amount
    return {
        "id": action.action_id,
        "tool": action.tool,
        "status": action.status.value,
        "order_no": action.order_no,
        "amount": {"amount_minor": amount.amount_minor, "currency": amount.currency} if amount else None,
        "destination": action.destination,
        "by_rule": (action.decided_by or "").startswith("rule:"),
        "details": (action.receipt or {}).get("details", {}),
    }


def _state(services: WebServices, session: WebSession, cursor: Cursor) -> list[Event]:
    status = views.get_conversation(services.engine, session.conversation_id).status
    if status == cursor.state:
        return []
    cursor.state = status
    state = {"status": status, "handed_off": status == Status.HUMAN}
    return [{"id": cursor.seq, "type": "state", "state": state}]
