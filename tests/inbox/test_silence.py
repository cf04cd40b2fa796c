"""Silence: one reminder, one closing question, then rest; any message wakes a conversation again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.promises import NOON, World

from xiaoer.agent.rating import CARD
from xiaoer.agent.turn import Rating
from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.messages import HandOff
from xiaoer.domain.stores import Store
from xiaoer.inbox import views
from xiaoer.inbox.hooks import NoLedger
from xiaoer.inbox.silence import Silence
from xiaoer.stores.loader import load_stores


class Ledger(NoLedger):
    """Actions by hand."""

    def __init__(self) -> None:
        self.actions: tuple[ActionView, ...] = ()

    def actions_of(self, session: Any, conversation_id: str) -> tuple[ActionView, ...]:
        return self.actions


class Quiet(World):
    """A world whose turns promise nothing, and the clock of silence over it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.graph.promises = []
        self.ledger = Ledger()
        self.stores = load_stores()
        self.silence = Silence(
            self.inbox.engine,
            self.inbox.queue,
            self.inbox.outbox,
            self.say,
            self.stores,
            self.ledger,
            self.clock,
            self.inbox.live,
        )

    def say(self, store: Store, lang: str, name: str, seed: str) -> str:
        return f"{name} ({lang})"

    def look_after(self, **span: float) -> None:
        self.clock.forward(**span)
        self.silence.look()

    def set(self, **changes: Any) -> None:
        store = self.stores["demo-us"]
        self.stores["demo-us"] = replace(store, attention=replace(store.attention, **changes))

    def rest(self, conversation: str) -> str | None:
        return views.get_conversation(self.inbox.engine, conversation).rest


@pytest.fixture
def world(url: str) -> Iterator[Quiet]:
    made = Quiet(url)
    yield made
    made.inbox.engine.dispose()


async def test_a_question_is_reminded_of_once_and_never_again(world: Quiet) -> None:
    world.graph.more = {"asked": "proof", "served": False}
    conversation = await world.ask()
    world.look_after(minutes=29)
    assert len(world.said(conversation)) == 2
    world.look_after(minutes=2)
    for _ in range(20):
        world.look_after(hours=1)
    assert world.said(conversation)[2:] == ["remind_proof (en)"]


async def test_a_later_question_has_a_reminder_of_its_own(world: Quiet) -> None:
    world.graph.more = {"asked": "lines"}
    conversation = await world.ask()
    world.look_after(minutes=31)
    await world.ask("which ones are there?")
    world.look_after(minutes=31)
    assert world.said(conversation).count("remind_answer (en)") == 2


async def test_who_has_answered_is_not_reminded(world: Quiet) -> None:
    world.graph.more = {"asked": "proof"}
    conversation = await world.ask()
    world.graph.more = {}
    await world.ask("jane@example.com")
    world.look_after(minutes=31)
    assert len(world.said(conversation)) == 4


async def test_nobody_is_reminded_at_night_but_in_the_morning(world: Quiet) -> None:
    world.clock.now = NOON + timedelta(hours=10)  # ten in the evening
    world.graph.more = {"asked": "proof"}
    conversation = await world.ask()
    world.look_after(minutes=31)
    assert len(world.said(conversation)) == 2
    world.look_after(hours=10)
    assert world.said(conversation)[2:] == ["remind_proof (en)"]


async def test_a_store_may_do_without_reminders_and_ratings(world: Quiet) -> None:
    world.set(remind_minutes=0, ask_rating=False)
    world.graph.more = {"asked": "proof"}
    asked = await world.ask()
    world.graph.more = {}
    answered = await world.ask(thread="t2")
    world.look_after(hours=6)
    assert (len(world.said(asked)), len(world.said(answered))) == (2, 2)


async def test_who_is_with_a_person_is_neither_reminded_nor_asked_nor_put_to_rest(world: Quiet) -> None:
    world.graph.more = {"hand_off": HandOff("asked", "", "a colleague takes over")}
    conversation = await world.ask()
    said = world.said(conversation)
    for _ in range(30):
        world.look_after(hours=1)
    assert world.said(conversation) == said
    assert world.rest(conversation) is None


