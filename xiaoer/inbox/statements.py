"""Statements that several parts of the inbox share, the same on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from xiaoer.domain.ids import new_id
from xiaoer.domain.messages import Author
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, NOTE, State

# The two dialects spell `on conflict do nothing` alike but share no type.
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def columns(table: Table, *names: str) -> list[Any]:
    return [table.c[name] for name in names]


def insert_once(session: Session, table: Table, values: Mapping[str, Any], unique: Sequence[str]) -> bool:
    """Insert unless a row with the same `unique` columns stands there; True when it was inserted."""
    make = _INSERTS[session.get_bind().dialect.name]
    statement = make(table).values(**values).on_conflict_do_nothing(index_elements=list(unique))
    return session.execute(statement.returning(table.c.id)).first() is not None


def next_seq(session: Session, conversation_id: str, count: int, now: datetime) -> int:
    """Take `count` numbers of the conversation (which locks it); the first of them."""
    statement = (
        update(CONVERSATION)
        .where(CONVERSATION.c.id == conversation_id)
        .values(last_seq=CONVERSATION.c.last_seq + count, updated_at=now)
        .returning(CONVERSATION.c.last_seq)
    )
    last: int = session.execute(statement).scalar_one()
    return last - count + 1


def message_values(conversation: Any, **values: Any) -> dict[str, Any]:
    """A full row of the message table; `conversation` has id, store, channel."""
    empty: dict[str, Any] = {
        "who": "",
        "kind": "text",
        "lang": None,
        "cards": [],
        "citations": [],
        "event_id": None,
        "raw": {},
        "sent_at": None,
        "turn_id": None,
    }
    place = {"conversation_id": conversation.id, "store": conversation.store, "channel": conversation.channel}
    return {**empty, **place, **values}


def add_note(session: Session, conversation: Any, text: str, who: str, now: datetime) -> str:
    """An internal item of the history: hand-off, take-over, give-back. Its message id."""
    note = message_values(
        conversation,
        id=new_id("M"),
        seq=next_seq(session, conversation.id, 1, now),
        author=Author.SYSTEM,
        who=who,
        kind=NOTE,
        text=text,
        created_at=now,
        state=State.NOTED,
    )
    session.execute(insert(MESSAGE), [note])
    return str(note["id"])
