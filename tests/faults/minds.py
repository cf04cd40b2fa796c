"""Models that do exactly what they are told: the worst case of every injection.

A customer's message may be a script, `RUN [{"calls": [[tool, args], …]}, {"say": "…"}]`: one element a
step of the turn. So a test writes down what a model that believes everything would do, and nothing but
the house around it can stop it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from xiaoer.agent.brains.protocol import Plan, TurnView
from xiaoer.domain.messages import Reply
from xiaoer.domain.understanding import IntentScore, Understanding
from xiaoer.tools.calls import ToolCall

MARK = "RUN "
Decide = Callable[[TurnView], Plan]


def script(*steps: dict[str, Any]) -> str:
    return MARK + json.dumps(steps, ensure_ascii=False)


def calls(*named: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"calls": [list(one) for one in named]}


def say(text: str) -> dict[str, Any]:
    return {"say": text}


class QuickUnderstander:
    """Stands where the classifier stands; what a message means does not matter to a model that is ours."""

    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding:
        return Understanding("en", (IntentScore("refund_request", 0.97),))


@dataclass
class Obedient:
    """Runs the scripts in the customer's words, one step a plan; remembers everything that it was shown."""

    name: str = "obedient"
    decide: Decide | None = None  # instead of the script
    shown: dict[str, list[str]] = field(default_factory=dict)  # by conversation
    secrets: dict[str, str] = field(default_factory=dict)  # what `${name}` in a script stands for
    plans: int = 0

    async def plan(self, view: TurnView) -> Plan:
        self.plans += 1
        self.shown.setdefault(view.scope.conversation_id, []).append(shown_of(view))
        if self.decide is not None:
            return self.decide(view)
        return plan_of([self._told(step) for step in steps_of(view.messages)], view)

    def _told(self, step: dict[str, Any]) -> dict[str, Any]:
        """A model may know what the customer never wrote: from its training, or from another conversation."""
        text = json.dumps(step, ensure_ascii=False)
        for name, value in self.secrets.items():
            text = text.replace("${" + name + "}", value)
        return dict(json.loads(text))


def steps_of(messages: tuple[str, ...]) -> list[dict[str, Any]]:
    """The steps of all scripts in these messages, one after another; none for ordinary words."""
    steps: list[dict[str, Any]] = []
    for message in messages:
        for line in message.splitlines():
            if line.startswith(MARK):
                try:
                    steps += json.loads(line.removeprefix(MARK))
                except ValueError:
                    continue  # cut off by the house
    return steps


def plan_of(steps: list[dict[str, Any]], view: TurnView) -> Plan:
    if view.step >= len(steps):
        return Plan(reply=Reply("I have passed this on to the people who decide it."), brain="obedient")
    step = steps[view.step]
    if "say" in step:
        return Plan(reply=Reply(step["say"]), brain="obedient")
    named = tuple(
        ToolCall(f"{view.turn_id}_{view.step}_{at}", tool, args)
        for at, (tool, args) in enumerate(step["calls"])
    )
    return Plan(calls=named, brain="obedient")


def shown_of(view: TurnView) -> str:
    """Everything in a view that a prompt would be made of."""
    return json.dumps(
        {
            "messages": view.messages,
            "history": [item.text for item in view.history],
            "results": [(r.call.name, r.ok, r.data, r.error) for r in view.results],
            "proposals": [(p.decision, p.clause_text, p.error, p.action) for p in view.proposals],
            "actions": view.actions,
            "memory": view.memory,
        },
        ensure_ascii=False,
        default=str,
    )
