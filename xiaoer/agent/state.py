"""The state of one run of the conversation graph. Nothing of it survives the turn."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypedDict, get_origin, get_type_hints

from xiaoer.agent.brains.protocol import ModelCall, Plan, Proposed, TurnView
from xiaoer.agent.turn import TurnInput
from xiaoer.domain.actions import ActionDraft
from xiaoer.domain.identity import Scope
from xiaoer.domain.messages import HandOff, Reply
from xiaoer.domain.understanding import Understanding
from xiaoer.tools.calls import ToolResult

MAX_STEPS = 6  # plans per turn
MAX_CALLS = 12  # tool calls per turn, prefetched ones not counted


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check of the guard said about a draft."""

    check: str
    ok: bool
    reason: str = ""


class State(TypedDict, total=False):
    turn: TurnInput
    messages: tuple[str, ...]
    marks: tuple[str, ...]
    understanding: Understanding
    lang: str
    scope: Scope
    memory: dict[str, Any]
    results: Annotated[tuple[ToolResult, ...], operator.add]
    proposals: Annotated[tuple[Proposed, ...], operator.add]
    drafts: Annotated[tuple[ActionDraft, ...], operator.add]
    plan: Plan
    step: int
    verdicts: Annotated[tuple[Verdict, ...], operator.add]
    guard_notes: tuple[str, ...]
    notes: Annotated[tuple[str, ...], operator.add]
    model_calls: Annotated[tuple[ModelCall, ...], operator.add]
    replies: tuple[Reply, ...]
    hand_off: HandOff | None
    misses: int


class Node(Protocol):
    """State in, changed keys out."""

    async def __call__(self, state: State) -> dict[str, Any]: ...


# What nodes add to rather than replace.
_GROWING = frozenset(
    name for name, kind in get_type_hints(State, include_extras=True).items() if get_origin(kind) is Annotated
)


def in_one(first: Node, then: Node) -> Node:
    """Two nodes that always follow each other, as one."""

    async def both(state: State) -> dict[str, Any]:
        changed = await first(state)
        between: State = {**state, **_joined(state, changed)}  # type: ignore[typeddict-item]  # keys of nodes are those of the state
        return {**changed, **_joined(changed, await then(between))}

    return both


def _joined(before: Mapping[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    return {
        name: before.get(name, ()) + value if name in _GROWING else value for name, value in changed.items()
    }


def scope_after(scope: Scope, done: Sequence[ToolResult]) -> Scope:
    """The scope that calls side by side leave: one that a proof has raised, whatever ended last."""
    raised = (result.scope for result in reversed(done) if result.scope not in (None, scope))
    return next(raised, None) or scope


def view_of(state: State) -> TurnView:
    """The state as a brain sees it."""
    turn = state["turn"]
    return TurnView(
        turn_id=turn.turn_id,
        store=turn.store,
        channel=turn.channel,
        lang=state["lang"],
        now=turn.now,
        messages=state["messages"],
        understanding=state["understanding"],
        history=turn.history,
        scope=state["scope"],
        memory=state["memory"],
        results=state.get("results", ()),
        proposals=state.get("proposals", ()),
        actions=turn.actions,
        step=state.get("step", 0),
        guard_notes=state.get("guard_notes", ()),
    )
