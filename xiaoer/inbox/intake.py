"""Intake: a message is stored once and its turn deferred, in one transaction; nothing else happens here."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Engine, Row, String, and_, bindparam, case, func, null, select, update
from sqlmodel import Session

from xiaoer.domain.clock import Clock
from xiaoer.domain.identity import Level
from xiaoer.domain.ids import new_id
from xiaoer.domain.messages import Author, InboundMessage
from xiaoer.domain.refusals import BadInput
from xiaoer.inbox.live import Live
from xiaoer.inbox.queue import Queue, turn_of
from xiaoer.inbox.statements import insert_once, message_values
from xiaoer.inbox.storable import storable, storable_text
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, State, Status
from xiaoer.storage.crashpoints import crash_point
from xiaoer.storage.engine import reading, transaction

log = structlog.get_logger()

MOST_CHARACTERS = 10_000
UNKNOWN = "unknown"
# A message that plainly goes on in the next one; every other starts its turn at once.
_FRAGMENT = re.compile(r"(?:[,，、:：;；—]|\.\.\.|…)\s*\Z")
FRAGMENT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Accepted:
    message_id: str
    conversation_id: str
    duplicate: bool  # the event had been stored before; the ids are the first ones


class Intake:
    """The door of the inbox, whichever channel a message comes from."""

    def __init__(self, engine: Engine, queue: Queue, clock: Clock, live: Live) -> None:
        self._engine = engine
        self._queue = queue
        self._clock = clock
        self._live = live

    async def open_conversation(
        self, store: str, channel: str, thread: str, *, external_id: str | None = None, name: str = ""
    ) -> str:
        """The conversation's id, made if needed. `external_id` only if the channel has proven it (L1)."""
        message = InboundMessage(
            store, channel, thread, event_id="", text="", external_id=external_id, sender_name=name
        )
        return await asyncio.to_thread(self._open, _storable(message))

    async def accept(self, message: InboundMessage) -> Accepted:
        """Store the message and wake its conversation; the same event again answers the first ids.

        Raises BadInput for an empty text and for one above 10,000 characters.
        """
        return await asyncio.to_thread(self.accept_now, message)

    def accept_now(self, message: InboundMessage) -> Accepted:
        """`accept` for callers in a thread of their own."""
        clean = _storable(message)
        _require_text(clean)
        try:
            accepted = self._store(clean)
        except _SeenBefore:
            return self._first(clean)
        crash_point("intake.stored")
        self._queue.kick()
        self._live.publish_conversation(accepted.conversation_id, "message", message_id=accepted.message_id)
        return accepted

    def _open(self, message: InboundMessage) -> str:
        with transaction(self._engine) as session:
            found = _touch(session, message, self._clock(), messages=0)
            return str((found or self._create(session, message, messages=0)).id)

    def _store(self, message: InboundMessage) -> Accepted:
        now = self._clock()
        with transaction(self._engine) as session:
            # Locks the conversation first, so that two deliveries of one event cannot both pass.
            row = _touch(session, message, now, messages=1)
            conversation = row or self._create(session, message, messages=1)
            values = _values(message, conversation, now)
            if not insert_once(session, MESSAGE, values, "store", "channel", "event_id"):
                raise _SeenBefore
            if conversation.status == Status.BOT and values["state"] == State.RECEIVED:
                wait = FRAGMENT_SECONDS if _FRAGMENT.search(message.text) else None
                self._queue.defer_all(session, [turn_of(conversation.id, wait)])
        return Accepted(values["id"], conversation.id, duplicate=False)

    def _create(self, session: Session, message: InboundMessage, messages: int) -> Row[Any]:
        now = self._clock()
        insert_once(session, CONVERSATION, _new_conversation(message, now), "store", "channel", "thread")
        made = _touch(session, message, now, messages)
        assert made is not None  # inserted just now, by us or by somebody whose commit we waited for
        return made

    def _first(self, message: InboundMessage) -> Accepted:
        query = select(MESSAGE.c.id, MESSAGE.c.conversation_id).where(
            MESSAGE.c.store == message.store,
            MESSAGE.c.channel == message.channel,
            MESSAGE.c.event_id == message.event_id,
        )
        with reading(self._engine) as session:
            row = session.execute(query).one()
        return Accepted(row.id, row.conversation_id, duplicate=True)


