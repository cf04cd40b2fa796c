"""check: the output guard. A draft that fails is rewritten from facts once, else handed off."""

from __future__ import annotations

from typing import Any

from xiaoer.agent.brains.protocol import Brain
from xiaoer.agent.guard.checks import check_text
from xiaoer.agent.guard.facts import gather_facts
from xiaoer.agent.state import Node, State, Verdict, view_of


def make_check(embedded: Brain) -> Node:
    async def check(state: State) -> dict[str, Any]:
        if state["plan"].silent:
            return {"verdicts": (), "guard_notes": ()}
        verdicts = judge(state)
        failed = tuple(verdict for verdict in verdicts if not verdict.ok)
        if not failed:
            return {"verdicts": verdicts, "guard_notes": ()}
        rewritten = await _rewrite(state, failed, embedded)
        return {**rewritten, "verdicts": (*verdicts, *rewritten["verdicts"])}

    return check


def judge(state: State) -> tuple[Verdict, ...]:
    reply = state["plan"].reply
    text = reply.text if reply else ""
    return check_text(text, gather_facts(state), state["turn"].store)


async def _rewrite(state: State, failed: tuple[Verdict, ...], embedded: Brain) -> dict[str, Any]:
    """The same turn told by the embedded brain, whose sentences are templates over facts."""
    notes = tuple(verdict.reason for verdict in failed)
    # The turn is told anew from where it began, not from what the refused draft wanted to remember.
    again: State = {**state, "guard_notes": notes, "memory": state["turn"].memory}
    plan = await embedded.plan(view_of(again))
    rewritten: State = {**again, "plan": plan}
    verdicts = judge(rewritten)
    still = tuple(v.reason for v in verdicts if not v.ok) if plan.reply else notes
    return {
        "plan": plan,
        "memory": state["memory"] if plan.memory is None else plan.memory,
        "verdicts": verdicts,
        "guard_notes": still,
        "notes": ("the guard refused the draft; it was told again from facts",),
    }


def held_back(state: State) -> bool:
    return bool(state.get("guard_notes")) or state["plan"].reply is None
