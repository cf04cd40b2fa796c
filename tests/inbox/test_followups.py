"""Promises: given with the reply, looked at by the clock, told once, or handed to a person."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from support.inbox import message, until
from support.promises import MOVED, NOON, STUCK, World, a_promise

from xiaoer.agent.promising import seen_key
from xiaoer.domain.messages import HandOff
from xiaoer.domain.promises import PromiseKind
from xiaoer.domain.refusals import NotFound, Refusal
from xiaoer.inbox import views
from xiaoer.inbox.followups.keeper import claim_due
from xiaoer.inbox.followups.tables import LEASE
from xiaoer.stores.loader import load_stores


@pytest.fixture
def world(url: str) -> Iterator[World]:
    made = World(url)
    yield made
    made.inbox.engine.dispose()


async def test_a_promise_stands_with_the_reply_that_gives_it(world: World) -> None:
    conversation = await world.ask()
    (promise,) = world.all()
    assert (promise.conversation_id, promise.kind, promise.subject) == (conversation, "parcel_moves", "#1006")
    assert (promise.state, promise.next_look_at) == ("open", NOON + timedelta(hours=24))
    assert world.said(conversation)[-1] == "I look again tomorrow."


async def test_a_turn_that_loses_its_commit_promises_nothing(world: World) -> None:
    accepted = await world.inbox.intake.accept(message("where is it?"))
    inner = world.graph

    async def taken_meanwhile(turn):  # type: ignore[no-untyped-def]  # a graph
        world.inbox.console.take(accepted.conversation_id, "Ana")
        return await inner(turn)

    world.inbox.worker._think = taken_meanwhile
    await world.inbox.worker.run_turn(accepted.conversation_id)
    assert world.all() == ()


async def test_the_same_promise_again_is_one_row_with_the_later_end(world: World) -> None:
    await world.ask("one")
    world.clock.forward(hours=2)
    await world.ask("two")
    (promise,) = world.all()
    assert promise.next_look_at == NOON + timedelta(hours=24)
    assert promise.deadline == NOON + timedelta(hours=74)
    # Another order, or another matter of the same order, is another promise.
    others = [a_promise(NOON, subject="#1009"), a_promise(NOON, kind=PromiseKind.CHECK_BACK)]
    world.graph.promises = others
    await world.ask("three")
    assert len(world.all()) == 3


async def test_two_promises_of_one_kind_in_one_turn_are_one(world: World) -> None:
    world.graph.promises = [a_promise(NOON), a_promise(NOON, subject="1006")]
    await world.ask()
    assert len(world.all()) == 1


async def test_nothing_is_looked_at_before_its_time(world: World) -> None:
    await world.ask()
    world.clock.forward(hours=23)
    await world.look_all()
    assert world.eyes.looks == []


async def test_without_news_it_is_silent_and_looks_less_and_less_often(world: World) -> None:
    conversation = await world.ask()
    said = world.said(conversation)
    waits = []
    for _ in range(3):
        (promise,) = world.all()
        world.clock.now = promise.next_look_at
        await world.look_all()
        waits.append(world.all()[0].next_look_at - world.clock.now)
    assert waits == [timedelta(hours=6), timedelta(hours=12), timedelta(hours=24)]
    assert world.all()[0].tries == 3
    assert world.said(conversation) == said


async def test_news_is_told_once_and_the_promise_is_kept(world: World) -> None:
    conversation = await world.ask()
    world.eyes.known = MOVED
    world.clock.forward(hours=24)
    await world.look_all()
    world.clock.forward(hours=30)
    await world.look_all()
    assert world.said(conversation)[2:] == ["news of #1006"]
    (promise,) = world.all()
    assert (promise.state, promise.closed_by) == ("kept", "follow_up")
    brains = [turn["brain"] for turn in views.trace(world.inbox.engine, conversation)["turns"]]
    assert brains == ["scripted", "follow_up"]


async def test_at_the_deadline_the_customer_hears_so_and_a_person_has_it(world: World) -> None:
    conversation = await world.ask()
    for _ in range(12):
        world.clock.forward(hours=12)
        await world.look_all()
    assert world.said(conversation)[2:] == ["no news; a colleague takes over"]
    assert world.all()[0].state == "told_no_news"
    row = views.get_conversation(world.inbox.engine, conversation)
    assert (row.status, row.hand_off_reason) == ("human", "follow_up")
    assert "#1006" in row.hand_off_summary
    assert row.waiting_since is not None
    assert "handed_off:follow_up" in world.notes(conversation)


async def test_a_tool_that_does_not_answer_is_asked_again_and_never_taken_for_news(world: World) -> None:
    conversation = await world.ask()
    world.clock.forward(hours=24)
    world.eyes.known = None
    await world.look_all()
    (promise,) = world.all()
    assert (promise.state, promise.tries) == ("open", 0)
    assert promise.next_look_at == world.clock.now + timedelta(minutes=15)
    assert len(world.said(conversation)) == 2


async def test_what_the_customer_was_answered_meanwhile_is_no_news(world: World) -> None:
    conversation = await world.ask()
    world.graph.promises = []
    world.graph.more = {"seen": {seen_key("track_order", "1006"): MOVED}}
    world.clock.forward(hours=3)
    await world.ask("and now?")
    assert [(one.state, one.closed_by) for one in world.all()] == [("kept", "turn")]
    world.eyes.known = MOVED
    world.clock.forward(hours=24)
    await world.look_all()
    assert world.eyes.looks == []
    assert len(world.said(conversation)) == 4


async def test_an_answer_without_news_leaves_the_promise_open(world: World) -> None:
    await world.ask()
    world.graph.promises = []
    world.graph.more = {"seen": {seen_key("track_order", "#1006"): STUCK}}
    await world.ask("and now?")
    assert [one.state for one in world.all()] == ["open"]


async def test_while_a_person_has_the_conversation_the_news_is_a_note(world: World) -> None:
    conversation = await world.ask()
    world.inbox.console.take(conversation, "Ana")
    world.eyes.known = MOVED
    world.clock.forward(hours=24)
    await world.look_all()
    assert len(world.said(conversation)) == 2
    assert "follow_up:news of #1006" in world.notes(conversation)
    assert world.all()[0].state == "kept"
    assert views.get_conversation(world.inbox.engine, conversation).assigned_to == "Ana"


async def test_nobody_is_woken_at_night_unless_it_is_urgent(world: World) -> None:
    conversation = await world.ask()
    world.graph.promises = [a_promise(NOON, urgent=True)]
    urgent = await world.ask(thread="t2")
    world.eyes.known = MOVED
    world.clock.forward(hours=24 + 12)  # midnight in Los Angeles
    await world.look_all()
    assert world.said(urgent)[2:] == ["news of #1006"]
    assert len(world.said(conversation)) == 2
    (promise,) = world.follow_ups.list()
    zone = load_stores()["demo-us"].zone
    assert promise.next_look_at.astimezone(zone).strftime("%H:%M") == "08:00"
    world.clock.now = promise.next_look_at
    await world.look_all()
    assert world.said(conversation)[2:] == ["news of #1006"]


async def test_who_has_just_written_is_answered_first(world: World) -> None:
    conversation = await world.ask()
    world.eyes.known = MOVED
    world.clock.forward(hours=24)
    await world.inbox.intake.accept(message("hello?"))
    await world.look_all()
    assert world.said(conversation)[2:] == ["hello?"]
    (promise,) = world.all()
    assert (promise.state, promise.tries) == ("open", 0)
    world.graph.promises = []
    await world.inbox.worker.run_turn(conversation)
    world.clock.forward(minutes=1)
    await world.look_all()
    assert world.said(conversation)[-1] == "news of #1006"


async def test_paused_answers_keep_the_news_back(world: World) -> None:
    conversation = await world.ask()
    world.eyes.known = MOVED
    world.clock.forward(hours=24)
    world.inbox.pauses.pause("answers", "demo-us", "Ana")
    await world.look_all()
    assert len(world.said(conversation)) == 2
    world.inbox.pauses.resume("answers", "demo-us")
    world.clock.forward(minutes=1)
    await world.look_all()
    assert world.said(conversation)[2:] == ["news of #1006"]


async def test_news_from_elsewhere_is_looked_at_at_once(world: World) -> None:
    conversation = await world.ask()
    await world.inbox.start()
    world.keeper.attach()  # too late for this worker: the one below takes the job
    await world.inbox.stop()
    second = World(world.inbox.url, world.clock)
    second.eyes.known = MOVED
    second.keeper.attach()
    await second.inbox.start()
    try:
        assert second.follow_ups.wake("demo-us", "#1006") == 1
        await until(lambda: world.said(conversation)[2:] == ["news of #1006"])
        assert second.follow_ups.wake("demo-us", "#1006") == 0
        assert second.follow_ups.wake("demo-cn", "#1006") == 0
    finally:
        await second.inbox.stop()


async def test_a_look_that_was_overtaken_changes_nothing(world: World) -> None:
    conversation = await world.ask()
    world.clock.forward(hours=24)
    world.eyes.known = MOVED
    (promise,) = world.all()
    world.eyes.during = lambda: world.follow_ups.cancel(promise.id, "Ana")
    await world.keeper.run(promise.id)
    assert len(world.said(conversation)) == 2
    assert [(one.state, one.closed_by) for one in world.all()] == [("cancelled", "Ana")]


async def test_a_look_that_begins_before_the_news_and_ends_after_it_is_looked_at_anew(world: World) -> None:
    conversation = await world.ask()
    world.clock.forward(hours=24)
    (promise,) = world.all()

    def answered() -> None:
        world.eyes.during = None
        world.clock.forward(seconds=1)
        world.follow_ups.wake("demo-us", "#1006")

    world.eyes.during = answered
    await world.keeper.run(promise.id)  # it saw nothing new, and must not put the next look far away
    assert world.all()[0].next_look_at == world.clock.now
    world.eyes.known = MOVED
    await world.keeper.run(promise.id)
    assert world.said(conversation)[2:] == ["news of #1006"]


async def test_a_person_takes_a_promise_back_once(world: World) -> None:
    conversation = await world.ask()
    (promise,) = world.all()
    assert world.follow_ups.cancel(promise.id, "Ana").state == "cancelled"
    with pytest.raises(Refusal):
        world.follow_ups.cancel(promise.id, "Ben")
    with pytest.raises(NotFound):
        world.follow_ups.cancel("F-0", "Ana")
    assert "follow_up_cancelled:#1006" in world.notes(conversation)
    world.eyes.known = MOVED
    world.clock.forward(hours=24)
    await world.look_all()
    assert len(world.said(conversation)) == 2


async def test_two_clocks_at_once_claim_each_promise_once(world: World) -> None:
    for thread in range(8):
        await world.ask(thread=f"t{thread}")
    world.clock.forward(hours=24)
    engine, queue = world.inbox.engine, world.inbox.queue
    won = await asyncio.gather(
        *(asyncio.to_thread(claim_due, engine, queue, world.clock.now) for _ in range(4))
    )
    assert sum(won) == 8
    # A look that never ends is claimed again, after its lease.
    assert claim_due(engine, queue, world.clock.now + LEASE) == 8


async def test_two_looks_at_once_tell_once(world: World) -> None:
    conversation = await world.ask()
    world.clock.forward(hours=24)
    world.eyes.known = MOVED
    (promise,) = world.all()
    second = world.make_keeper()
    await asyncio.gather(*(keeper.run(promise.id) for keeper in (world.keeper, second, world.keeper)))
    assert world.said(conversation)[2:] == ["news of #1006"]


async def test_a_look_that_keeps_failing_is_put_off_and_the_promise_stands(world: World) -> None:
    await world.ask()
    world.clock.forward(hours=24)
    await world.keeper.tick()
    (promise,) = world.all()
    await world.keeper.give_up(promise.id)
    assert world.all()[0].next_look_at == world.clock.now + timedelta(minutes=15)
    assert world.all()[0].state == "open"


async def test_a_conversation_handed_over_in_the_promising_turn_still_promises(world: World) -> None:
    world.graph.more = {"hand_off": HandOff("asked", "wants a person", "A colleague takes over.")}
    world.graph.promises = [replace(a_promise(NOON), kind=PromiseKind.SUPPLIER_ANSWERS, subject="Q-1")]
    conversation = await world.ask()
    world.eyes.known = MOVED
    world.clock.forward(hours=24)
    await world.look_all()
    assert "follow_up:news of #1006" in world.notes(conversation)


async def test_an_ok_after_the_news_does_not_agree_to_an_older_offer(world: World) -> None:
    offer = {"v": 1, "ask": {"kind": "offer", "intent": "human_agent"}, "expecting": "yes_no", "sorry": True}
    world.graph.more = {"memory": offer}
    await world.ask()
    world.eyes.known = MOVED
    world.clock.forward(hours=24)
    await world.look_all()
    seen = []

    async def remember(turn):  # type: ignore[no-untyped-def]  # a graph
        seen.append(turn.memory)
        world.graph.more = {}
        return await world.graph(turn)

    world.inbox.worker._think = remember
    await world.ask("ok")
    assert seen == [{"v": 1, "sorry": True}]
