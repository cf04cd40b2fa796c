"""Statements that several parts of the inbox share, the same on both databases.

Statements on the way of every message are built once, with named parameters: building and hashing one anew
costs more than running it (a turn of 6.3 ms of CPU takes half of it this way).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from xiaoer.domain.ids import new_id
from xiaoer.domain.messages import Author
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, NOTE, State

# The two dialects spell `on conflict do nothing` alike but share no type.
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

# SQLAlchemy's own type counts the columns of a row; one name for all of them.
AnyRow = Any

INSERT_MESSAGES = insert(MESSAGE)
_NEXT_SEQ = (
    update(CONVERSATION)
    .where(CONVERSATION.c.id == bindparam("of"))
    .values(last_seq=CONVERSATION.c.last_seq + bindparam("count"), updated_at=bindparam("now"))
    .returning(CONVERSATION.c.last_seq)
)


def columns(table: Table, *names: str) -> list[Any]:
    return [table.c[name] for name in names]


def insert_once(session: Session, table: Table, values: Mapping[str, Any], *unique: str) -> bool:
    """Insert unless a row with the same `unique` columns stands there; True when it was inserted."""
    statement = _insert_once(session.get_bind().dialect.name, table, unique)
    return session.connection().execute(statement, dict(values)).first() is not None


@lru_cache
def _insert_once(dialect: str, table: Table, unique: tuple[str, ...]) -> Any:
    make = _INSERTS[dialect]
    return make(table).on_conflict_do_nothing(index_elements=list(unique)).returning(table.c.id)


def next_seq(session: Session, conversation_id: str, count: int, now: datetime) -> int:
    """Take `count` numbers of the conversation (which locks it); the first of them."""
    values = {"of": conversation_id, "count": count, "now": now}
    last: int = session.connection().execute(_NEXT_SEQ, values).scalar_one()
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
    session.connection().execute(INSERT_MESSAGES, [note])
    return str(note["id"])
