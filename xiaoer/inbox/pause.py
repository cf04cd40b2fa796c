"""The two buttons that stop everything: answers, money; for one store or for all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, delete, exists, or_, select
from sqlmodel import Session

from xiaoer.domain.clock import Clock
from xiaoer.domain.refusals import BadInput
from xiaoer.inbox.live import DESK, Live
from xiaoer.inbox.queue import Deferral, Queue, sending_of, turn_of
from xiaoer.inbox.statements import insert_once
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, OUTBOX, PAUSE, State, Status
from xiaoer.storage.engine import reading, transaction

ANSWERS, MONEY = "answers", "money"
PAUSABLE = (ANSWERS, MONEY)


@dataclass(frozen=True, slots=True)
class PauseView:
    """One pressed button; `store` None means every store."""

    what: str
    store: str | None
    by: str
    at: datetime


def is_paused(session: Session, what: str, store: str) -> bool:
    """Whether a button for this store or for all is pressed; holds inside the session's transaction."""
    return bool(session.scalar(select(paused_clause(what, store))))


def paused_clause(what: str, store: ColumnElement[str] | str) -> ColumnElement[bool]:
    """The same as a part of a larger statement; `store` may be a column."""
    fits = or_(PAUSE.c.store.is_(None), PAUSE.c.store == store)
    return exists().where(PAUSE.c.what == what, fits).correlate_except(PAUSE)


class Pauses:
    """Presses and releases the buttons; both take effect before the next send or execution."""

    def __init__(self, engine: Engine, queue: Queue, clock: Clock, live: Live) -> None:
        self._engine = engine
        self._queue = queue
        self._clock = clock
        self._live = live

    def pause(self, what: str, store: str | None, by: str) -> PauseView:
        """Press; pressing twice keeps the first. Raises BadInput for an unknown button."""
        _require_known(what)
        values = {"what": what, "store": store, "by": by, "at": self._clock()}
        with transaction(self._engine) as session:
            insert_once(session, PAUSE, {"id": _key(what, store), **values}, "id")
            row = session.execute(select(PAUSE).where(PAUSE.c.id == _key(what, store))).one()
        self._live.publish(DESK, {"kind": "pause", "what": what, "store": store, "paused": True})
        return PauseView(row.what, row.store, row.by, row.at)

    def resume(self, what: str, store: str | None) -> bool:
        """Release; False when it was not pressed. What had to wait goes on at once."""
        _require_known(what)
        with transaction(self._engine) as session:
            gone = session.execute(delete(PAUSE).where(PAUSE.c.id == _key(what, store)).returning(PAUSE.c.id))
            if gone.first() is None:
                return False
            if what == ANSWERS:
                self._queue.defer_all(session, held_back(session, store))
        self._queue.kick()
        self._live.publish(DESK, {"kind": "pause", "what": what, "store": store, "paused": False})
        return True

    def list(self) -> tuple[PauseView, ...]:
        """Every pressed button, oldest first."""
        with reading(self._engine) as session:
            rows = session.execute(select(PAUSE).order_by(PAUSE.c.at)).all()
        return tuple(PauseView(row.what, row.store, row.by, row.at) for row in rows)


def held_back(session: Session, store: str | None = None) -> list[Deferral]:
    """Jobs for all that waits: unanswered conversations of the assistant, and unsent replies."""
    ours = [CONVERSATION.c.store == store] if store else []
    unanswered = (
        select(CONVERSATION.c.id)
        .distinct()
        .join(MESSAGE, MESSAGE.c.conversation_id == CONVERSATION.c.id)
        .where(MESSAGE.c.state == State.RECEIVED, CONVERSATION.c.status == Status.BOT, *ours)
    )
    unsent = (
        select(CONVERSATION.c.id)
        .distinct()
        .join(OUTBOX, OUTBOX.c.conversation_id == CONVERSATION.c.id)
        .where(OUTBOX.c.state == State.QUEUED, *ours)
    )
    turns = [turn_of(conversation_id) for conversation_id in session.scalars(unanswered)]
    return turns + [sending_of(conversation_id) for conversation_id in session.scalars(unsent)]


def _key(what: str, store: str | None) -> str:
    return f"{what}:{store or '*'}"


def _require_known(what: str) -> None:
    if what not in PAUSABLE:
        raise BadInput(f"Only {' and '.join(PAUSABLE)} can be paused, not {what!r}.")
