"""The outbox: what is to be told stands in the table first, then goes to the channel, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from sqlalchemy import Engine, Select, String, and_, bindparam, exists, insert, or_, select, update
from sqlmodel import Session

from xiaoer.domain.clock import Clock
from xiaoer.domain.ids import derived_id
from xiaoer.domain.messages import Author, Reply
from xiaoer.domain.pii import mask_text
from xiaoer.domain.refusals import NotFound, Refusal
from xiaoer.inbox.live import Live
from xiaoer.inbox.pause import ANSWERS, paused_clause
from xiaoer.inbox.queue import Queue, sending_of
from xiaoer.inbox.statements import INSERT_MESSAGES, AnyRow, columns, message_values, next_seq
from xiaoer.inbox.storable import storable, storable_text
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, OUTBOX, State
from xiaoer.inbox.views import MessageItem, item_of
from xiaoer.storage.crashpoints import crash_point
from xiaoer.storage.engine import reading, transaction

log = structlog.get_logger()

MOST_TRIES = 5
SEND_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to a channel. `key` is the same for every try: the channel's idempotency key."""

    store: str
    channel: str
    thread: str
    message_id: str
    key: str
    author: str
    text: str
    cards: tuple[dict[str, Any], ...]
    citations: tuple[dict[str, str], ...]


class Sender(Protocol):
    """Delivers to one channel. Raises Refusal for what will never be delivered; anything else is tried again."""

    instant: bool  # a message of this channel is delivered by standing in the table

    async def send(self, delivery: Delivery) -> str:
        """The channel's own id of the message, or an empty text."""
        ...


class TableSender:
    """For the web: customers read the message table, so there is nothing left to send."""

    instant = True

    async def send(self, delivery: Delivery) -> str:
        return ""


class Undelivered(Exception):
    """A try has failed and another one follows; raised for the queue's back-off."""


