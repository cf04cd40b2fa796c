"""Whatever comes in whatever order, each message is handled once, in order."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.inbox import Inbox, message, outcome_of

from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.inbox.tables import MESSAGE
from xiaoer.storage.engine import reading

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(0, 7)),  # the message with this number, maybe again
        st.tuples(st.just("accept together"), st.integers(0, 7)),
        st.tuples(st.just("run"), st.integers(1, 3)),  # so many runs at once
        st.tuples(st.just("run and accept"), st.integers(0, 7)),
        st.tuples(st.just("die"), st.sampled_from(["before", "after"])),  # before or after thinking
    ),
    max_size=14,
)


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


class Mortal:
    """A graph that may die before its turn is committed."""

    def __init__(self) -> None:
        self.die = ""

    async def __call__(self, turn: TurnInput) -> TurnOutcome:
        if self.die == "before":
            raise Killed
        await asyncio.sleep(0)
        if self.die == "after":
            raise Killed
        return outcome_of(turn, " | ".join(one.text for one in turn.new))


class Story:
    def __init__(self, url: str) -> None:
        self.graph = Mortal()
        self.inbox = Inbox(url, self.graph)
        self.accepted: list[str] = []  # first deliveries, in order
        self.conversation = ""

    async def accept(self, number: int, copies: int = 1) -> None:
        one = message(f"m{number}")
        results = await asyncio.gather(*(self.inbox.intake.accept(one) for _ in range(copies)))
        self.conversation = results[0].conversation_id
        self.accepted += [one.text for result in results if not result.duplicate]

    async def run(self, times: int = 1) -> None:
        if self.conversation:
            turn = self.inbox.worker.run_turn
            await asyncio.gather(*(turn(self.conversation) for _ in range(times)))

    async def die(self, when: str) -> None:
        self.graph.die = when
        try:
            await self.run()
        except Killed:
            pass
        finally:
            self.graph.die = ""

    async def take(self, step: tuple[str, object]) -> None:
        what, how = step
        if what == "accept":
            await self.accept(int(str(how)))
        elif what == "accept together":
            await self.accept(int(str(how)), copies=3)
        elif what == "run":
            await self.run(int(str(how)))
        elif what == "run and accept":
            await asyncio.gather(self.run(), self.accept(int(str(how))))
        else:
            await self.die(str(how))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_each_message_is_handled_once_and_in_order(steps: list[tuple[str, object]]) -> None:
    async def play(folder: str) -> None:
        story = Story(f"sqlite:///{Path(folder) / 'desk.db'}")
        for step in steps:
            await story.take(step)
        await story.run()
        query = select(MESSAGE.c.text, MESSAGE.c.author, MESSAGE.c.state).order_by(MESSAGE.c.seq)
        with reading(story.inbox.engine) as session:
            rows = session.execute(query).all()
        answered = [text for row in rows if row.author == "assistant" for text in row.text.split(" | ")]
        assert answered == story.accepted
        assert len(set(answered)) == len(answered)
        assert all(row.state == "handled" for row in rows if row.author == "customer")
        await story.inbox.stop()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(folder))