async def test_an_answered_matter_is_rated_once_and_then_rests_as_resolved(world: Quiet) -> None:
    conversation = await world.ask()
    world.look_after(hours=3)
    assert len(world.said(conversation)) == 2
    for _ in range(40):
        world.look_after(hours=1)
    assert world.said(conversation)[2:] == ["rating_ask (en)"]
    assert views.thread(world.inbox.engine, conversation)[-1].cards == (CARD,)
    assert world.rest(conversation) == "resolved"
    rating = world.follow_ups.rating(conversation)
    assert rating is not None and rating.score is None


async def test_an_unanswered_question_rests_as_quiet_and_a_message_wakes_it(world: Quiet) -> None:
    world.graph.more = {"asked": "proof", "served": False}
    conversation = await world.ask()
    for _ in range(30):
        world.look_after(hours=1)
    assert world.rest(conversation) == "quiet"
    await world.ask("here I am again")
    assert world.rest(conversation) is None
    assert world.said(conversation)[-1] == "I look again tomorrow."


async def test_while_a_promise_is_open_the_matter_is_not_over(world: Quiet) -> None:
    world.graph.promises = None
    conversation = await world.ask()
    for _ in range(30):
        world.look_after(hours=1)
    assert len(world.said(conversation)) == 2
    assert world.rest(conversation) is None
    world.follow_ups.cancel(world.follow_ups.list()[0].id, "Ana")
    for _ in range(30):
        world.look_after(hours=1)
    assert world.rest(conversation) == "resolved"


async def test_while_a_request_waits_the_matter_is_not_over(world: Quiet) -> None:
    waiting = ActionView("A-1", "issue_refund", ActionStatus.PENDING, "#1004", {}, None, "", "refund.window")
    world.ledger.actions = (waiting,)
    conversation = await world.ask()
    for _ in range(30):
        world.look_after(hours=1)
    assert len(world.said(conversation)) == 2
    assert world.rest(conversation) is None


async def test_paused_answers_pause_reminders_and_questions(world: Quiet) -> None:
    world.graph.more = {"asked": "proof"}
    conversation = await world.ask()
    world.inbox.pauses.pause("answers", None, "Ana")
    world.look_after(hours=5)
    assert len(world.said(conversation)) == 2
    world.inbox.pauses.resume("answers", None)
    world.look_after(minutes=1)
    assert world.said(conversation)[2:] == ["remind_proof (en)"]


async def test_a_rating_is_kept_once_with_its_comment_and_counts_for_the_store(world: Quiet) -> None:
    conversation = await world.ask()
    world.look_after(hours=5)
    world.graph.more = {"rating": Rating(4, "quick")}
    await world.ask("4, quick")
    world.graph.more = {"rating": Rating(1, "")}
    await world.ask("1")
    rating = world.follow_ups.rating(conversation)
    assert rating is not None and (rating.score, rating.comment) == (4, "quick")
    other = await world.ask("again", thread="t2")
    world.look_after(hours=16)  # the next morning
    assert world.follow_ups.rating(other) is not None
    (figure,) = world.follow_ups.figures()
    assert (figure.store, figure.asked, figure.answered) == ("demo-us", 2, 1)
    assert (figure.average, figure.satisfied) == (4.0, 1.0)
    assert world.follow_ups.figures("demo-cn") == ()


async def test_the_closing_question_of_a_turn_is_the_only_one(world: Quiet) -> None:
    world.graph.more = {"asks_rating": True}
    conversation = await world.ask("thanks, bye")
    world.graph.more = {}
    for _ in range(30):
        world.look_after(hours=1)
    assert len(world.said(conversation)) == 2
    assert world.follow_ups.rating(conversation) is not None


async def test_a_clock_that_comes_late_changes_nothing_twice(world: Quiet) -> None:
    world.graph.more = {"asked": "proof"}
    conversation = await world.ask()
    second = Silence(
        world.inbox.engine,
        world.inbox.queue,
        world.inbox.outbox,
        world.say,
        world.stores,
        world.ledger,
        world.clock,
        world.inbox.live,
    )
    world.clock.forward(minutes=31)
    world.silence.look()
    second.look()
    assert world.said(conversation)[2:] == ["remind_proof (en)"]
