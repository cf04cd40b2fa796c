"""Deliveries: in order, once, tried again, given up loudly."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from support.inbox import FakeChannel, Inbox, message, until

from xiaoer.domain.messages import Author, Reply
from xiaoer.domain.refusals import Refusal
from xiaoer.inbox import views
from xiaoer.inbox.queue import Pace
from xiaoer.inbox.tables import OUTBOX
from xiaoer.storage.engine import reading, transaction

BRISK = Pace(drain=0.1, waits={"run_turn": (0.05,), "send": (0.01, 0.02)})


def outbox_rows(inbox: Inbox) -> list[Any]:
    with reading(inbox.engine) as session:
        return list(session.execute(select(OUTBOX).order_by(OUTBOX.c.id)).all())


async def telegram(inbox: Inbox, text: str) -> str:
    return (await inbox.intake.accept(message(text, channel="telegram"))).conversation_id


def tell(inbox: Inbox, conversation: str, text: str, dedupe: str) -> str:
    with transaction(inbox.engine) as session:
        message_id = inbox.outbox.tell(session, conversation, Reply(text), dedupe)
    inbox.queue.kick()
    return message_id


async def test_an_answer_goes_to_its_channel_with_a_key_of_its_own(inbox: Inbox) -> None:
    await inbox.start()
    conversation = await telegram(inbox, "hello")
    delivery = (await until(lambda: inbox.channel.sent))[0]
    assert (delivery.channel, delivery.thread, delivery.text) == ("telegram", "t1", "answer to: hello")
    assert delivery.key.endswith(":0")
    await until(lambda: views.events_after(inbox.engine, conversation)[-1].state == "sent")
    row = outbox_rows(inbox)[0]
    assert (row.state, row.attempts, row.provider_ref) == ("sent", 1, "ref-1")


async def test_deliveries_of_a_conversation_keep_their_order(inbox: Inbox) -> None:
    conversation = await inbox.intake.open_conversation("demo-us", "telegram", "t1")
    for number in range(8):
        tell(inbox, conversation, str(number), f"d{number}")
    await inbox.start()
    await until(lambda: len(inbox.channel.sent) == 8)
    assert [delivery.text for delivery in inbox.channel.sent] == [str(number) for number in range(8)]


async def test_the_same_news_is_told_once(inbox: Inbox) -> None:
    conversation = await inbox.intake.open_conversation("demo-us", "telegram", "t1")
    first = tell(inbox, conversation, "refunded", "receipt:A-1")
    assert tell(inbox, conversation, "refunded", "receipt:A-1") == first
    await inbox.start()
    await until(lambda: inbox.channel.sent)
    tell(inbox, conversation, "refunded", "receipt:A-1")
    tell(inbox, conversation, "the end", "end")
    await until(lambda: len(inbox.channel.sent) == 2)
    assert [delivery.text for delivery in inbox.channel.sent] == ["refunded", "the end"]


async def test_news_enter_the_history_as_an_event(inbox: Inbox) -> None:
    await inbox.start()
    conversation = await inbox.intake.open_conversation("demo-us", "web", "t1")
    tell(inbox, conversation, "Refunded $12.00.", "receipt:A-1")
    await until(lambda: views.events_after(inbox.engine, conversation))
    await inbox.intake.accept(message("thanks", thread="t1"))
    await until(lambda: inbox.graph.turns)
    history = inbox.graph.turns[0].history
    assert [(item.author, item.text) for item in history] == [(Author.EVENT, "Refunded $12.00.")]


async def test_a_try_that_fails_is_repeated_with_the_same_key_before_anything_later(url: str) -> None:
    inbox = Inbox(url, pace=BRISK)
    keys: list[str] = []

    class Flaky(FakeChannel):
        async def send(self, delivery: Any) -> str:
            keys.append(delivery.key)
            return await super().send(delivery)

    inbox.outbox._senders["telegram"] = channel = Flaky(fails=[ConnectionError("gone"), TimeoutError()])
    conversation = await inbox.intake.open_conversation("demo-us", "telegram", "t1")
    tell(inbox, conversation, "first", "k1")
    tell(inbox, conversation, "second", "k2")
    await inbox.start()
    await until(lambda: len(channel.sent) == 2)
    assert keys == ["k1", "k1", "k1", "k2"]
    await until(lambda: outbox_rows(inbox)[1].state == "sent")
    assert [row.attempts for row in outbox_rows(inbox)] == [3, 1]
    await inbox.stop()


async def test_after_five_tries_a_delivery_is_given_up_visibly_and_the_next_goes_on(url: str) -> None:
    inbox = Inbox(url, pace=BRISK)
    inbox.channel.fails = [ConnectionError("gone")] * 5
    conversation = await inbox.intake.open_conversation("demo-us", "telegram", "t1")
    tell(inbox, conversation, "lost", "k1")
    tell(inbox, conversation, "found", "k2")
    await inbox.start()
    await until(lambda: inbox.channel.sent)
    states = {item.text: item.state for item in views.thread(inbox.engine, conversation)}
    await until(lambda: outbox_rows(inbox)[1].state == "sent")
    assert states["lost"] == "failed"
    assert (outbox_rows(inbox)[0].attempts, outbox_rows(inbox)[0].last_error) == (
        5,
        "ConnectionError('gone')",
    )
    assert views.waiting_counts(inbox.engine)["failed"] == 1
    assert [item.text for item in views.events_after(inbox.engine, conversation)] == ["found"]
    await inbox.stop()


async def test_what_a_channel_will_never_take_is_not_tried_again(inbox: Inbox) -> None:
    inbox.channel.fails = [Refusal("The 24-hour window is closed.")]
    await inbox.start()
    conversation = await telegram(inbox, "hello")
    await until(lambda: views.waiting_counts(inbox.engine)["failed"])
    assert outbox_rows(inbox)[0].last_error == "The 24-hour window is closed."
    assert inbox.channel.sent == []
    assert views.thread(inbox.engine, conversation)[-1].state == "failed"


async def test_a_failed_reply_is_not_in_the_history(inbox: Inbox) -> None:
    inbox.channel.fails = [Refusal("closed")]
    await inbox.start()
    await telegram(inbox, "hello")
    await until(lambda: views.waiting_counts(inbox.engine)["failed"])
    await telegram(inbox, "anybody?")
    await until(lambda: len(inbox.graph.turns) == 2)
    assert [item.text for item in inbox.graph.turns[1].history] == ["hello"]


async def test_a_web_answer_is_delivered_by_its_turn(inbox: Inbox) -> None:
    await inbox.start()
    accepted = await inbox.intake.accept(message("hello"))
    await until(lambda: inbox.texts("assistant"))
    assert views.events_after(inbox.engine, accepted.conversation_id)[-1].state == "sent"
    assert outbox_rows(inbox) == []


async def test_news_that_come_late_stand_where_the_customer_sees_them(inbox: Inbox) -> None:
    """A page asks for what is after the last item that it has: nothing may appear before that."""
    conversation = await inbox.intake.open_conversation("demo-us", "web", "t1")
    tell(inbox, conversation, "late news", "k1")  # nobody works yet: it waits
    await inbox.intake.accept(message("hello", thread="t1"))
    seen = views.events_after(inbox.engine, conversation)
    assert [item.text for item in seen] == ["hello"]
    await inbox.start()
    await until(lambda: len(views.events_after(inbox.engine, conversation)) == 3)
    after = views.events_after(inbox.engine, conversation, seen[-1].seq)
    assert sorted(item.text for item in after) == ["answer to: hello", "late news"]
