"""What can be read before any brain is asked: proof first, then what the needs surely want."""

from __future__ import annotations

from typing import Any

from xiaoer.agent.brains.embedded.brain import number_calls
from xiaoer.agent.brains.embedded.case import Case
from xiaoer.agent.brains.embedded.listening import listen
from xiaoer.agent.brains.embedded.memory import Need
from xiaoer.agent.brains.embedded.signals import Stop, Wanting
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.protocol import TurnView
from xiaoer.prompts.playbooks import Playbooks
from xiaoer.prompts.vocabulary import PREFETCHABLE
from xiaoer.tools.calls import ToolCall


def prefetch_calls(playbooks: Playbooks, view: TurnView) -> tuple[ToolCall, ...]:
    """The next calls to make ahead, side by side; () when nothing is left.

    Asked again with the results in the view: first `verify_customer` when the slots allow it,
    then the reads that each need's playbook names. Never a write, never a call made twice.
    """
    if view.understanding.risk_words:
        return ()
    turn = listen(playbooks, view)
    wanted = [call for need in turn.needs for call in _wanted(turn, need)]
    missing = [(tool, args) for tool, args in wanted if turn.find(tool, args) is None]
    return number_calls(view, missing, f"pf_{view.turn_id}")


def _wanted(turn: Turn, need: Need) -> list[tuple[str, dict[str, Any]]]:
    playbook = turn.playbooks.intents[need.intent]
    case = Case(turn, need, playbook)
    try:
        return [(tool, _args(case, tool)) for tool in playbook.prefetch]
    except Wanting as stop:  # proof, or the list of orders, comes first
        return [(stop.tool, stop.call)]
    except Stop:  # nothing can be read ahead: the brain says why
        return []


def _args(case: Case, tool: str) -> dict[str, Any]:
    values = {"order_no": lambda: case.order_no, "query": lambda: case.question}
    return {name: values[name]() for name in PREFETCHABLE[tool]}
