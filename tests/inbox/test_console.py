"""People in a conversation, the pause buttons, and what pages read."""

from __future__ import annotations

import asyncio

import pytest
from support.inbox import Inbox, message, outcome_of, until

from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.domain.messages import Author, HandOff
from xiaoer.domain.refusals import BadInput, NotFound, Refusal
from xiaoer.inbox import views
from xiaoer.inbox.console import Taken
from xiaoer.inbox.pause import is_paused
from xiaoer.inbox.waiting import wait_for_turn
from xiaoer.storage.engine import reading


async def open_one(inbox: Inbox, thread: str = "t1", **changes: str) -> str:
    return (await inbox.intake.accept(message(f"hello {thread}", thread=thread, **changes))).conversation_id


async def test_a_person_takes_writes_and_gives_back(inbox: Inbox) -> None:
    await inbox.start()
    conversation = await open_one(inbox)
    await until(lambda: inbox.texts("assistant"))
    inbox.console.take(conversation, "Ana")
    await inbox.intake.accept(message("are you human?"))
    inbox.console.agent_message(conversation, "Ana", "Yes, I am Ana.")
    await until(
        lambda: "Yes, I am Ana." in [item.text for item in views.events_after(inbox.engine, conversation)]
    )
    inbox.console.give_back(conversation, "Ana")
    await inbox.intake.accept(message("and my parcel?"))
    await until(lambda: len(inbox.texts("assistant")) == 2)
    # What Ana has answered is not answered again, and the assistant knows what was said.
    assert inbox.texts("assistant")[-1] == "answer to: and my parcel?"
    said = [(item.author, item.text) for item in inbox.graph.turns[-1].history]
    assert said == [
        (Author.CUSTOMER, "hello t1"),
        (Author.ASSISTANT, "answer to: hello t1"),
        (Author.SYSTEM, "taken"),
        (Author.CUSTOMER, "are you human?"),
        (Author.AGENT, "Yes, I am Ana."),
        (Author.SYSTEM, "given_back"),
    ]


async def test_what_nobody_answered_is_the_assistants_after_the_give_back(inbox: Inbox) -> None:
    conversation = await open_one(inbox)
    inbox.console.take(conversation, "Ana")
    await inbox.start()
    await inbox.intake.accept(message("one more"))
    inbox.console.give_back(conversation, "Ana")
    await until(lambda: inbox.texts("assistant"))
    assert inbox.texts("assistant") == ["answer to: hello t1 | one more"]


async def test_the_customer_sees_the_words_and_no_notes(inbox: Inbox) -> None:
    await inbox.start()
    conversation = await open_one(inbox)
    inbox.console.agent_message(conversation, "Ana", "Hi!")
    await until(lambda: len(views.events_after(inbox.engine, conversation)) >= 2)
    assert {item.kind for item in views.events_after(inbox.engine, conversation)} == {"text"}
    assert "note" in {item.kind for item in views.thread(inbox.engine, conversation)}
    agent = [item for item in views.events_after(inbox.engine, conversation) if item.author == "agent"]
    assert [(item.text, item.who) for item in agent] == [("Hi!", "Ana")]


async def test_a_conversation_is_one_persons(inbox: Inbox) -> None:
    conversation = await open_one(inbox)
    inbox.console.take(conversation, "Ana")
    inbox.console.take(conversation, "Ana")
    with pytest.raises(Taken, match="Ana has this conversation"):
        inbox.console.take(conversation, "Bo")
    with pytest.raises(Taken):
        inbox.console.agent_message(conversation, "Bo", "hello")
    assert [item.text for item in views.thread(inbox.engine, conversation)].count("taken") == 1


async def test_of_many_who_take_at_once_one_has_it(inbox: Inbox) -> None:
    conversation = await open_one(inbox)
    people = [f"person {number}" for number in range(8)]
    results = await asyncio.gather(
        *(asyncio.to_thread(inbox.console.take, conversation, who) for who in people), return_exceptions=True
    )
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, Taken) for result in results) == 7


@pytest.mark.parametrize("text", ["", "  ", "\x00", "x" * 10_001])
async def test_an_empty_or_endless_message_of_a_person_is_refused(inbox: Inbox, text: str) -> None:
    conversation = await open_one(inbox)
    with pytest.raises(BadInput):
        inbox.console.agent_message(conversation, "Ana", text)
    assert views.get_conversation(inbox.engine, conversation).status == "bot"


async def test_what_is_not_there_is_said_to_be_missing(inbox: Inbox) -> None:
    for step in (inbox.console.take, inbox.console.give_back, inbox.console.close, inbox.console.reopen):
        with pytest.raises(NotFound):
            step("C-NOWHERE", "Ana")
    for read in (views.get_conversation, views.get_message):
        with pytest.raises(NotFound):
            read(inbox.engine, "nowhere")


async def test_only_a_taken_conversation_is_given_back(inbox: Inbox) -> None:
    conversation = await open_one(inbox)
    with pytest.raises(Refusal, match="assistant has"):
        inbox.console.give_back(conversation, "Ana")


async def test_a_closed_conversation_can_be_opened_again_by_a_person(inbox: Inbox) -> None:
    conversation = await open_one(inbox)
    inbox.console.close(conversation, "Ana")
    inbox.console.reopen(conversation, "Bo")
    row = views.get_conversation(inbox.engine, conversation)
    assert (row.status, row.assigned_to) == ("human", "Bo")


