"""The tables of the inbox: conversations, messages, turns, outgoing deliveries, pauses."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint, text
from sqlmodel import Field

from xiaoer.storage.columns import BigKey, Json, UtcDateTime
from xiaoer.storage.metadata import DeskTable


class Status(StrEnum):
    """Who has the conversation."""

    BOT = "bot"
    HUMAN = "human"
    CLOSED = "closed"


class State(StrEnum):
    """What became of one message; the first four are a customer's, the next three go to one."""

    RECEIVED = "received"  # no turn has handled it yet
    HANDLED = "handled"
    QUARANTINED = "quarantined"  # every try failed; a person has the conversation
    IGNORED = "ignored"  # an unknown kind of event: kept, never answered
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    NOTED = "noted"  # internal: hand-off, give-back; the customer never sees it


NOTE = "note"  # the kind of an internal item


class Conversation(DeskTable, table=True):
    """One thread of one customer on one channel of one store."""

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("store", "channel", "thread"),
        Index("ix_conversation_list", "store", "status", "updated_at"),
        Index("ix_conversation_waiting", "status", "urgent", "waiting_since"),
        Index("ix_conversation_updated", "updated_at", "id"),
        # What the clock of silence looks at: few rows at any time.
        Index(
            "ix_conversation_stirring",
            "updated_at",
            sqlite_where=text("rest IS NULL AND status = 'bot'"),
            postgresql_where=text("rest IS NULL AND status = 'bot'"),
        ),
        Index(
            "ix_conversation_asked",
            "asked_at",
            sqlite_where=text("asked_at IS NOT NULL AND reminded_at IS NULL"),
            postgresql_where=text("asked_at IS NOT NULL AND reminded_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)  # "C-…"
    store: str
    channel: str
    thread: str  # as the channel names it
    status: str = Status.BOT
    assigned_to: str | None = None  # the person who has taken it
    lang: str | None = None
    sentiment: str = "neutral"
    urgent: bool = False
    hand_off_reason: str | None = None
    hand_off_summary: str = ""
    customer_name: str = ""
    external_id: str | None = None  # proven by the channel (L1), else None
    level: int = 0  # what is proven of the customer: domain.identity.Level
    customer_ref: str | None = None
    verified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    scope_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    memory: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    misses: int = 0  # turns in a row in which nothing was understood
    fence: int = 0  # grows with every commit of a turn and every take-over
    last_seq: int = 0
    waiting_since: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # first customer message that nobody has answered
    served_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # last answer to a matter of service
    asked: str | None = None  # what the last answer asked for: proof, order, lines, …
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reminded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rest: str | None = None  # resolved | quiet: nobody has written for a day; any message wakes it
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Message(DeskTable, table=True):
    """One item of a conversation, in either direction, or an internal note."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("conversation_id", "seq"),
        UniqueConstraint("store", "channel", "event_id"),
        # Few rows at any time: what the next turn of a conversation has to handle.
        Index(
            "ix_message_received",
            "conversation_id",
            sqlite_where=text("state = 'received'"),
            postgresql_where=text("state = 'received'"),
        ),
        Index("ix_message_turn", "turn_id"),
    )

    id: str = Field(primary_key=True)  # "M-…"
    conversation_id: str = Field(foreign_key="conversation.id")
    store: str
    channel: str
    seq: int  # the order in which the customer saw it
    author: str  # domain.messages.Author
    who: str = ""  # name of the sender: the customer as the channel knows him, or the colleague
    kind: str = "text"
    text: str = Field(sa_column=Column(Text, nullable=False))
    lang: str | None = None
    cards: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    citations: list[dict[str, str]] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    event_id: str | None = None  # the channel's own id, of incoming ones
    raw: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    turn_id: str | None = None  # the turn that handled it or wrote it; "M-…" where a person's answer did
    state: str


class Turn(DeskTable, table=True):
    """What one committed turn saw and did, for people and for replay."""

    __tablename__ = "turn"
    __table_args__ = (Index("ix_turn_conversation", "conversation_id", "created_at"),)

    id: str = Field(primary_key=True)  # "T-…"
    conversation_id: str = Field(foreign_key="conversation.id")
    trace: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    actions: list[dict[str, str]] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    handed_off: bool = False
    ms: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)


class OutboxRow(DeskTable, table=True):
    """One delivery to a channel, until the channel has it or it is given up."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("dedupe"),
        Index(
            "ix_outbox_queued",
            "conversation_id",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_outbox_message", "message_id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    conversation_id: str = Field(foreign_key="conversation.id")
    message_id: str = Field(foreign_key="message.id")
    dedupe: str
    attempts: int = 0
    state: str = State.QUEUED  # queued | sent | failed
    last_error: str = ""
    provider_ref: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)


class Pause(DeskTable, table=True):
    """A pressed pause button; the row stands as long as it is pressed."""

    __tablename__ = "pause"

    id: str = Field(primary_key=True)  # "answers:demo-us", "money:*"
    what: str  # answers | money
    store: str | None = None  # None: every store
    by: str
    at: datetime = Field(sa_type=UtcDateTime)


# For statements without objects: a turn reads and writes rows, not entities (a third of the time).
CONVERSATION = cast(Table, Conversation.__table__)  # type: ignore[attr-defined]  # SQLModel hides its table
MESSAGE = cast(Table, Message.__table__)  # type: ignore[attr-defined]  # as above
TURN = cast(Table, Turn.__table__)  # type: ignore[attr-defined]  # as above
OUTBOX = cast(Table, OutboxRow.__table__)  # type: ignore[attr-defined]  # as above
PAUSE = cast(Table, Pause.__table__)  # type: ignore[attr-defined]  # as above
