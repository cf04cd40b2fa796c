"""act: run the brain's reads and reversible writes over MCP, side by side."""

from __future__ import annotations

import asyncio
from typing import Any

from xiaoer.agent.state import MAX_CALLS, Node, State, scope_after
from xiaoer.tools.calls import Runner
from xiaoer.tools.catalog import Effect, effect_of


def make_act(run: Runner) -> Node:
    async def act(state: State) -> dict[str, Any]:
        calls = [call for call in state["plan"].calls if effect_of(call.name) is not Effect.IRREVERSIBLE]
        scope, turn_id = state["scope"], state["turn"].turn_id
        results = await asyncio.gather(*(run(call, scope, turn_id) for call in calls[:MAX_CALLS]))
        return {"results": tuple(results), "scope": scope_after(scope, results)}

    return act
