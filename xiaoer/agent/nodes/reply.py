"""reply: the checked draft becomes the turn's answer."""

from __future__ import annotations

from typing import Any

from xiaoer.agent.state import State


async def reply(state: State) -> dict[str, Any]:
    draft = state["plan"].reply
    assert draft is not None  # nothing else passes the check
    if state["plan"].silent:
        return {"replies": (), "hand_off": None, "misses": state["turn"].misses}
    understood = bool(state["understanding"].intents) or bool(state["understanding"].slots.as_dict())
    missed = not understood and state["understanding"].yes_no is None
    return {"replies": (draft,), "hand_off": None, "misses": state["turn"].misses + 1 if missed else 0}
