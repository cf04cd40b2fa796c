"""understand: what is meant, always by the embedded classifier, and the reads it surely needs.

The prefetch proves first, if the message brings a proof, then reads side by side: a tracked
parcel then costs a model one call instead of three.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from xiaoer.agent.brains.protocol import TurnView
from xiaoer.agent.state import Node, State, scope_after, view_of
from xiaoer.domain.understanding import Understanding
from xiaoer.tools.calls import Runner, ToolCall, ToolResult

Prefetch = Callable[[TurnView], tuple[ToolCall, ...]]
_ROUNDS = 3  # proof, reads, reads that follow from reads


class Understand(Protocol):
    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding: ...


def make_understand(understander: Understand, prefetch: Prefetch, run: Runner) -> Node:
    async def understand(state: State) -> dict[str, Any]:
        turn = state["turn"]
        hint = turn.lang or turn.store.languages[0]
        expecting = state["memory"].get("expecting")
        meaning = understander.understand("\n".join(state["messages"]), hint, expecting)
        changed: State = {**state, "understanding": meaning, "lang": meaning.lang or hint}
        found = await _fetch(changed, prefetch, run)
        return {"understanding": meaning, "lang": meaning.lang or hint, **found}

    return understand


async def _fetch(state: State, prefetch: Prefetch, run: Runner) -> dict[str, Any]:
    scope = state["scope"]
    results: tuple[ToolResult, ...] = ()
    for _ in range(_ROUNDS):
        calls = prefetch(view_of({**state, "scope": scope, "results": results}))
        if not calls:
            break
        done = await asyncio.gather(*(run(call, scope, state["turn"].turn_id) for call in calls))
        results = (*results, *done)
        scope = scope_after(scope, done)
    return {"results": results, "scope": scope}
