"""What a customer takes back is taken back with the reply that says so, or not said at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlmodel import Session
from support.case_world import MAYA, World, make_draft
from support.inbox import Inbox, message, outcome_of

from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.approvals import ledger
from xiaoer.approvals.hooks import LedgerHooks
from xiaoer.approvals.refusals import Conflict
from xiaoer.domain.actions import ActionDraft, ActionStatus, ActionView
from xiaoer.inbox.hooks import Entered, Overtaken
from xiaoer.inbox.queue import Deferral
from xiaoer.inbox.waiting import wait_for_turn
from xiaoer.storage.engine import reading, transaction
from xiaoer.stores.loader import load_stores

S = ActionStatus


@dataclass
class Ledger:
    """The real ledger behind the inbox's word for it, as the house joins them."""

    hooks: LedgerHooks

    def actions_of(self, session: Session, conversation_id: str) -> tuple[ActionView, ...]:
        return self.hooks.actions_of(session, conversation_id)

    def propose(self, session: Session, draft: ActionDraft, status: ActionStatus) -> Entered:
        action_id, stands, jobs = self.hooks.propose(session, draft, status)
        return Entered(action_id, stands, [Deferral(*job) for job in jobs])

    def withdraw(self, session: Session, action_id: str, conversation_id: str) -> list[Deferral]:
        try:
            return [Deferral(*job) for job in self.hooks.withdraw(session, action_id, conversation_id)]
        except Conflict as error:
            raise Overtaken(action_id) from error


@dataclass
class TakesBack:
    """A graph that takes back whatever still waits for a person; `meanwhile` happens while it thinks."""

    meanwhile: list[object] = field(default_factory=list)
    turns: int = 0

    async def __call__(self, turn: TurnInput) -> TurnOutcome:
        self.turns += 1
        while self.meanwhile:
            await self.meanwhile.pop()()  # type: ignore[operator]  # a coroutine function of the test
        waiting = [a.action_id for a in turn.actions if a.status is S.PENDING]
        said = f"withdrawn: {', '.join(waiting)}" if waiting else "too late"
        return outcome_of(turn, said, withdraws=tuple(waiting))


@pytest.fixture
async def inbox(url: str) -> AsyncIterator[Inbox]:
    graph = TakesBack()
    made = Inbox(url, graph)
    made.worker._hooks = Ledger(LedgerHooks(load_stores(), made.worker._clock))
    await made.start()
    yield made
    await made.stop()


async def say(inbox: Inbox, text: str) -> tuple[str, str]:
    accepted = await inbox.intake.accept(message(text))
    done = await wait_for_turn(inbox.engine, inbox.live, accepted.conversation_id, accepted.message_id, 15)
    assert done is not None
    return done.replies[0].text, accepted.conversation_id


def proposed_in(inbox: Inbox, conversation_id: str, action_id: str = "A-1") -> None:
    now = inbox.worker._clock()
    draft = make_draft(action_id, conversation_id=conversation_id, expires_at=now + timedelta(hours=1))
    with transaction(inbox.engine) as session:
        ledger.propose(session, draft, S.PENDING, now)


def status(inbox: Inbox, action_id: str = "A-1") -> ActionStatus:
    with reading(inbox.engine) as session:
        return ActionStatus(ledger.get(session, action_id).status)


async def test_a_waiting_request_is_taken_back_with_the_reply(inbox: Inbox) -> None:
    _, conversation_id = await say(inbox, "hello")
    proposed_in(inbox, conversation_id)

    told, _ = await say(inbox, "never mind")

    assert (told, status(inbox)) == ("withdrawn: A-1", S.CANCELLED)


async def test_when_a_person_was_faster_the_customer_hears_that_and_nothing_is_taken_back(
    inbox: Inbox,
) -> None:
    _, conversation_id = await say(inbox, "hello")
    proposed_in(inbox, conversation_id)
    world = World(inbox.engine, saver=None)

    async def reject() -> None:
        with reading(inbox.engine) as session:
            digest = ledger.get(session, "A-1").digest
        world.clock.now = inbox.worker._clock()
        await world.desk.decide("A-1", "reject", digest, MAYA, note="Too late.")

    inbox.graph.meanwhile.append(reject)
    told, _ = await say(inbox, "never mind")

    assert (told, status(inbox)) == ("too late", S.REJECTED)
    assert inbox.texts("assistant") == ["too late", "too late"]  # the first was said to the greeting


async def test_another_conversations_request_is_never_taken_back(inbox: Inbox) -> None:
    _, conversation_id = await say(inbox, "hello")
    proposed_in(inbox, "C-other")
    hooks = LedgerHooks(load_stores(), inbox.worker._clock)

    with pytest.raises(Exception, match="Only the conversation"), transaction(inbox.engine) as session:
        hooks.withdraw(session, "A-1", conversation_id)

    assert status(inbox) is S.PENDING
