"""Drives a brain through a conversation: a small shop answers its calls in the published shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from support.fake_shop import NOW, FakeShop

from xiaoer.agent.brains.protocol import Plan, Proposed, TurnView
from xiaoer.domain.actions import OPEN, ActionStatus, ActionView
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.messages import Author, HandOff, HistoryItem, Reply
from xiaoer.domain.stores import Store
from xiaoer.domain.understanding import IntentScore, Slots, Understanding
from xiaoer.stores.loader import load_stores
from xiaoer.tools.calls import ToolCall
from xiaoer.tools.catalog import Effect, effect_of

Decide = Callable[[TurnView], Plan]
Prefetch = Callable[[TurnView], tuple[ToolCall, ...]]
MAX_STEPS = 8


@cache
def stores() -> dict[str, Store]:
    return load_stores()


def meaning(
    *intents: str | tuple[str, float],
    lang: str = "en",
    sentiment: str = "neutral",
    yes_no: str | None = None,
    risk: tuple[str, ...] = (),
    **slots: str | tuple[str, ...],
) -> Understanding:
    """An understanding as the classifier would give it; intents without a figure are sure."""
    scores = tuple(IntentScore(*(i if isinstance(i, tuple) else (i, 0.95))) for i in intents)
    given = {name: (value,) if isinstance(value, str) else value for name, value in slots.items()}
    return Understanding(lang, scores, sentiment, Slots(**given), risk, yes_no)


@dataclass(frozen=True)
class Spoken:
    """What came of one customer line."""

    calls: tuple[ToolCall, ...]  # reads and writes that the brain asked for
    fetched: tuple[ToolCall, ...]  # what was read ahead
    proposals: tuple[Proposed, ...]
    reply: Reply | None
    hand_off: HandOff | None
    steps: int
    withdraws: tuple[str, ...] = ()  # requests that the customer takes back

    @property
    def text(self) -> str:
        return self.reply.text if self.reply else self.hand_off.say if self.hand_off else ""

    @property
    def tools(self) -> list[str]:
        """All calls in order, proposals last."""
        return [c.name for c in (*self.fetched, *self.calls)] + [p.call.name for p in self.proposals]

    def card(self, kind: str) -> dict[str, Any]:
        assert self.reply is not None
        return next(card for card in self.reply.cards if card["type"] == kind)


class Conversation:
    """Keeps what the worker keeps between turns: memory, scope, history, actions."""

    def __init__(
        self, decide: Decide, shop: FakeShop, prefetch: Prefetch | None = None, lang: str = "en"
    ) -> None:
        self.decide, self.shop, self.prefetch, self.lang = decide, shop, prefetch, lang
        self.scope = Scope(shop.store.id, "C-1")
        self.memory: dict[str, Any] = {}
        self.actions: list[ActionView] = []
        self.history: list[HistoryItem] = []
        self.now = NOW
        self.turns = 0
        self.last_plan: Plan | None = None
        self.last: TurnView | None = None  # the view as the last plan saw it

    def prove(self, customer: str, level: Level = Level.ORDER) -> Conversation:
        self.scope = replace(self.scope, level=level, customer_ref=customer, verified_at=NOW)
        return self

    def settle(self, action_id: str, status: ActionStatus, **changes: Any) -> None:
        """A person decided, or the executor came back."""
        self.actions = [
            replace(a, status=status, **changes) if a.action_id == action_id else a for a in self.actions
        ]

    def say(self, text: str, understood: Understanding) -> Spoken:
        self.turns += 1
        view = self._view(text, understood)
        fetched: list[ToolCall] = []
        while self.prefetch and (ahead := self.prefetch(view)):
            assert len(fetched) < 12, "the prefetch does not end"
            fetched += ahead
            view = self._with_results(view, ahead)
        calls: list[ToolCall] = []
        for step in range(MAX_STEPS):
            plan = self.decide(replace(view, step=step))
            if not plan.calls:
                return self._finish(view, plan, calls, fetched, step + 1)
            now = [c for c in plan.calls if effect_of(c.name) is not Effect.IRREVERSIBLE]
            calls += now
            view = self._with_results(view, now)
            asked = [c for c in plan.calls if c not in now]
            made = tuple(self.shop.propose(c, view.turn_id, view.scope, view.lang) for c in asked)
            view = replace(view, proposals=(*view.proposals, *made))
        raise AssertionError(f"no answer within {MAX_STEPS} steps: {[c.name for c in calls]}")

    def _view(self, text: str, understood: Understanding) -> TurnView:
        self.lang = understood.lang
        return TurnView(
            turn_id=f"T-{self.turns}",
            store=self.shop.store,
            channel="web",
            lang=understood.lang,
            now=self.now,
            messages=(text,),
            understanding=understood,
            history=tuple(self.history),
            scope=self.scope,
            memory=self.memory,
            actions=tuple(self.actions),
        )

    def _with_results(self, view: TurnView, calls: Sequence[ToolCall]) -> TurnView:
        known = {r.call.id for r in view.results}
        assert not known & {c.id for c in calls}, "an id came twice"
        results = [self.shop.run(call, view.scope) for call in calls]
        scope = next((r.scope for r in reversed(results) if r.scope is not None), view.scope)
        return replace(view, results=(*view.results, *results), scope=scope)

    def _finish(
        self, view: TurnView, plan: Plan, calls: list[ToolCall], fetched: list[ToolCall], steps: int
    ) -> Spoken:
        assert (plan.reply is None) != (plan.hand_off is None)
        self.last, self.last_plan = view, plan
        self.scope = view.scope
        self.memory = view.memory if plan.memory is None else plan.memory
        self.actions += [p.action for p in view.proposals if p.action and p.action.status in OPEN]
        reads = (tuple(calls), tuple(fetched), view.proposals)
        spoken = Spoken(*reads, plan.reply, plan.hand_off, steps, plan.withdraws)
        for author, said in ((Author.CUSTOMER, view.text), (Author.ASSISTANT, spoken.text)):
            self.history.append(HistoryItem(f"M-{len(self.history)}", author, said, self.now))
        return spoken
