"""Waiting for an answer: what `?wait=` hands back when the message's turn has committed."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from sqlalchemy import Engine, bindparam, or_, select

from xiaoer.domain.messages import Author
from xiaoer.inbox.live import Event, Live, Settled, Subscription
from xiaoer.inbox.statements import AnyRow, columns
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, TURN, State, Status
from xiaoer.inbox.views import MessageItem, as_item, item_columns
from xiaoer.storage.engine import look, reading

_MESSAGE = (
    select(*columns(MESSAGE, "state", "turn_id"), CONVERSATION.c.status, TURN.c.actions)
    .join(CONVERSATION, CONVERSATION.c.id == MESSAGE.c.conversation_id)
    .outerjoin(TURN, TURN.c.id == MESSAGE.c.turn_id)
    .where(MESSAGE.c.id == bindparam("message"), MESSAGE.c.conversation_id == bindparam("of"))
)
# The second: a person has answered, with that message.
_ANSWERS = or_(MESSAGE.c.turn_id == bindparam("turn"), MESSAGE.c.id == bindparam("turn"))
_REPLIES = (
    select(*item_columns())
    .where(MESSAGE.c.conversation_id == bindparam("of"), _ANSWERS)
    .where(MESSAGE.c.author != Author.CUSTOMER.value)
    .order_by(MESSAGE.c.seq)
)
# A turn takes this long at least: to look before is a read for nothing, unless news come first.
_SOONEST = 0.02
# News after which the answer may be there; a customer's own message and typing are none.
_TELLING = ("status", "resync")


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
        event = await _next_telling(news, min(seconds, _SOONEST))
        while True:
            settled = _of_settled(conversation_id, message_id, event)
            if settled is not None:
                return settled
            result = await look(engine, read_result, engine, conversation_id, message_id)
            rest = deadline - monotonic()
            if result is not None or rest <= 0:
                return result
            event = await _next_telling(news, min(rest, live.poll_seconds))


async def _next_telling(news: Subscription, seconds: float) -> Event | None:
    deadline = monotonic() + seconds
    while (event := await news.next(deadline - monotonic())) is not None:
        if event["kind"] in _TELLING or event.get("delivered"):
            return event
    return None


def _of_settled(conversation_id: str, message_id: str, event: Event | None) -> TurnResult | None:
    """The turn of this message as the worker of this process has just committed it, if all is delivered."""
    settled: Settled | None = event.get("settled") if event else None
    if settled is None or message_id not in settled.handled:
        return None
    if any(reply.state != State.SENT for reply in settled.replies):
        return None
    return TurnResult(conversation_id, message_id, settled.replies, settled.handed_off, settled.actions)


def read_result(engine: Engine, conversation_id: str, message_id: str) -> TurnResult | None:
    """None while the message waits for its turn, or its replies for their delivery."""
    with reading(engine) as session:
        connection = session.connection()
        message = connection.execute(_MESSAGE, {"of": conversation_id, "message": message_id}).first()
        if message is None:
            return None
        if message.turn_id is None:
            return _without_turn(conversation_id, message_id, message)
        rows = connection.execute(_REPLIES, {"of": conversation_id, "turn": message.turn_id})
        return _of_turn(conversation_id, message_id, message, tuple(as_item(row) for row in rows))


def _without_turn(conversation_id: str, message_id: str, message: AnyRow) -> TurnResult | None:
    with_person = message.status == Status.HUMAN
    if message.state == State.IGNORED or with_person:
        return TurnResult(conversation_id, message_id, (), with_person, ())
    return None


def _of_turn(
    conversation_id: str, message_id: str, message: AnyRow, replies: tuple[MessageItem, ...]
) -> TurnResult | None:
    if any(reply.state == State.QUEUED for reply in replies):
        return None
    told = tuple(reply for reply in replies if reply.state == State.SENT)
    with_person = message.status == Status.HUMAN
    return TurnResult(conversation_id, message_id, told, with_person, tuple(message.actions or ()))
