"""One turn from outside: what the worker hands in, what it gets back and commits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from xiaoer.domain.actions import ActionDraft, ActionView
from xiaoer.domain.identity import Scope
from xiaoer.domain.messages import HandOff, HistoryItem, InboundMessage, Reply
from xiaoer.domain.promises import Promise
from xiaoer.domain.stores import Store


@dataclass(frozen=True, slots=True)
class RatingAsked:
    """The closing question of this conversation, which is asked once."""

    message_id: str
    answered: bool


@dataclass(frozen=True, slots=True)
class Rating:
    score: int  # 1 to 5
    comment: str = ""


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
    served: bool = False  # a matter of service was answered before
    promised: bool = False  # something is still to come from us unasked
    rating: RatingAsked | None = None
    brake: str = ""  # the budget that is spent: no model is asked in this turn


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
    promises: tuple[Promise, ...] = ()  # to come back for; committed with the reply that says so
    withdraws: tuple[str, ...] = ()  # ids of actions that the customer takes back; committed with the reply
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)  # what was read and told: agent.promising
    served: bool = False  # this turn answered a matter of service
    asked: str | None = None  # what the reply asks the customer for: proof, order, lines, …
    asks_rating: bool = False  # the last reply is the closing question
    rating: Rating | None = None  # the customer's answer to it


class RunTurn(Protocol):
    async def __call__(self, turn: TurnInput) -> TurnOutcome: ...
