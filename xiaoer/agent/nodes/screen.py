"""screen: strip, cap and mark the customer's text. Never decides by wording alone."""

from __future__ import annotations

from typing import Any

from xiaoer.agent.state import State
from xiaoer.domain.text import clean_text


async def screen(state: State) -> dict[str, Any]:
    turn = state["turn"]
    cleaned = [clean_text(message.text) for message in turn.new]
    return {
        "messages": tuple(item.text for item in cleaned),
        "marks": tuple(sorted({mark for item in cleaned for mark in item.marks})),
        "scope": turn.scope,
        "memory": turn.memory,
        "step": 0,
    }
