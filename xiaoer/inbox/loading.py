"""What a turn sees: the conversation, the messages nobody has handled, the history before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, select
from sqlmodel import Session

from xiaoer.agent.turn import RatingAsked, TurnInput
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.ids import derived_id
from xiaoer.domain.messages import Author, HistoryItem, InboundMessage
from xiaoer.domain.stores import Store
from xiaoer.inbox.followups.tables import CSAT, FOLLOW_UP, FollowUpState
from xiaoer.inbox.hooks import LedgerHooks
from xiaoer.inbox.pause import ANSWERS, paused_clause
from xiaoer.inbox.statements import AnyRow, columns
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, State, Status

MOST_HISTORY = 40
# What has been said; a failed reply was never heard, an ignored event never meant.
_SAID = (State.HANDLED, State.QUARANTINED, State.SENT, State.QUEUED, State.NOTED)
_CONVERSATION = (
    *("id", "store", "channel", "thread", "status", "lang", "sentiment", "external_id", "level", "fence"),
    *("customer_ref", "verified_at", "scope_expires_at", "memory", "misses", "served_at", "created_at"),
)
_MESSAGE = ("id", "seq", "author", "who", "kind", "text", "event_id", "sent_at", "created_at")

_READ_CONVERSATION = (
    select(
        *columns(CONVERSATION, *_CONVERSATION),
        paused_clause(ANSWERS, CONVERSATION.c.store).label("paused"),
        CSAT.c.message_id.label("rating_asked"),
        CSAT.c.score.label("rating"),
        exists()
        .where(
            FOLLOW_UP.c.conversation_id == CONVERSATION.c.id, FOLLOW_UP.c.state == FollowUpState.OPEN.value
        )
        .label("promised"),
    )
    .outerjoin_from(CONVERSATION, CSAT, CSAT.c.conversation_id == CONVERSATION.c.id)
    .where(CONVERSATION.c.id == bindparam("of"))
)
_READ_WAITING = (
    select(*columns(MESSAGE, *_MESSAGE))
    .where(MESSAGE.c.conversation_id == bindparam("of"), MESSAGE.c.state == State.RECEIVED.value)
    .order_by(MESSAGE.c.seq)
)
_READ_HISTORY = (
    select(*columns(MESSAGE, "id", "author", "text", "created_at"))
    .where(MESSAGE.c.conversation_id == bindparam("of"), MESSAGE.c.state.in_(_SAID))
    .order_by(MESSAGE.c.seq.desc())
    .limit(MOST_HISTORY)
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A turn about to run: what it will have to find unchanged when it commits (`fence`, `messages`)."""

    turn_id: str  # the same for every run over the same first message
    conversation: AnyRow
    messages: tuple[AnyRow, ...]

    @property
    def last_seq(self) -> int:
        """Of the messages: whatever has a higher number has come later."""
        return int(self.messages[-1].seq)


def open_turn(session: Session, conversation_id: str) -> Opened | None:
    """None when there is nothing to do: all is handled, a person has it, or answers are paused."""
    connection = session.connection()
    values = {"of": conversation_id}
    conversation = connection.execute(_READ_CONVERSATION, values).first()
    if conversation is None or conversation.status != Status.BOT or conversation.paused:
        return None
    messages = tuple(connection.execute(_READ_WAITING, values))
    if not messages:
        return None
    return Opened(derived_id("T", conversation_id, messages[0].id), conversation, messages)


def read_input(
    session: Session, opened: Opened, stores: Mapping[str, Store], hooks: LedgerHooks, now: datetime
) -> TurnInput:
    """Everything the graph may depend on; raises KeyError for a store that is not configured."""
    row = opened.conversation
    return TurnInput(
        turn_id=opened.turn_id,
        conversation_id=row.id,
        store=stores[row.store],
        channel=row.channel,
        lang=row.lang,
        history=_history(session, opened),
        new=tuple(_inbound(row, message) for message in sorted(opened.messages, key=_moment)),
        scope=read_scope(row, now),
        memory=dict(row.memory),
        actions=hooks.actions_of(session, row.id),
        now=now,
        misses=row.misses,
        served=row.served_at is not None,
        promised=bool(row.promised),
        rating=RatingAsked(row.rating_asked, row.rating is not None) if row.rating_asked else None,
    )


def read_scope(row: AnyRow, now: datetime) -> Scope:
    """What is proven; a proof that has run out falls back to what the channel has proven."""
    scope = Scope(
        store=row.store,
        conversation_id=row.id,
        level=Level(row.level),
        external_id=row.external_id,
        customer_ref=row.customer_ref,
        verified_at=row.verified_at,
        expires_at=row.scope_expires_at,
        began_at=row.created_at,
    )
    if scope.expires_at is None or now < scope.expires_at:
        return scope
    level = Level.CHANNEL if row.external_id else Level.ANONYMOUS
    return Scope(row.store, row.id, level, row.external_id, began_at=row.created_at)


def _history(session: Session, opened: Opened) -> tuple[HistoryItem, ...]:
    newest = session.connection().execute(_READ_HISTORY, {"of": opened.conversation.id}).all()
    return tuple(
        HistoryItem(row.id, Author(row.author), row.text, row.created_at) for row in reversed(newest)
    )


def _moment(message: AnyRow) -> tuple[datetime, int]:
    """By the channel's own time where it gives one: its events may arrive out of order."""
    return (message.sent_at or message.created_at, message.seq)


def _inbound(conversation: AnyRow, message: AnyRow) -> InboundMessage:
    return InboundMessage(
        store=conversation.store,
        channel=conversation.channel,
        thread=conversation.thread,
        event_id=message.event_id,
        text=message.text,
        sent_at=message.sent_at,
        kind=message.kind,
        external_id=conversation.external_id,
        sender_name=message.who,
    )
