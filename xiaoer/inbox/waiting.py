"""Waiting for an answer: what `?wait=` hands back when the message's turn has committed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic

from sqlalchemy import Engine, Row, or_, select
from sqlmodel import Session

from xiaoer.domain.messages import Author
from xiaoer.inbox.live import Live
from xiaoer.inbox.statements import columns
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, TURN, State, Status
from xiaoer.inbox.views import MessageItem, items_where
from xiaoer.storage.engine import reading

# The turn may have run in another process, whose news do not reach this one.
POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class TurnResult:
    """`actions`: `{"id", "tool", "status"}` as they were proposed; read the ledger for what became of them."""

    conversation_id: str
    message_id: str
    replies: tuple[MessageItem, ...]
    handed_off: bool
    actions: tuple[dict[str, str], ...]


async def wait_for_turn(
    engine: Engine, live: Live, conversation_id: str, message_id: str, seconds: float
) -> TurnResult | None:
    """The outcome of the turn that handles this message; None when the time was over first.

    At once without replies while a person has the conversation: no turn will run.
    """
    deadline = monotonic() + seconds
    with live.subscribe(conversation_id) as news:
        while True:
            result = await asyncio.to_thread(read_result, engine, conversation_id, message_id)
            rest = deadline - monotonic()
            if result is not None or rest <= 0:
                return result
            await news.next(min(rest, POLL_SECONDS))


def read_result(engine: Engine, conversation_id: str, message_id: str) -> TurnResult | None:
    """None while the message waits for its turn, or its replies for their delivery."""
    query = (
        select(*columns(MESSAGE, "state", "turn_id"), CONVERSATION.c.status)
        .join(CONVERSATION, CONVERSATION.c.id == MESSAGE.c.conversation_id)
        .where(MESSAGE.c.id == message_id, MESSAGE.c.conversation_id == conversation_id)
    )
    with reading(engine) as session:
        message = session.execute(query).first()
        if message is None:
            return None
        if message.turn_id is None:
            return _without_turn(conversation_id, message_id, message)
        return _of_turn(session, conversation_id, message_id, message)


def _without_turn(conversation_id: str, message_id: str, message: Row[tuple[str]]) -> TurnResult | None:
    with_person = message.status == Status.HUMAN
    if message.state == State.IGNORED or with_person:
        return TurnResult(conversation_id, message_id, (), with_person, ())
    return None


def _of_turn(
    session: Session, conversation_id: str, message_id: str, message: Row[tuple[str]]
) -> TurnResult | None:
    m = MESSAGE.c
    answered = or_(m.turn_id == message.turn_id, m.id == message.turn_id)  # the latter: by a person
    replies = items_where(session, conversation_id, answered, m.author != Author.CUSTOMER)
    if any(reply.state == State.QUEUED for reply in replies):
        return None
    turn = session.execute(select(TURN.c.actions).where(TURN.c.id == message.turn_id)).first()
    return TurnResult(
        conversation_id,
        message_id,
        tuple(reply for reply in replies if reply.state == State.SENT),
        message.status == Status.HUMAN,
        tuple(turn.actions) if turn else (),
    )
