"""From an accepted message to its committed answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.inbox import Echo, Inbox, message, outcome_of, until

from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.domain.clock import utc_now
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.messages import Author, HandOff, Reply
from xiaoer.inbox import views
from xiaoer.inbox.queue import Pace
from xiaoer.inbox.tables import CONVERSATION, MESSAGE
from xiaoer.inbox.waiting import TurnResult, wait_for_turn
from xiaoer.storage.engine import reading, transaction


async def ask(inbox: Inbox, text: str, seconds: float = 15, **changes: object) -> TurnResult:
    accepted = await inbox.intake.accept(message(text, **changes))
    result = await wait_for_turn(
        inbox.engine, inbox.live, accepted.conversation_id, accepted.message_id, seconds
    )
    assert result is not None, "no answer in time"
    return result


def state_of(inbox: Inbox, text: str) -> str:
    with reading(inbox.engine) as session:
        return str(session.scalar(select(MESSAGE.c.state).where(MESSAGE.c.text == text)))


async def test_a_message_is_answered(inbox: Inbox) -> None:
    await inbox.start()
    result = await ask(inbox, "where is my parcel?")
    assert [reply.text for reply in result.replies] == ["answer to: where is my parcel?"]
    assert result.handed_off is False


async def test_the_same_event_again_answers_the_first_ids_and_is_answered_once(inbox: Inbox) -> None:
    first = await inbox.intake.accept(message("hello", event_id="e1"))
    again = await asyncio.gather(*(inbox.intake.accept(message("hello", event_id="e1")) for _ in range(5)))
    assert {(one.message_id, one.conversation_id) for one in again} == {
        (first.message_id, first.conversation_id)
    }
    assert all(one.duplicate for one in again)
    await inbox.start()
    await ask(inbox, "and?")
    assert inbox.texts("customer") == ["hello", "and?"]
    assert sum("hello" in text for text in inbox.texts("assistant")) == 1


async def test_ten_deliveries_of_one_event_at_the_same_time_are_one_message(inbox: Inbox) -> None:
    await inbox.start()
    accepted = await asyncio.gather(*(inbox.intake.accept(message("once", event_id="e")) for _ in range(10)))
    assert len({one.message_id for one in accepted}) == 1
    assert sum(not one.duplicate for one in accepted) == 1
    await until(lambda: inbox.texts("assistant"))
    assert inbox.texts("assistant") == ["answer to: once"]


async def test_messages_that_arrive_while_a_turn_runs_are_one_next_turn(inbox: Inbox) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def hold(turn: TurnInput) -> None:
        entered.set()
        await go_on.wait()

    inbox.graph.before = hold
    await inbox.start()
    await inbox.intake.accept(message("one"))
    await entered.wait()
    for text in ("two", "three", "four"):
        await inbox.intake.accept(message(text))
    go_on.set()
    await until(lambda: len(inbox.texts("assistant")) == 2)
    assert inbox.texts("assistant") == ["answer to: one", "answer to: two | three | four"]


async def test_a_fragment_waits_for_the_rest(inbox: Inbox) -> None:
    await inbox.start()
    await inbox.intake.accept(message("my order,"))
    await ask(inbox, "#1032")
    assert inbox.texts("assistant") == ["answer to: my order, | #1032"]


async def test_the_history_holds_what_was_said_before_and_nothing_of_the_new(inbox: Inbox) -> None:
    await inbox.start()
    await ask(inbox, "first")
    await ask(inbox, "second")
    history = inbox.graph.turns[-1].history
    assert [(item.author, item.text) for item in history] == [
        (Author.CUSTOMER, "first"),
        (Author.ASSISTANT, "answer to: first"),
    ]


async def test_the_history_is_the_last_forty_items(inbox: Inbox) -> None:
    await inbox.start()
    for number in range(25):
        await ask(inbox, f"message {number}")
    history = inbox.graph.turns[-1].history
    assert len(history) == 40
    assert history[-1].text == "answer to: message 23"
    assert history[0].text == "message 4"


async def test_messages_are_handed_over_in_the_order_of_the_channels_own_clock(url: str) -> None:
    inbox = Inbox(url)
    now = utc_now()
    await inbox.intake.accept(message("second", sent_at=now))
    await inbox.intake.accept(message("first", sent_at=now - timedelta(seconds=3)))
    await inbox.start()
    await until(lambda: inbox.texts("assistant"))
    assert [one.text for one in inbox.graph.turns[0].new] == ["first", "second"]
    await inbox.stop()


async def test_what_a_turn_learnt_is_there_in_the_next(url: str) -> None:
    async def learn(turn: TurnInput) -> TurnOutcome:
        seen.append(turn)
        scope = Scope(
            turn.scope.store, turn.conversation_id, Level.ORDER, None, "ref-1", turn.now, turn.now + day
        )
        count = turn.memory.get("count", 0) + 1
        return outcome_of(turn, str(count), memory={"count": count}, lang="zh", scope=scope, misses=2)

    seen: list[TurnInput] = []
    day = timedelta(hours=24)
    inbox = Inbox(url, learn)
    await inbox.start()
    await ask(inbox, "a")
    await ask(inbox, "b")
    last = seen[-1]
    assert (last.memory, last.lang, last.misses) == ({"count": 1}, "zh", 2)
    assert (last.scope.level, last.scope.customer_ref) == (Level.ORDER, "ref-1")
    await inbox.stop()


async def test_a_proof_that_has_run_out_is_no_proof(inbox: Inbox) -> None:
    await inbox.start()
    await ask(inbox, "a")
    with transaction(inbox.engine) as session:
        session.execute(
            update(CONVERSATION).values(
                level=2, customer_ref="ref-1", scope_expires_at=utc_now() - timedelta(1)
            )
        )
    await ask(inbox, "b")
    assert inbox.graph.turns[-1].scope.level is Level.ANONYMOUS
    assert inbox.graph.turns[-1].scope.customer_ref is None


async def test_a_hand_off_says_so_once_and_the_assistant_keeps_quiet_afterwards(url: str) -> None:
    async def hand_off(turn: TurnInput) -> TurnOutcome:
        say = "A colleague is taking over."
        return outcome_of(turn, hand_off=HandOff("asked", "Wants a person.", say), replies=(Reply(say),))

    inbox = Inbox(url, hand_off)
    await inbox.start()
    result = await ask(inbox, "a person please")
    assert result.handed_off
    assert [reply.text for reply in result.replies] == ["A colleague is taking over."]
    later = await ask(inbox, "hello?")
    assert later.handed_off
    assert later.replies == ()
    row = views.get_conversation(inbox.engine, result.conversation_id)
    assert (row.status, row.hand_off_reason, row.hand_off_summary) == ("human", "asked", "Wants a person.")
    assert row.waiting_since is not None
    assert state_of(inbox, "hello?") == "received"
    await inbox.stop()


async def test_a_turn_that_takes_too_long_ends_in_an_honest_sentence_and_a_person(url: str) -> None:
    async def hang(turn: TurnInput) -> TurnOutcome:
        await asyncio.sleep(3600)
        raise AssertionError

    inbox = Inbox(url, hang, turn_seconds=0.2)
    await inbox.start()
    result = await ask(inbox, "hello")
    assert result.handed_off
    assert "A colleague is taking over" in result.replies[0].text
    assert views.get_conversation(inbox.engine, result.conversation_id).urgent
    await inbox.stop()


@pytest.mark.parametrize("wrong", [RuntimeError("bug"), TimeoutError("a tool's own"), KeyError("x")])
async def test_a_turn_that_always_fails_is_set_aside_and_a_person_is_told(
    sqlite_url: str, wrong: Exception
) -> None:
    tries = 0

    async def fail(turn: TurnInput) -> TurnOutcome:
        nonlocal tries
        tries += 1
        raise wrong

    inbox = Inbox(sqlite_url, fail, pace=Pace(waits={"run_turn": (0.01, 0.01, 0.01), "send": (0.01,)}))
    await inbox.start()
    result = await ask(inbox, "hello")
    assert tries == 4
    assert result.handed_off
    assert [reply.text for reply in result.replies] == [
        "I'm sorry, something broke on my side and I cannot answer this. "
        "Your message is kept, and a colleague is taking over."
    ]
    assert state_of(inbox, "hello") == "quarantined"
    row = views.get_conversation(inbox.engine, result.conversation_id)
    assert (row.hand_off_reason, row.urgent) == ("fault", True)
    assert views.trace(inbox.engine, result.conversation_id)["turns"][0]["fault"] == "quarantined"
    await inbox.stop()


async def test_a_turn_that_fails_once_is_answered_all_the_same(url: str) -> None:
    turns: list[str] = []

    async def stumble(turn: TurnInput) -> TurnOutcome:
        turns.append(turn.turn_id)
        if len(turns) == 1:
            raise RuntimeError("a hiccup")
        return outcome_of(turn, "there you are")

    inbox = Inbox(url, stumble)
    await inbox.start()
    result = await ask(inbox, "hello")
    assert [reply.text for reply in result.replies] == ["there you are"]
    assert turns[0] == turns[1]  # the same turn again, so that whatever it proposed has the same ids
    await inbox.stop()


async def test_of_two_runs_over_the_same_messages_one_leaves_no_trace(url: str) -> None:
    """A worker that was taken for dead comes back while another one runs its turn again."""
    inside = 0
    both = asyncio.Event()

    async def meet(turn: TurnInput) -> None:
        nonlocal inside
        inside += 1
        if inside == 2:
            both.set()
        await both.wait()

    inbox = Inbox(url, Echo(before=meet))
    accepted = await inbox.intake.accept(message("hello"))
    await asyncio.gather(*(inbox.worker.run_turn(accepted.conversation_id) for _ in range(2)))
    assert inbox.texts() == ["hello", "answer to: hello"]
    assert len(views.trace(inbox.engine, accepted.conversation_id)["turns"]) == 1
    await inbox.stop()


async def test_a_person_who_takes_over_during_a_turn_is_not_talked_over(inbox: Inbox) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def hold(turn: TurnInput) -> None:
        entered.set()
        await go_on.wait()

    inbox.graph.before = hold
    accepted = await inbox.intake.accept(message("hello"))
    running = asyncio.create_task(inbox.worker.run_turn(accepted.conversation_id))
    await entered.wait()
    inbox.console.take(accepted.conversation_id, "Ana")
    go_on.set()
    await running
    assert inbox.texts() == ["hello"]
    assert state_of(inbox, "hello") == "received"


async def test_a_late_message_opens_a_closed_conversation_again(inbox: Inbox) -> None:
    await inbox.start()
    first = await ask(inbox, "hello")
    inbox.console.close(first.conversation_id, "Ana")
    assert views.get_conversation(inbox.engine, first.conversation_id).status == "closed"
    late = await ask(inbox, "one more thing")
    assert late.conversation_id == first.conversation_id
    assert [reply.text for reply in late.replies] == ["answer to: one more thing"]
    assert views.get_conversation(inbox.engine, first.conversation_id).status == "bot"


async def test_the_trace_has_one_element_a_turn_in_order(inbox: Inbox) -> None:
    await inbox.start()
    first = await ask(inbox, "one")
    await ask(inbox, "two")
    turns = views.trace(inbox.engine, first.conversation_id)["turns"]
    assert [turn["brain"] for turn in turns] == ["scripted", "scripted"]
    assert turns[0]["turn"] == inbox.graph.turns[0].turn_id
    assert all(isinstance(turn["ms"], int) for turn in turns)


async def test_waiting_ends_when_the_time_is_over(inbox: Inbox) -> None:
    accepted = await inbox.intake.accept(message("hello"))  # nobody works
    assert (
        await wait_for_turn(inbox.engine, inbox.live, accepted.conversation_id, accepted.message_id, 0.1)
        is None
    )


async def test_what_waits_without_a_job_is_picked_up_at_start(inbox: Inbox) -> None:
    await inbox.intake.accept(message("hello"))
    table = "queue_job" if inbox.url.startswith("sqlite") else "procrastinate_jobs"
    with transaction(inbox.engine) as session:
        session.connection().exec_driver_sql(f"delete from {table}")
    await inbox.start()
    inbox.worker.recover()
    await until(lambda: inbox.texts("assistant"))
    assert inbox.texts() == ["hello", "answer to: hello"]
