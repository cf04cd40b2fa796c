"""The conversation graph: wiring only. It has no checkpointer; history is the message table.

Steps that always follow each other are one node: every step of the engine costs a third of a millisecond.
"""

from __future__ import annotations

import time
from typing import Any

from langgraph.graph import END, START, StateGraph

from xiaoer.agent.brains.protocol import Brain
from xiaoer.agent.nodes.act import make_act
from xiaoer.agent.nodes.check import held_back, make_check
from xiaoer.agent.nodes.hand_off import hand_off
from xiaoer.agent.nodes.plan import make_plan, route_act, route_plan
from xiaoer.agent.nodes.propose import make_propose
from xiaoer.agent.nodes.reply import reply
from xiaoer.agent.nodes.screen import screen
from xiaoer.agent.nodes.understand import Prefetch, Understand, make_understand
from xiaoer.agent.promising import asked_for, is_service, promises_of, told_in
from xiaoer.agent.route import Route
from xiaoer.agent.state import State, in_one
from xiaoer.agent.trace import trace_of
from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.tools.calls import Runner


async def after_check(state: State) -> dict[str, Any]:
    """The checked draft as the turn's answer, or a person where no draft would pass."""
    return await (hand_off if held_back(state) else reply)(state)


class ConversationGraph:
    """`await graph(turn)` runs one turn and returns what the worker commits; it changes nothing itself."""

    def __init__(
        self, brain: Brain, embedded: Brain, understander: Understand, prefetch: Prefetch, run: Runner
    ) -> None:
        graph: StateGraph[State, None, State, State] = StateGraph(State)
        graph.add_node("listen", in_one(screen, make_understand(understander, prefetch, run)))
        graph.add_node("plan", make_plan(brain, embedded))
        graph.add_node("act", make_act(run))
        graph.add_node("propose", make_propose(run))
        graph.add_node("answer", in_one(make_check(embedded), after_check))
        graph.add_node("hand_off", hand_off)

        graph.add_edge(START, "listen")
        graph.add_edge("listen", "plan")
        graph.add_conditional_edges("plan", *Route.of(route_plan))
        graph.add_conditional_edges("act", *Route.of(route_act))
        graph.add_edge("propose", "plan")
        graph.add_edge("answer", END)
        graph.add_edge("hand_off", END)
        self._compiled = graph.compile()

    async def __call__(self, turn: TurnInput) -> TurnOutcome:
        started = time.perf_counter()
        # Steps are capped by the plan node; this bound only guards against a wiring mistake.
        end: Any = await self._compiled.ainvoke({"turn": turn}, {"recursion_limit": 60})
        state: State = end
        return TurnOutcome(
            replies=state["replies"],
            drafts=tuple(d for d in state.get("drafts", ()) if d.quote.decision != "deny"),
            rejected=tuple(d for d in state.get("drafts", ()) if d.quote.decision == "deny"),
            scope=state["scope"],
            memory=state["memory"],
            lang=state["lang"],
            sentiment=state["understanding"].sentiment,
            hand_off=state["hand_off"],
            trace=trace_of(state, (time.perf_counter() - started) * 1000),
            misses=state["misses"],
            withdraws=() if state["hand_off"] else state["plan"].withdraws,
            promises=promises_of(state["plan"], state.get("results", ()), turn.now),
            seen=told_in(state.get("results", ()), state["replies"], state["understanding"]),
            served=is_service(state["understanding"], state.get("results", ())) and not state["hand_off"],
            asked=None if state["hand_off"] else asked_for(state["plan"], state["replies"]),
        )
