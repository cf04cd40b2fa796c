"""The embedded brain: a pure function of the view, asked again until nothing is wanted any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from xiaoer.agent.brains.embedded.compose import compose, hand_over, miss
from xiaoer.agent.brains.embedded.listening import listen
from xiaoer.agent.brains.embedded.signals import Wanting
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.embedded.work import Answer, work_on
from xiaoer.agent.brains.protocol import Plan, TurnView
from xiaoer.domain.canonical import canonical_json
from xiaoer.prompts.playbooks import Playbooks
from xiaoer.tools.calls import ToolCall


@dataclass(frozen=True, slots=True)
class EmbeddedBrain:
    """Plans by the playbooks alone; needs no model and keeps nothing in mind between calls."""

    playbooks: Playbooks
    name: str = "embedded"

    async def plan(self, view: TurnView) -> Plan:
        return self.decide(view)

    def decide(self, view: TurnView) -> Plan:
        """The same as `plan`, for callers without an event loop."""
        turn = listen(self.playbooks, view)
        return _at_once(turn) or _by_needs(turn)


def _at_once(turn: Turn) -> Plan | None:
    """What does not wait for any fact: risk words, the wish for a person."""
    if turn.view.understanding.risk_words:
        return hand_over(turn, [], "risk", opening="risk", urgent=True)
    asked = [need for need in turn.needs if need.intent == "human_agent"]
    if asked:
        urgent = turn.mood == "angry"
        return hand_over(turn, [work_on(turn, asked[0])], "asked", urgent=urgent)
    return None


def _by_needs(turn: Turn) -> Plan:
    if turn.unwanted:
        return compose(turn, [])
    if not turn.needs or turn.missed:
        early = miss(turn)
        if early is not None:
            return early
    answers: list[Answer] = []
    wants: list[Wanting] = []
    for need in turn.needs:
        try:
            answers.append(work_on(turn, need))
        except Wanting as stop:
            wants.append(stop)
    if wants:
        return Plan(calls=_number(turn, _first(wants)), prompt=prompt_of(turn.playbooks))
    return compose(turn, answers)


def _first(wants: list[Wanting]) -> list[Wanting]:
    """Reads before requests: what is asked for stands on everything that can be known."""
    reads = [want for want in wants if not want.proposing]
    return reads or wants


def _number(turn: Turn, wants: Iterable[Wanting]) -> tuple[ToolCall, ...]:
    return number_calls(
        turn.view,
        [(want.tool, args) for want in wants for args in (want.call, *want.more)],
        turn.view.turn_id,
    )


def number_calls(
    view: TurnView, wanted: Iterable[tuple[str, dict[str, Any]]], prefix: str
) -> tuple[ToolCall, ...]:
    """Each call once, with an id that no other call of this turn has."""
    distinct = {(tool, canonical_json(args)): (tool, args) for tool, args in wanted}
    start = len(view.results) + len(view.proposals)
    return tuple(
        ToolCall(f"{prefix}_{start + n}", tool, args)
        for n, (tool, args) in enumerate(distinct.values(), start=1)
    )


def prompt_of(playbooks: Playbooks) -> str:
    return f"playbooks@{playbooks.version}"
