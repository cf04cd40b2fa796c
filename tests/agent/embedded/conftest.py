"""Conversations with the embedded brain; every reply must also pass the output guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.demo_orders import cn_shop, us_shop
from support.drive import Conversation, Spoken
from support.fake_shop import FakeShop

from xiaoer.agent.brains.embedded import EmbeddedBrain, prefetch_calls
from xiaoer.agent.brains.protocol import Plan
from xiaoer.agent.guard.checks import check_text
from xiaoer.agent.guard.facts import gather_facts
from xiaoer.agent.turn import TurnInput
from xiaoer.domain.understanding import Understanding
from xiaoer.prompts.playbooks import Playbooks, load_playbooks

Talk = Callable[..., Conversation]


class Guarded(Conversation):
    """Holds what the embedded brain says against what the guard lets pass."""

    def say(self, text: str, understood: Understanding) -> Spoken:
        spoken = super().say(text, understood)
        assert self.last is not None
        if not spoken.text:  # said on purpose, and never before a polite line
            assert self.memory["unwanted"] > 1
            return spoken
        view = self.last
        turn = TurnInput(
            view.turn_id,
            "C-1",
            view.store,
            "web",
            view.lang,
            view.history,
            (),
            view.scope,
            {},
            view.actions,
            view.now,
        )
        state: Any = {
            "turn": turn,
            "messages": view.messages,
            "scope": view.scope,
            "plan": self.last_plan,
            "results": view.results,
            "proposals": view.proposals,
        }
        failed = [v for v in check_text(spoken.text, gather_facts(state), view.store) if not v.ok]
        assert not failed, f"{failed}\n{spoken.text}"
        return spoken


@pytest.fixture(scope="session")
def playbooks() -> Playbooks:
    return load_playbooks()


@pytest.fixture
def decide(playbooks: Playbooks) -> Callable[..., Plan]:
    return EmbeddedBrain(playbooks).decide


@pytest.fixture
def talk(playbooks: Playbooks) -> Talk:
    """`talk()` in the English demo store, `talk("cn")` in the Chinese one; ahead=False without prefetch."""

    def start(store: str = "us", *, ahead: bool = True, shop: FakeShop | None = None) -> Conversation:
        chosen = shop or {"us": us_shop, "cn": cn_shop}[store]()
        fetch = (lambda view: prefetch_calls(playbooks, view)) if ahead else None
        return Guarded(EmbeddedBrain(playbooks).decide, chosen, fetch, lang=store)

    return start
