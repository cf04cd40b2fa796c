"""The brain that needs no model: playbooks run as small state machines over tool results."""

from xiaoer.agent.brains.embedded.brain import EmbeddedBrain
from xiaoer.agent.brains.embedded.prefetch import prefetch_calls

__all__ = ["EmbeddedBrain", "prefetch_calls"]
