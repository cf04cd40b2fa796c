"""plan: one call of the brain, within the limits of a turn."""

from __future__ import annotations

from typing import Any, Literal

from xiaoer.agent.brains.protocol import Brain, Plan
from xiaoer.agent.state import MAX_CALLS, MAX_STEPS, Node, State, view_of
from xiaoer.domain.understanding import Understanding
from xiaoer.tools.catalog import Effect, effect_of


def make_plan(brain: Brain, embedded: Brain) -> Node:
    async def plan(state: State) -> dict[str, Any]:
        brake = state["turn"].brake
        own = bool(brake) or must_hand_off(state["understanding"]) or over_limits(state)
        made = await (embedded if own else brain).plan(view_of(state))
        made = _capped(state, made)
        spent = (f"budget {brake} is spent, {embedded.name} answers",) if brake and not state["step"] else ()
        return {
            "plan": made,
            "memory": state["memory"] if made.memory is None else made.memory,
            "step": state["step"] + 1,
            "notes": (*spent, *made.notes),
            "model_calls": made.model_calls,
        }

    return plan


def must_hand_off(meaning: Understanding) -> bool:
    """Risk words, anger and the wish for a person are decided by code, whatever brain is at work."""
    return bool(meaning.risk_words) or meaning.sentiment == "angry" or meaning.main == "human_agent"


def over_limits(state: State) -> bool:
    return state["step"] >= MAX_STEPS or _calls_made(state) >= MAX_CALLS


def route_plan(state: State) -> Literal["act", "propose", "answer", "hand_off"]:
    plan = state["plan"]
    if any(effect_of(call.name) is not Effect.IRREVERSIBLE for call in plan.calls):
        return "act"
    if plan.calls:
        return "propose"
    return "hand_off" if plan.hand_off else "answer"


def route_act(state: State) -> Literal["propose", "plan"]:
    irreversible = [call for call in state["plan"].calls if effect_of(call.name) is Effect.IRREVERSIBLE]
    return "propose" if irreversible else "plan"


def _capped(state: State, plan: Plan) -> Plan:
    """No more calls once a turn has had its share; what remains is handed to a person."""
    if not plan.calls or state["step"] <= MAX_STEPS:
        return plan
    from xiaoer.agent.nodes.hand_off import tired  # the words live with the node that says them

    return Plan(
        hand_off=tired(state), memory=plan.memory, brain=plan.brain, prompt=plan.prompt, notes=plan.notes
    )


def _calls_made(state: State) -> int:
    return sum(not result.call.id.startswith("pf_") for result in state.get("results", ()))