class _SeenBefore(Exception):
    """The event id stands in the table already; the transaction is to leave no trace."""


def _storable(message: InboundMessage) -> InboundMessage:
    names = ("store", "channel", "thread", "event_id", "text", "kind", "sender_name")
    texts: dict[str, Any] = {name: storable_text(getattr(message, name)) for name in names}
    external_id = storable_text(message.external_id) if message.external_id else None
    return replace(message, **texts, external_id=external_id, raw=storable(message.raw))


def _require_text(message: InboundMessage) -> None:
    if not message.event_id:
        raise BadInput("A message needs an id of its own, so that a repeated delivery is recognised.")
    if message.kind == "text" and not message.text.strip():
        raise BadInput("This message is empty. Please write a few words.")
    if len(message.text) > MOST_CHARACTERS:
        raise BadInput(
            f"This message has {len(message.text):,} characters. Please keep it to {MOST_CHARACTERS:,}."
        )


def _touch(session: Session, message: InboundMessage, now: datetime, messages: int) -> Row[Any] | None:
    """Lock the conversation, take a number for the message, reopen if closed; id, store, channel, status, seq."""
    values = {
        "in_store": message.store,
        "in_channel": message.channel,
        "in_thread": message.thread,
        "count": messages,
        "moved": now if messages else None,
        "waits": now if messages and message.kind != UNKNOWN else None,
        "name": message.sender_name,
        "proven": message.external_id,
    }
    return session.connection().execute(_TOUCH, values).first()


def _touch_statement() -> Any:
    c = CONVERSATION.c
    waits, proven = bindparam("waits", type_=c.created_at.type), bindparam("proven", type_=String())
    # A late write reopens: the assistant answers first, whoever had closed it.
    reopens = and_(c.status == Status.CLOSED.value, waits.is_not(None))
    raises = and_(c.level < int(Level.CHANNEL), proven.is_not(None))
    return (
        update(CONVERSATION)
        .where(c.store == bindparam("in_store"), c.channel == bindparam("in_channel"))
        .where(c.thread == bindparam("in_thread"))
        .values(
            last_seq=c.last_seq + bindparam("count"),
            updated_at=func.coalesce(bindparam("moved", type_=c.created_at.type), c.updated_at),
            waiting_since=func.coalesce(c.waiting_since, waits),
            customer_name=case(
                (c.customer_name == "", bindparam("name", type_=String())), else_=c.customer_name
            ),
            assigned_to=case((reopens, null()), else_=c.assigned_to),
            status=case((reopens, Status.BOT.value), else_=c.status),
            rest=case((waits.is_not(None), null()), else_=c.rest),
            external_id=func.coalesce(c.external_id, proven),
            level=case((raises, int(Level.CHANNEL)), else_=c.level),
        )
        .returning(c.id, c.store, c.channel, c.status, c.last_seq)
    )


_TOUCH = _touch_statement()


def _new_conversation(message: InboundMessage, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id("C"),
        "store": message.store,
        "channel": message.channel,
        "thread": message.thread,
        "status": Status.BOT.value,
        "sentiment": "neutral",
        "urgent": False,
        "hand_off_summary": "",
        "customer_name": message.sender_name,
        "level": int(Level.ANONYMOUS),
        "memory": {},
        "misses": 0,
        "fence": 0,
        "last_seq": 0,
        "created_at": now,
        "updated_at": now,
    }


def _values(message: InboundMessage, conversation: Row[Any], now: datetime) -> dict[str, Any]:
    return message_values(
        conversation,
        id=new_id("M"),
        seq=conversation.last_seq,
        author=Author.CUSTOMER,
        who=message.sender_name,
        kind=message.kind,
        text=message.text,
        event_id=message.event_id,
        raw=message.raw,
        sent_at=message.sent_at,
        created_at=now,
        state=State.IGNORED if message.kind == UNKNOWN else State.RECEIVED,
    )
