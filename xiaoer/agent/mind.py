"""What thinks and speaks for a shop: the graph with its closing question, and the lookout of promises."""

from __future__ import annotations

from dataclasses import dataclass

from xiaoer.agent.brains.embedded import EmbeddedBrain, prefetch_calls
from xiaoer.agent.brains.protocol import Brain
from xiaoer.agent.graph import ConversationGraph
from xiaoer.agent.lookout import Lookout
from xiaoer.agent.nodes.understand import Understand
from xiaoer.agent.rating import RatedTurns
from xiaoer.agent.turn import RunTurn
from xiaoer.prompts.playbooks import Playbooks
from xiaoer.prompts.unasked import load_unasked
from xiaoer.tools.calls import Runner


@dataclass(frozen=True, slots=True)
class Mind:
    brain: Brain
    run_turn: RunTurn
    lookout: Lookout


def make_mind(
    brain: Brain, embedded: EmbeddedBrain, playbooks: Playbooks, understander: Understand, run: Runner
) -> Mind:
    """The parts joined, over one runner of tools."""
    graph = ConversationGraph(
        brain, embedded, understander, lambda view: prefetch_calls(playbooks, view), run
    )
    lookout = Lookout(playbooks, load_unasked(), understander, run)
    return Mind(brain, RatedTurns(graph, lookout.say, understander), lookout)
