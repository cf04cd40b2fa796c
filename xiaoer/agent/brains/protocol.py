"""What a brain sees, what it may answer, and the one method it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from xiaoer.domain.actions import ActionView
from xiaoer.domain.identity import Scope
from xiaoer.domain.messages import HandOff, HistoryItem, Reply
from xiaoer.domain.promises import Promise
from xiaoer.domain.stores import Store
from xiaoer.domain.understanding import Understanding
from xiaoer.tools.calls import ToolCall, ToolResult


@dataclass(frozen=True, slots=True)
class Proposed:
    """What became of an irreversible call that the brain asked for in this turn."""

    call: ToolCall
    action: ActionView | None  # None: refused before it could become an action
    decision: str  # "pending" | "approved" | "rejected" (by a clause) | "error"
    clause_id: str
    clause_text: str  # in the conversation's language
    error: str = ""


@dataclass(frozen=True, slots=True)
class TurnView:
    """Everything that a turn's next step may depend on; a brain keeps nothing else in mind."""

    turn_id: str
    store: Store
    channel: str
    lang: str  # the language to answer in
    now: datetime
    messages: tuple[str, ...]  # the new customer messages of this turn, cleaned
    understanding: Understanding
    history: tuple[HistoryItem, ...]  # before this turn, oldest first
    scope: Scope
    memory: dict[str, Any]  # what the embedded brain wrote last turn (plain JSON)
    results: tuple[ToolResult, ...] = ()  # of this turn, prefetched ones first
    proposals: tuple[Proposed, ...] = ()  # of this turn
    actions: tuple[ActionView, ...] = ()  # of this conversation, from the ledger
    step: int = 0
    guard_notes: tuple[str, ...] = ()  # why the last draft was refused, when it is to be rewritten

    @property
    def text(self) -> str:
        return "\n".join(self.messages)


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to a model, for the trace."""

    model: str
    ms: float
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    stop_reason: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly one of `calls`, `reply`, `hand_off` is set."""

    calls: tuple[ToolCall, ...] = ()
    reply: Reply | None = None
    hand_off: HandOff | None = None
    silent: bool = False  # the reply is empty on purpose: there is nothing more to say to this
    memory: dict[str, Any] | None = None  # replaces the view's memory when set
    brain: str = "embedded"
    prompt: str = ""  # name and content hash of the instructions that were in force
    model_calls: tuple[ModelCall, ...] = ()
    promises: tuple[Promise, ...] = ()  # what the reply comes back for; committed with it
    withdraws: tuple[str, ...] = ()  # ids of the customer's own requests that he takes back with this reply
    notes: tuple[str, ...] = field(default=())  # for the trace: "anthropic overloaded, embedded took over"


class BrainFailed(Exception):
    """A brain could not plan a view; nothing of its answer may be used.

    `word` is one of a fixed set ("overloaded", "slow", "stream_broken", "refused", …); `outage` says
    that the provider is at fault and not this one conversation.
    """

    def __init__(
        self,
        word: str,
        detail: str = "",
        *,
        outage: bool = False,
        model_calls: tuple[ModelCall, ...] = (),
        prompt: str = "",
    ) -> None:
        super().__init__(f"{word} ({detail})" if detail else word)
        self.word = word
        self.outage = outage
        self.model_calls = model_calls
        self.prompt = prompt


class Brain(Protocol):
    """`plan` may raise BrainFailed; only FallbackBrain promises not to."""

    @property
    def name(self) -> str: ...

    async def plan(self, view: TurnView) -> Plan: ...
