"""One turn as the brain works on it: the view, what is remembered, and the results so far."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from xiaoer.agent.brains.embedded.memory import Ask, Memory, Need
from xiaoer.agent.brains.embedded.records import Verified
from xiaoer.agent.brains.embedded.signals import Broken, Leaving, Telling, Wanting
from xiaoer.agent.brains.protocol import Proposed, TurnView
from xiaoer.domain.canonical import canonical_json
from xiaoer.domain.stores import pick
from xiaoer.prompts.playbooks import Playbooks
from xiaoer.prompts.schema import Playbook, Reply
from xiaoer.prompts.template import fill
from xiaoer.tools.calls import ToolResult

R = TypeVar("R", bound=BaseModel)

# The graph allows six plans a turn; the last must answer.
LAST_STEP = 5
# What a tool says when the wish itself is at fault, not the tool.
# A foreign order and a missing one are told alike, to the letter.
_ALIKE = frozenset({"order_missing", "proof_wrong", "sorry"})
_WISH_CODES = frozenset({"refused", "invalid", "over_limit", "order_changed"})


@dataclass
class Turn:
    """Made anew for every plan; `said` collects which variants this plan has used."""

    view: TurnView
    playbooks: Playbooks
    memory: Memory
    claim: dict[str, str] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    closing: str | None = None  # a common reply to a plain yes or no
    missed: bool = False  # the message said nothing that could be used
    asking: bool = False  # the message asks rather than wishes
    first: list[str] = field(default_factory=list)  # common replies that stand before all others
    unwanted: bool = False  # advertising, or orders to the machine
    silent: bool = False  # it was told once that they lead nowhere
    calm: bool = False  # an insult and nothing else, for the first time
    tags: tuple[str, ...] = ()
    loud: bool = False  # anger that can be heard: insults, shouting, the second time
    detail: bool = False  # the message adds to what waits for a proof
    back_to: str | None = None  # the kind of question that is called to mind after an interruption
    kept: Ask | None = None  # the open question that outlives an interruption
    said: dict[str, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    # ── results ──────────────────────────────────────────────────────────────────────────────

    def find(self, tool: str, args: dict[str, Any]) -> ToolResult | None:
        """The newest result of exactly this call, if this turn has it.

        What was not found before the customer was verified is not an answer any more.
        """
        wanted = canonical_json(args)
        for result in reversed(self.view.results):
            if _verified(result):
                break
            if result.call.name == tool and _same(result.call.args, wanted):
                return result
        return next(
            (
                r
                for r in reversed(self.view.results)
                if r.call.name == tool and r.code != "not_found" and _same(r.call.args, wanted)
            ),
            None,
        )

    def read(self, tool: str, args: dict[str, Any], model: type[R]) -> R:
        """The parsed result of a read; raises Wanting, Broken, Telling or Leaving instead."""
        result = self.find(tool, args)
        if result is None:
            raise self.want(tool, args)
        if result.ok:
            return parse(result, model)
        raise _failure(result, args)

    def want(self, tool: str, args: dict[str, Any]) -> Wanting | Leaving:
        """A call to be made; in the last step nothing can be asked for any more."""
        return Leaving("missed", "beyond_rules") if self.view.step >= LAST_STEP else Wanting(tool, args)

    def proposed(self, tool: str, args: dict[str, Any]) -> Proposed | None:
        wanted = canonical_json(args)
        return next(
            (p for p in self.view.proposals if p.call.name == tool and _same(p.call.args, wanted)), None
        )

    @property
    def verified(self) -> Verified | None:
        """The yes of this turn, if there was one."""
        return next((parse(r, Verified) for r in reversed(self.view.results) if _verified(r)), None)

    @property
    def proven(self) -> bool:
        return self.view.scope.proven(self.view.now) or self.verified is not None

    @property
    def mood(self) -> str:
        """As it was heard; anger that nothing else shows is met as disappointment first."""
        heard = self.view.understanding.sentiment
        return "unhappy" if heard == "angry" and not self.loud else heard

    @property
    def question(self) -> str:
        """The customer's words as a query for knowledge and catalogue."""
        return " ".join(self.view.text.split())[:200]

    # ── words ────────────────────────────────────────────────────────────────────────────────

    def say(self, key: str, value: Callable[[str], str], playbook: Playbook | None = None) -> str:
        """A reply in the customer's language, in another variant than last time."""
        reply = self.playbooks.reply(playbook, key)
        variants = _variants(reply, self.view.lang)
        name = f"{playbook.intent}.{key}" if playbook and key in playbook.replies else key
        index = self._variant(name, len(variants))
        self.said[name] = index
        return fill(variants[index], value)

    def common(self, key: str, **values: str) -> str:
        return self.say(key, lambda name: values.get(name, ""))

    def piece(self, name: str, **values: str) -> str:
        """A small form of the store's language: a date, a list, the head of a parcel."""
        text = pick(self.playbooks.words.pieces[name], self.view.lang)
        return fill(text, lambda blank: values.get(blank, ""))

    def _variant(self, name: str, count: int) -> int:
        if name in _ALIKE:  # no chance decides what is said, so that nothing can be read from it
            return (self.memory.said.get(name, -1) + 1 + len(self.view.guard_notes)) % count
        seed = hashlib.sha256(f"{self.view.turn_id}\x1f{name}".encode()).digest()[0]
        index = (seed + len(self.view.guard_notes)) % count
        return (index + 1) % count if index == self.memory.said.get(name) else index


def parse(result: ToolResult, model: type[R]) -> R:
    """What a tool answered, in the shape it has promised; raises Broken for garbage."""
    try:
        return model.model_validate(result.data)
    except ValidationError as error:
        raise Broken(result.call.name, "garbage") from error


def _failure(result: ToolResult, args: dict[str, Any]) -> Exception:
    if result.code == "not_found":
        return Telling("order_missing", {"order_no": str(args.get("order_no", ""))})
    if result.code == "locked":
        return Leaving("locked", "locked")
    if result.code in _WISH_CODES:
        return Leaving("policy_gap", "beyond_rules")
    return Broken(result.call.name, result.code)


def _verified(result: ToolResult) -> bool:
    return result.call.name == "verify_customer" and result.ok and result.data.get("verified") is True


def _same(args: dict[str, Any], wanted: str) -> bool:
    try:
        return canonical_json(args) == wanted
    except (TypeError, ValueError):  # arguments that are no JSON were not ours
        return False


def _variants(reply: Reply, lang: str) -> tuple[str, ...]:
    keys = (lang, lang.split("-")[0], "en", *reply)
    return next(reply[key] for key in keys if key in reply)
