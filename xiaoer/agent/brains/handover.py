"""What the embedded brain must know to go on where a model has answered, should the model fail next."""

from __future__ import annotations

from typing import Any

from xiaoer.agent.brains.embedded.memory import TOPICS_KEPT, load_memory
from xiaoer.agent.brains.protocol import TurnView

_SHOWS_ORDER = frozenset({"track_order", "get_order", "check_return", "quote_refund"})


def memory_after(view: TurnView) -> dict[str, Any]:
    """The view's memory with the order and the topics of this turn; open questions of ours are let go.

    A model keeps nothing there: it reads the history. The embedded brain reads only this.
    """
    memory = load_memory(view.memory)
    named = view.understanding.slots.order_no
    order_no = _order_shown(view) or memory.order_no
    unproven = not view.scope.proven(view.now) and bool(named)
    changed: dict[str, Any] = {
        "order_no": order_no,
        "topics": _topics(memory.topics, view),
        "needs": (),
        "ask": None,
        "claim": {**memory.claim, "order_no": named[-1]} if unproven else memory.claim,
        "expecting": "proof" if unproven else None,
    }
    return memory.model_copy(update=changed).dump()


def _order_shown(view: TurnView) -> str | None:
    """The order that the newest result of this turn is about."""
    for result in reversed(view.results):
        if result.ok and result.call.name in _SHOWS_ORDER and result.data.get("order_no"):
            return str(result.data["order_no"])
    return None


def _topics(known: tuple[str, ...], view: TurnView) -> tuple[str, ...]:
    now = [score.id for score in view.understanding.intents]
    return tuple(dict.fromkeys((*(topic for topic in known if topic not in now), *now)))[-TOPICS_KEPT:]
