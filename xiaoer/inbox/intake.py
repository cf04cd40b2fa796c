"""Intake: a message is stored once and its turn deferred, in one transaction; nothing else happens here."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Engine, Row, case, func, select, update
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
            found = session.execute(_touch(message, self._clock(), messages=0)).first()
            return str((found or self._create(session, message, messages=0)).id)

    def _store(self, message: InboundMessage) -> Accepted:
        now = self._clock()
        with transaction(self._engine) as session:
            # Locks the conversation first, so that two deliveries of one event cannot both pass.
            row = session.execute(_touch(message, now, messages=1)).first()
            conversation = row or self._create(session, message, messages=1)
            values = _values(message, conversation, now)
            if not insert_once(session, MESSAGE, values, ("store", "channel", "event_id")):
                raise _SeenBefore
            if conversation.status == Status.BOT and values["state"] == State.RECEIVED:
                wait = FRAGMENT_SECONDS if _FRAGMENT.search(message.text) else None
                self._queue.defer_all(session, [turn_of(conversation.id, wait)])
        return Accepted(values["id"], conversation.id, duplicate=False)

    def _create(self, session: Session, message: InboundMessage, messages: int) -> Row[Any]:
        now = self._clock()
        insert_once(session, CONVERSATION, _new_conversation(message, now), ("store", "channel", "thread"))
        return session.execute(_touch(message, now, messages)).one()

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


def _touch(message: InboundMessage, now: datetime, messages: int) -> Any:
    """Lock the conversation, take a number for the message, reopen if closed; returns id, status, seq."""
    c = CONVERSATION.c
    waits = messages and message.kind != UNKNOWN
    changes: dict[str, Any] = {
        "last_seq": c.last_seq + messages,
        "customer_name": case((c.customer_name == "", message.sender_name), else_=c.customer_name),
    }
    if messages:
        changes["updated_at"] = now
    if waits:
        changes["waiting_since"] = func.coalesce(c.waiting_since, now)
        # A late write reopens: the assistant answers first, whoever had closed it.
        changes["assigned_to"] = case((c.status == Status.CLOSED, None), else_=c.assigned_to)
        changes["status"] = case((c.status == Status.CLOSED, Status.BOT.value), else_=c.status)
    if message.external_id:
        changes["external_id"] = func.coalesce(c.external_id, message.external_id)
        changes["level"] = case((c.level < Level.CHANNEL, int(Level.CHANNEL)), else_=c.level)
    return (
        update(CONVERSATION)
        .where(c.store == message.store, c.channel == message.channel, c.thread == message.thread)
        .values(**changes)
        .returning(c.id, c.store, c.channel, c.status, c.last_seq)
    )


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
