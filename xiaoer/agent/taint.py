"""Which parts of what a brain was shown came from outside, and from whom: recorded with every turn.

Nothing decides by it; it is there to be read after the fact: what could have spoken to the model.
"""

from __future__ import annotations

from typing import Any

from xiaoer.agent.state import State
from xiaoer.domain.messages import Author
from xiaoer.tools.interceptors import weight

# Whose words a tool's result may repeat beside the shop's own numbers.
_SPEAKERS: dict[str, tuple[str, ...]] = {
    "orders": ("shop", "customer"),  # names, addresses, notes
    "returns": ("shop", "customer"),
    "refunds": ("shop",),
    "logistics": ("carrier",),  # texts of tracking events
    "knowledge": ("author",),  # whoever writes the articles
    "suppliers": ("supplier", "customer"),
}
_OURS = frozenset({Author.ASSISTANT, Author.SYSTEM})
_MOST = 10**7


def taint_of(state: State) -> list[dict[str, Any]]:
    """`[{"part", "from", "count", "chars"}]`; what is not listed is ours: instructions, rules, this desk's facts."""
    parts = [_part("customer_message", ["customer"], list(state.get("messages", ())))]
    for author in sorted({item.author for item in state["turn"].history} - _OURS):
        texts = [item.text for item in state["turn"].history if item.author is author]
        parts.append(_part(f"history.{author.value}", [author.value], texts))
    for result in state.get("results", ()):
        speakers = _SPEAKERS.get(result.server, ("unknown",))
        parts.append(_part(f"tool.{result.call.name}", list(speakers), [result.data or result.error]))
    return [part for part in parts if part["count"]]


def _part(name: str, speakers: list[str], values: list[Any]) -> dict[str, Any]:
    chars = sum(len(value) if isinstance(value, str) else weight(value, _MOST) for value in values)
    return {"part": name, "from": speakers, "count": len(values), "chars": chars}