async def test_a_message_that_a_person_answered_ends_the_wait(inbox: Inbox) -> None:
    await inbox.start()
    conversation = await open_one(inbox)
    await until(lambda: inbox.texts("assistant"))
    inbox.console.take(conversation, "Ana")
    accepted = await inbox.intake.accept(message("are you there?"))
    inbox.console.agent_message(conversation, "Ana", "I am.")
    await until(lambda: views.events_after(inbox.engine, conversation)[-1].text == "I am.")
    result = await wait_for_turn(inbox.engine, inbox.live, conversation, accepted.message_id, 5)
    assert result is not None
    assert [reply.text for reply in result.replies] == ["I am."]
    assert result.handed_off


# -- pause


async def test_paused_answers_wait_and_go_on_afterwards(inbox: Inbox) -> None:
    await inbox.start()
    inbox.pauses.pause("answers", None, "owner")
    conversation = await open_one(inbox)
    await open_one(inbox, "t2", channel="telegram")
    result = await wait_for_turn(inbox.engine, inbox.live, conversation, "x", 0.3)
    assert result is None
    assert inbox.graph.turns == []
    assert inbox.pauses.resume("answers", None)
    await until(lambda: len(inbox.texts("assistant")) == 2)
    await until(lambda: inbox.channel.sent)


async def test_a_pause_of_one_store_leaves_the_others_alone(inbox: Inbox) -> None:
    await inbox.start()
    inbox.pauses.pause("answers", "demo-cn", "owner")
    await open_one(inbox, "t1", store="demo-cn")
    await open_one(inbox, "t2", store="demo-us")
    await until(lambda: inbox.texts("assistant"))
    assert inbox.texts("assistant") == ["answer to: hello t2"]
    inbox.pauses.resume("answers", "demo-cn")
    await until(lambda: len(inbox.texts("assistant")) == 2)


@pytest.mark.parametrize("channel", ["web", "telegram"])
async def test_a_pause_during_a_turn_holds_its_answer_back(url: str, channel: str) -> None:
    async def pause_meanwhile(turn: TurnInput) -> TurnOutcome:
        await asyncio.to_thread(inbox.pauses.pause, "answers", None, "owner")
        return outcome_of(turn, "too late")

    inbox = Inbox(url, pause_meanwhile)
    await inbox.start()
    conversation = await open_one(inbox, channel=channel)
    await until(lambda: inbox.texts("assistant"))
    assert [item.state for item in views.thread(inbox.engine, conversation)] == ["handled", "queued"]
    assert inbox.channel.sent == []
    # A person may write all the same.
    inbox.console.agent_message(conversation, "Ana", "I am here.")
    await until(
        lambda: "I am here." in [item.text for item in views.events_after(inbox.engine, conversation)]
    )
    inbox.pauses.resume("answers", None)
    await until(lambda: views.events_after(inbox.engine, conversation)[-1].text == "too late")
    await inbox.stop()


async def test_the_buttons_are_listed_and_asked_by_store(inbox: Inbox) -> None:
    inbox.pauses.pause("money", "demo-us", "owner")
    inbox.pauses.pause("money", "demo-us", "somebody else")
    assert [(one.what, one.store, one.by) for one in inbox.pauses.list()] == [("money", "demo-us", "owner")]
    with reading(inbox.engine) as session:
        assert is_paused(session, "money", "demo-us")
        assert not is_paused(session, "money", "demo-cn")
        assert not is_paused(session, "answers", "demo-us")
    assert inbox.pauses.resume("money", "demo-us")
    assert not inbox.pauses.resume("money", "demo-us")
    assert inbox.pauses.list() == ()
    with pytest.raises(BadInput):
        inbox.pauses.pause("everything", None, "owner")


# -- views


async def test_pages_of_conversations_show_each_once_newest_first(inbox: Inbox) -> None:
    ids = [await open_one(inbox, f"t{number}") for number in range(7)]
    seen: list[str] = []
    cursor = None
    while True:
        page = views.list_conversations(inbox.engine, "demo-us", "bot", cursor, limit=3)
        seen += [row.id for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == ids[::-1]
    assert page.rows[0].last_text.startswith("hello")
    assert views.list_conversations(inbox.engine, "demo-cn").rows == ()
    for bad in ("nonsense", "2026-01-01~C-1"):
        with pytest.raises(BadInput):
            views.list_conversations(inbox.engine, cursor=bad)


async def test_the_urgent_wait_first_then_who_waits_longest(url: str) -> None:
    async def hand_off(turn: TurnInput) -> TurnOutcome:
        angry = "angry" in turn.new[0].text
        return outcome_of(turn, hand_off=HandOff("angry" if angry else "asked", "", "Hold on.", urgent=angry))

    inbox = Inbox(url, hand_off)
    await inbox.start()
    for text in ("calm 1", "calm 2", "angry"):
        accepted = await inbox.intake.accept(message(text, thread=text))
        await wait_for_turn(inbox.engine, inbox.live, accepted.conversation_id, accepted.message_id, 10)
    rows = views.waiting(inbox.engine)
    assert [row.last_text for row in rows] == ["Hold on."] * 3
    assert [row.urgent for row in rows] == [True, False, False]
    assert rows[1].waiting_since < rows[2].waiting_since
    counts = views.waiting_counts(inbox.engine, "demo-us")
    assert (counts["human"], counts["urgent"], counts["unassigned"], counts["bot"]) == (3, 1, 3, 0)
    await inbox.stop()
