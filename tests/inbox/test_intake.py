"""The door: what is stored, what is refused, what wakes whom."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select
from support.inbox import Inbox, message, until

from xiaoer.domain.refusals import BadInput
from xiaoer.inbox import views
from xiaoer.inbox.tables import CONVERSATION, MESSAGE
from xiaoer.storage.engine import reading


def stored(inbox: Inbox) -> list[object]:
    with reading(inbox.engine) as session:
        return list(session.execute(select(MESSAGE).order_by(MESSAGE.c.seq)).all())


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00\x00", "\ud800"])
async def test_an_empty_text_is_refused_and_nothing_is_stored(inbox: Inbox, text: str) -> None:
    with pytest.raises(BadInput, match="empty"):
        await inbox.intake.accept(message(text, event_id="e"))
    assert stored(inbox) == []


async def test_ten_thousand_characters_are_taken_and_one_more_is_refused(inbox: Inbox) -> None:
    await inbox.intake.accept(message("字" * 10_000, event_id="e1"))
    with pytest.raises(BadInput, match=r"10,001 characters.*10,000"):
        await inbox.intake.accept(message("x" * 10_001, event_id="e2"))
    assert len(stored(inbox)) == 1


async def test_a_message_without_an_id_is_refused(inbox: Inbox) -> None:
    with pytest.raises(BadInput, match="id of its own"):
        await inbox.intake.accept(message("hello", event_id="\x00"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("null\x00byte", "nullbyte"),
        ("half \ud83d emoji", "half  emoji"),
        ("😀👍🏽", "😀👍🏽"),
        ("مرحبا ‮abc", "مرحبا ‮abc"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("'; drop table message; --", "'; drop table message; --"),
        ("bell\x07 and escape\x1b[2J", "bell\x07 and escape\x1b[2J"),
    ],
)
async def test_whatever_is_written_is_stored(inbox: Inbox, text: str, kept: str) -> None:
    await inbox.intake.accept(message(text, event_id="e"))
    assert inbox.texts() == [kept]


async def test_the_raw_event_is_kept_readable(inbox: Inbox) -> None:
    raw = {"body": "null\x00byte", "list": ["\ud83d", {"k\x00": 1}], "n": 1.5, "none": None}
    await inbox.intake.accept(message("hello", raw=raw))
    row = stored(inbox)[0]
    assert row.raw == {"body": r"null\x00byte", "list": [r"\ud83d", {r"k\x00": 1}], "n": 1.5, "none": None}
    json.dumps(row.raw)


async def test_an_unknown_kind_is_kept_and_never_answered(inbox: Inbox) -> None:
    accepted = await inbox.intake.accept(message("", event_id="e", kind="unknown", raw={"type": "reaction"}))
    await inbox.start()
    await inbox.intake.accept(message("hello"))
    await until(lambda: inbox.texts("assistant"))
    assert [one.text for one in inbox.graph.turns[0].new] == ["hello"]
    assert views.get_message(inbox.engine, accepted.message_id).state == "ignored"
    shown = views.events_after(inbox.engine, accepted.conversation_id)
    assert [item.text for item in shown] == ["hello", "answer to: hello"]


async def test_threads_stores_and_channels_are_conversations_of_their_own(inbox: Inbox) -> None:
    places = [
        {"thread": "a"},
        {"thread": "b"},
        {"thread": "a", "store": "demo-cn"},
        {"thread": "a", "channel": "telegram"},
    ]
    ids = {
        (await inbox.intake.accept(message("hi", event_id=f"e{n}", **place))).conversation_id
        for n, place in enumerate(places)
    }
    assert len(ids) == 4


async def test_the_same_event_id_in_another_store_is_another_event(inbox: Inbox) -> None:
    first = await inbox.intake.accept(message("hi", event_id="1"))
    second = await inbox.intake.accept(message("hi", event_id="1", store="demo-cn"))
    assert not second.duplicate
    assert first.message_id != second.message_id


async def test_opening_a_conversation_twice_is_the_same_one(inbox: Inbox) -> None:
    first = await inbox.intake.open_conversation("demo-us", "web", "t1", name="Jane Demo")
    assert await inbox.intake.open_conversation("demo-us", "web", "t1") == first
    accepted = await inbox.intake.accept(message("hello", thread="t1"))
    assert accepted.conversation_id == first
    row = views.get_conversation(inbox.engine, first)
    assert (row.customer_name, row.level, row.last_seq) == ("Jane Demo", 0, 1)


async def test_what_the_channel_has_proven_raises_the_level_and_is_never_replaced(inbox: Inbox) -> None:
    conversation = await inbox.intake.open_conversation("demo-us", "web", "t1", external_id="cust-1")
    await inbox.intake.open_conversation("demo-us", "web", "t1", external_id="cust-2")
    await inbox.intake.open_conversation("demo-us", "web", "t1")
    row = views.get_conversation(inbox.engine, conversation)
    assert (row.level, row.external_id) == (1, "cust-1")


async def test_a_duplicate_leaves_no_gap_and_no_movement(inbox: Inbox) -> None:
    await inbox.intake.accept(message("one", event_id="e1"))
    with reading(inbox.engine) as session:
        before = session.execute(select(CONVERSATION)).one()
    await inbox.intake.accept(message("one", event_id="e1"))
    with reading(inbox.engine) as session:
        assert session.execute(select(CONVERSATION)).one() == before
