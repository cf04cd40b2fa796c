"""One turn from outside: what the worker hands in, what it gets back and commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from xiaoer.domain.actions import ActionDraft, ActionView
from xiaoer.domain.identity import Scope
from xiaoer.domain.messages import HandOff, HistoryItem, InboundMessage, Reply
from xiaoer.domain.stores import Store


@dataclass(frozen=True, slots=True)
class TurnInput:
    turn_id: str
    conversation_id: str
    store: Store
    channel: str
    lang: str | None  # of the conversation so far
    history: tuple[HistoryItem, ...]
    new: tuple[InboundMessage, ...]
    scope: Scope
    memory: dict[str, Any]
    actions: tuple[ActionView, ...]
    now: datetime
    misses: int = 0  # turns in a row in which nothing was understood


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """Committed as one: replies, proposals, the raised scope, memory, hand-off, trace."""

    replies: tuple[Reply, ...]
    drafts: tuple[ActionDraft, ...]
    rejected: tuple[ActionDraft, ...]  # refused by a clause; recorded as rejected, never pending
    scope: Scope
    memory: dict[str, Any]
    lang: str
    sentiment: str
    hand_off: HandOff | None
    trace: dict[str, Any]  # one element of contract's `turns`
    misses: int = 0


class RunTurn(Protocol):
    async def __call__(self, turn: TurnInput) -> TurnOutcome: ...
