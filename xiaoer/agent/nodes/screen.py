"""screen: strip, cap and mark the customer's text. Never decides by wording alone."""

from __future__ import annotations

from typing import Any

from xiaoer.agent.state import State
from xiaoer.domain.text import Cleaned, clean_text

MOST_MESSAGES = 20
MOST_CHARACTERS = 12_000  # of one turn, however many messages it has; people write a tenth of it


def _newest(cleaned: list[Cleaned]) -> tuple[list[Cleaned], int]:
    """The newest messages that fit into a turn, in their order, and how many did not; the last one always does."""
    kept: list[Cleaned] = []
    room = MOST_CHARACTERS
    for item in reversed(cleaned[-MOST_MESSAGES:]):
        room -= len(item.text)
        if kept and room < 0:
            break
        kept.append(item)
    return kept[::-1], len(cleaned) - len(kept)


async def screen(state: State) -> dict[str, Any]:
    turn = state["turn"]
    cleaned, dropped = _newest([clean_text(message.text) for message in turn.new])
    marks = {mark for item in cleaned for mark in item.marks} | ({"flooded"} if dropped else set())
    return {
        "messages": tuple(item.text for item in cleaned),
        "marks": tuple(sorted(marks)),
        "scope": turn.scope,
        "memory": turn.memory,
        "step": 0,
    }