class Outbox:
    """Deliveries of all channels, each conversation's in order."""

    def __init__(
        self, engine: Engine, queue: Queue, senders: Mapping[str, Sender], clock: Clock, live: Live
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._senders = dict(senders)
        self._clock = clock
        self._live = live

    def tell(
        self,
        session: Session,
        conversation_id: str,
        reply: Reply,
        dedupe: str,
        author: Author = Author.EVENT,
        who: str = "",
    ) -> str:
        """Enter a message in the caller's transaction and defer its sending; the message's id.

        The same `dedupe` again changes nothing and answers the first id. Call the queue's `kick`
        after the commit. Raises NotFound.
        """
        query = select(*columns(CONVERSATION, "id", "store", "channel"))
        conversation = session.execute(query.where(CONVERSATION.c.id == conversation_id)).first()
        if conversation is None:
            raise NotFound("There is no such conversation.")
        message_id = derived_id("M", dedupe)
        if session.scalar(select(exists().where(MESSAGE.c.id == message_id))):
            return message_id
        return self.enqueue(session, conversation, [reply], author, [dedupe], who=who)[0].id

    def enqueue(
        self,
        session: Session,
        conversation: Any,
        replies: Sequence[Reply],
        author: Author,
        dedupes: Sequence[str],
        *,
        who: str = "",
        turn_id: str | None = None,
        lang: str | None = None,
        at_once: bool = False,
        first_seq: int | None = None,
    ) -> tuple[MessageItem, ...]:
        """Messages in the caller's transaction, each under its `dedupe`, as they stand there. A job sends them.

        `at_once`, for the worker, which has the senders: on a channel whose messages are delivered by
        standing in the table they are sent herewith and cost no job, unless answers are paused or an
        earlier one still waits. `first_seq`: numbers of the conversation that were taken before.
        """
        if not replies:
            return ()
        now = self._clock()
        at_once = at_once and self._delivers_at_once(session, conversation)
        first = first_seq or next_seq(session, conversation.id, len(replies), now)
        rows = [
            message_values(
                conversation,
                id=derived_id("M", dedupe),
                seq=first + index,
                author=author.value,
                who=who,
                text=storable_text(reply.text),
                lang=lang,
                cards=storable(reply.cards),
                citations=storable(reply.citations),
                created_at=now,
                turn_id=turn_id,
                state=State.SENT.value if at_once else State.QUEUED.value,
            )
            for index, (reply, dedupe) in enumerate(zip(replies, dedupes, strict=True))
        ]
        session.connection().execute(INSERT_MESSAGES, rows)
        if not at_once:
            waiting = [_outbox_row(row, key) for row, key in zip(rows, dedupes, strict=True)]
            session.execute(insert(OUTBOX), waiting)
            self._queue.defer_all(session, [sending_of(conversation.id)])
        return tuple(item_of(row) for row in rows)

    async def send(self, conversation_id: str) -> None:
        """Deliver what waits, in order; raises Undelivered when a try has to be repeated later."""
        while (row := await asyncio.to_thread(self._next, conversation_id)) is not None:
            await self._deliver(row)

    async def _deliver(self, row: AnyRow) -> None:
        try:
            sender = self._senders[row.channel]
            async with asyncio.timeout(SEND_SECONDS):
                reference = await sender.send(_delivery(row))
        except Refusal as refusal:
            await asyncio.to_thread(self._give_up, row, str(refusal))
            return
        except Exception as error:  # whatever a channel's client raises: recorded, tried again, then given up
            log.warning(
                "outbox.try_failed", message=row.message_id, tries=row.attempts + 1, error=repr(error)
            )
            if row.attempts + 1 >= MOST_TRIES:
                await asyncio.to_thread(self._give_up, row, repr(error))
                return
            await asyncio.to_thread(self._record_try, row, repr(error))
            raise Undelivered(row.message_id) from error
        crash_point("outbox.sent")
        await asyncio.to_thread(self._mark_sent, row, reference)
        self._live.publish_conversation(
            row.conversation_id, "message", message_id=row.message_id, delivered=True
        )

    def _next(self, conversation_id: str) -> AnyRow | None:
        with reading(self._engine) as session:
            return session.execute(_oldest_waiting(conversation_id)).first()

    def _mark_sent(self, row: AnyRow, reference: str) -> None:
        with transaction(self._engine) as session:
            session.execute(
                update(OUTBOX)
                .where(OUTBOX.c.id == row.id)
                .values(
                    state=State.SENT, attempts=OUTBOX.c.attempts + 1, provider_ref=reference, last_error=""
                )
            )
            changes: dict[str, Any] = {"state": State.SENT}
            if session.scalar(select(_overtaken(row))):
                # The customer has seen later items already: this one comes last for him.
                changes["seq"] = next_seq(session, row.conversation_id, 1, self._clock())
            session.execute(update(MESSAGE).where(MESSAGE.c.id == row.message_id).values(**changes))

    def _record_try(self, row: AnyRow, error: str) -> None:
        with transaction(self._engine) as session:
            changes = {"attempts": OUTBOX.c.attempts + 1, "last_error": mask_text(storable_text(error)[:500])}
            session.execute(update(OUTBOX).where(OUTBOX.c.id == row.id).values(**changes))

    def _give_up(self, row: AnyRow, error: str) -> None:
        log.error("outbox.gave_up", message=row.message_id, channel=row.channel, error=error)
        changes = {
            "state": State.FAILED,
            "attempts": OUTBOX.c.attempts + 1,
            "last_error": mask_text(error[:500]),
        }
        with transaction(self._engine) as session:
            session.execute(update(OUTBOX).where(OUTBOX.c.id == row.id).values(**changes))
            session.execute(update(MESSAGE).where(MESSAGE.c.id == row.message_id).values(state=State.FAILED))
        self._live.publish_conversation(row.conversation_id, "status", message_id=row.message_id)

    def _delivers_at_once(self, session: Session, conversation: Any) -> bool:
        sender = self._senders.get(conversation.channel)
        if sender is None or not sender.instant:
            return False
        values = {"of": conversation.id, "of_store": conversation.store}
        return not session.connection().execute(_HELD, values).scalar()


_HELD = select(
    or_(
        paused_clause(ANSWERS, bindparam("of_store", type_=String())),
        exists().where(OUTBOX.c.conversation_id == bindparam("of"), OUTBOX.c.state == State.QUEUED.value),
    )
)


def _outbox_row(message: Mapping[str, Any], dedupe: str) -> dict[str, Any]:
    return {
        "conversation_id": message["conversation_id"],
        "message_id": message["id"],
        "dedupe": dedupe,
        "attempts": 0,
        "state": State.QUEUED.value,
        "last_error": "",
        "provider_ref": "",
        "created_at": message["created_at"],
    }


def _oldest_waiting(conversation_id: str) -> Select[Any]:
    """The next row to send. While answers are paused only people's own words go out."""
    m = MESSAGE.c
    return (
        select(
            *columns(OUTBOX, "id", "conversation_id", "message_id", "attempts", "dedupe"),
            *columns(MESSAGE, "store", "channel", "author", "text", "cards", "citations", "seq"),
            CONVERSATION.c.thread,
        )
        .join(MESSAGE, m.id == OUTBOX.c.message_id)
        .join(CONVERSATION, CONVERSATION.c.id == OUTBOX.c.conversation_id)
        .where(OUTBOX.c.conversation_id == conversation_id, OUTBOX.c.state == State.QUEUED)
        .where(or_(m.author == Author.AGENT, ~paused_clause(ANSWERS, m.store)))
        .order_by(OUTBOX.c.id)
        .limit(1)
    )


def _overtaken(row: AnyRow) -> Any:
    m = MESSAGE.c
    seen = or_(m.state == State.SENT, and_(m.author == Author.CUSTOMER, m.state != State.IGNORED))
    return exists().where(m.conversation_id == row.conversation_id, m.seq > row.seq, seen)


def _delivery(row: AnyRow) -> Delivery:
    return Delivery(
        row.store,
        row.channel,
        row.thread,
        row.message_id,
        row.dedupe,
        row.author,
        row.text,
        tuple(row.cards),
        tuple(row.citations),
    )
