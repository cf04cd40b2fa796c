"""Read models for pages: what the desk and a customer's page may see of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, and_, func, or_, select

from xiaoer.domain.messages import Author
from xiaoer.domain.refusals import BadInput, NotFound
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, OUTBOX, TURN, State, Status
from xiaoer.storage.engine import reading

_C, _M, _T, _O = CONVERSATION.c, MESSAGE.c, TURN.c, OUTBOX.c

MOST = 200  # rows of one page


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """One conversation as a list shows it. `status`: bot | human | closed."""

    id: str
    store: str
    channel: str
    status: str
    assigned_to: str | None
    lang: str | None
    sentiment: str
    urgent: bool
    hand_off_reason: str | None
    hand_off_summary: str
    customer_name: str
    external_id: str | None
    level: int
    last_seq: int
    last_author: str | None
    last_text: str
    waiting_since: datetime | None
    created_at: datetime
    updated_at: datetime
    rest: str | None = None  # resolved | quiet: nobody has written for a day


@dataclass(frozen=True, slots=True)
class ConversationPage:
    rows: tuple[ConversationRow, ...]
    cursor: str | None  # hand it back for the next page; None: this was the last


@dataclass(frozen=True, slots=True)
class MessageItem:
    """One item of a thread. `state`: see tables.State; `kind` is "note" for internal items."""

    id: str
    conversation_id: str
    seq: int
    author: str
    who: str
    kind: str
    text: str
    lang: str | None
    cards: tuple[dict[str, Any], ...]
    citations: tuple[dict[str, str], ...]
    state: str
    turn_id: str | None
    at: datetime


def list_conversations(
    engine: Engine,
    store: str | None = None,
    status: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> ConversationPage:
    """Newest movement first; raises BadInput on a cursor that this function did not make."""
    limit = max(1, min(limit, MOST))
    query = _rows().order_by(_C.updated_at.desc(), _C.id.desc()).limit(limit + 1)
    if store:
        query = query.where(_C.store == store)
    if status:
        query = query.where(_C.status == status)
    if cursor:
        query = query.where(_older_than(cursor))
    with reading(engine) as session:
        found = session.execute(query).all()
    rows = tuple(_row(row) for row in found[:limit])
    return ConversationPage(rows, _cursor(rows[-1]) if len(found) > limit else None)


def waiting(engine: Engine, store: str | None = None, limit: int = MOST) -> tuple[ConversationRow, ...]:
    """What people have to pick up: urgent first, then the longest wait."""
    query = _rows().where(_C.status == Status.HUMAN)
    if store:
        query = query.where(_C.store == store)
    order = (_C.urgent.desc(), _C.waiting_since.is_(None), _C.waiting_since, _C.updated_at)
    with reading(engine) as session:
        return tuple(_row(row) for row in session.execute(query.order_by(*order).limit(limit)))


def waiting_counts(engine: Engine, store: str | None = None) -> dict[str, int]:
    """`{"bot", "human", "closed", "urgent", "unassigned", "failed"}`; `failed`: deliveries given up."""
    ours = [_C.store == store] if store else []
    with reading(engine) as session:
        by_status = session.execute(select(_C.status, func.count()).where(*ours).group_by(_C.status)).all()
        human = select(func.count()).where(_C.status == Status.HUMAN, *ours)
        urgent = session.scalar(human.where(_C.urgent))
        unassigned = session.scalar(human.where(_C.assigned_to.is_(None)))
        failed = select(func.count()).select_from(OUTBOX).where(_O.state == State.FAILED)
        if store:
            failed = failed.join(CONVERSATION, _C.id == _O.conversation_id).where(*ours)
        counts = {status.value: 0 for status in Status} | {str(name): int(count) for name, count in by_status}
        return counts | {
            "urgent": urgent or 0,
            "unassigned": unassigned or 0,
            "failed": session.scalar(failed) or 0,
        }


def get_conversation(engine: Engine, conversation_id: str) -> ConversationRow:
    """Raises NotFound."""
    with reading(engine) as session:
        row = session.execute(_rows().where(_C.id == conversation_id)).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    return _row(row)


def thread(
    engine: Engine, conversation_id: str, after_seq: int = 0, limit: int = 500
) -> tuple[MessageItem, ...]:
    """Everything that people may see, notes and unsent replies too, oldest first.

    Without `after_seq` the last `limit` items; with it the first `limit` items after it.
    """
    query = _items(conversation_id)
    with reading(engine) as session:
        if after_seq:
            query = query.where(_M.seq > after_seq).order_by(_M.seq).limit(limit)
            return tuple(as_item(row) for row in session.execute(query))
        newest = session.execute(query.order_by(_M.seq.desc()).limit(limit)).all()
        return tuple(as_item(row) for row in reversed(newest))


def events_after(
    engine: Engine, conversation_id: str, seq: int = 0, limit: int = 200
) -> tuple[MessageItem, ...]:
    """What the customer has said and been told after `seq`, oldest first; nothing internal."""
    query = _items(conversation_id).where(_M.seq > seq, _visible()).order_by(_M.seq).limit(limit)
    with reading(engine) as session:
        return tuple(as_item(row) for row in session.execute(query))


def get_message(engine: Engine, message_id: str) -> MessageItem:
    """Raises NotFound."""
    with reading(engine) as session:
        row = session.execute(select(*item_columns()).where(_M.id == message_id)).first()
    if row is None:
        raise NotFound("There is no such message.")
    return as_item(row)


def trace(engine: Engine, conversation_id: str) -> dict[str, list[dict[str, Any]]]:
    """`{"turns": […]}` in the order of the turns, each as its graph wrote it."""
    query = select(_T.trace).where(_T.conversation_id == conversation_id).order_by(_T.created_at, _T.id)
    with reading(engine) as session:
        return {"turns": list(session.scalars(query))}


def _rows() -> Select[Any]:
    last = (
        select(_M.text, _M.author)
        .where(_M.conversation_id == _C.id, _M.state.not_in((State.NOTED, State.IGNORED)))
        .order_by(_M.seq.desc())
        .limit(1)
    )
    names = [name for name in ConversationRow.__slots__ if name not in ("last_text", "last_author")]
    return select(
        *(_C[name] for name in names),
        last.with_only_columns(_M.author).scalar_subquery().label("last_author"),
        last.with_only_columns(_M.text).scalar_subquery().label("last_text"),
    )


def _row(row: Row[Any]) -> ConversationRow:
    values = dict(row._mapping)
    values["last_text"] = values["last_text"] or ""
    return ConversationRow(**values)


def _cursor(row: ConversationRow) -> str:
    return f"{row.updated_at.isoformat()}~{row.id}"


def _older_than(cursor: str) -> ColumnElement[bool]:
    moment, _, last_id = cursor.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError as error:
        raise BadInput("This cursor is not one of ours.") from error
    if at.tzinfo is None:
        raise BadInput("This cursor is not one of ours.")
    return or_(_C.updated_at < at, and_(_C.updated_at == at, _C.id < last_id))


_DIRECT = tuple(name for name in MessageItem.__slots__ if name != "at")


def item_columns() -> Sequence[Any]:
    return [*(_M[name] for name in _DIRECT), _M.created_at.label("at")]


def _items(conversation_id: str) -> Select[Any]:
    return select(*item_columns()).where(_M.conversation_id == conversation_id)


def as_item(row: Row[Any]) -> MessageItem:
    values = dict(row._mapping)
    return MessageItem(**{**values, "cards": tuple(values["cards"]), "citations": tuple(values["citations"])})


def item_of(values: Mapping[str, Any]) -> MessageItem:
    """The item that a full row of the message table makes, without reading it again."""
    direct = {name: values[name] for name in _DIRECT}
    return MessageItem(
        **{**direct, "cards": tuple(direct["cards"]), "citations": tuple(direct["citations"])},
        at=values["created_at"],
    )


def _visible() -> ColumnElement[bool]:
    theirs = and_(_M.author == Author.CUSTOMER, _M.state != State.IGNORED)
    return or_(theirs, _M.state == State.SENT)
