"""The answer of `?wait=`: the committed turn, with the ledger's present word on every request."""

from __future__ import annotations

import asyncio
from typing import Any

from xiaoer.channels.services import WebServices
from xiaoer.channels.web.events import show_message
from xiaoer.channels.web.sessions import WebSession
from xiaoer.inbox.waiting import TurnResult, wait_for_turn


async def await_turn(
    services: WebServices, session: WebSession, message_id: str, seconds: float
) -> dict[str, Any] | None:
    """The turn as the contract shows it, or None when the time was over first."""
    turn = await wait_for_turn(services.engine, services.live, session.conversation_id, message_id, seconds)
    return None if turn is None else await asyncio.to_thread(_show_turn, services, turn)


def _show_turn(services: WebServices, turn: TurnResult) -> dict[str, Any]:
    now = {action.action_id: action.status.value for action in services.actions_of(turn.conversation_id)}
    return {
        "conversation_id": turn.conversation_id,
        "message_id": turn.message_id,
        "replies": [show_message(reply) for reply in turn.replies],
        "handed_off": turn.handed_off,
        "actions": [{**action, "status": now.get(action["id"], action["status"])} for action in turn.actions],
    }
