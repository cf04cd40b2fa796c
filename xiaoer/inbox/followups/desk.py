"""What pages and other rooms do with promises and ratings: list, wake, cancel, count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, or_, select, update
from sqlmodel import Session

from xiaoer.domain.clock import Clock
from xiaoer.domain.refusals import NotFound, Refusal
from xiaoer.inbox.followups.tables import CSAT, FOLLOW_UP, LEASE, FollowUpState
from xiaoer.inbox.live import DESK, Live
from xiaoer.inbox.queue import Queue, looking_of
from xiaoer.inbox.statements import AnyRow, add_note, columns
from xiaoer.inbox.tables import CONVERSATION
from xiaoer.storage.engine import reading, transaction

_F = FOLLOW_UP.c
MOST = 200


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One promise as people see it. `state`: open | kept | told_no_news | cancelled."""

    id: str
    store: str
    conversation_id: str
    kind: str
    subject: str
    order_no: str
    urgent: bool
    promised_at: datetime
    next_look_at: datetime
    deadline: datetime
    tries: int
    state: str
    closed_by: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RatingView:
    """The closing question of a conversation; `score` None while it is unanswered."""

    score: int | None
    comment: str
    asked_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class RatingFigure:
    """What customers of one store thought: how many were asked, have answered, and how (1 to 5)."""

    store: str
    asked: int
    answered: int
    average: float | None
    satisfied: float | None  # share of 4 and 5 among the answers


class FollowUps:
    """For every process that has the desk's database; looking itself is the worker's."""

    def __init__(self, engine: Engine, queue: Queue, clock: Clock, live: Live) -> None:
        self._engine = engine
        self._queue = queue
        self._clock = clock
        self._live = live

    def wake(self, store: str, subject: str) -> int:
        """Something is known about an order or an inquiry: look at once. How many promises were about it."""
        now = self._clock()
        about = or_(_F.subject == subject, _F.order_no == subject)
        mine = (_F.store == store, about, _F.state == FollowUpState.OPEN.value)
        woken = update(FOLLOW_UP).where(*mine).values(next_look_at=now, claimed_until=now + LEASE)
        with transaction(self._engine) as session:
            ids = [str(row.id) for row in session.execute(woken.returning(_F.id))]
            self._queue.defer_all(session, [looking_of(follow_up_id) for follow_up_id in ids])
        if ids:
            self._queue.kick()
        return len(ids)

    def cancel(self, follow_up_id: str, who: str) -> FollowUp:
        """A person takes the promise back; raises NotFound, and Refusal `closed` when it is over."""
        now = self._clock()
        ended = {"state": FollowUpState.CANCELLED.value, "closed_by": who, "closed_at": now}
        with transaction(self._engine) as session:
            row = _find(session, follow_up_id)
            conversation = _conversation(session, row.conversation_id)
            still = (_F.id == follow_up_id, _F.state == FollowUpState.OPEN.value)
            if (
                session.execute(update(FOLLOW_UP).where(*still).values(**ended).returning(_F.id)).first()
                is None
            ):
                raise Refusal("This follow-up is over already.", "closed")
            add_note(session, conversation, f"follow_up_cancelled:{row.order_no or row.subject}", who, now)
            cancelled = _view(_find(session, follow_up_id))
        self._live.publish_conversation(cancelled.conversation_id, "status")
        self._live.publish(DESK, {"kind": "follow_up"})
        return cancelled

    def list(
        self,
        store: str | None = None,
        conversation_id: str | None = None,
        state: str | None = FollowUpState.OPEN.value,
        limit: int = MOST,
    ) -> tuple[FollowUp, ...]:
        """The next look first; of a conversation those that are over as well, with `state` None."""
        query = select(*columns(FOLLOW_UP, *FollowUp.__slots__)).order_by(_F.next_look_at, _F.id).limit(limit)
        for column, wanted in ((_F.store, store), (_F.conversation_id, conversation_id), (_F.state, state)):
            query = query.where(column == wanted) if wanted else query
        with reading(self._engine) as session:
            return tuple(_view(row) for row in session.execute(query))

    def rating(self, conversation_id: str) -> RatingView | None:
        query = select(*columns(CSAT, *RatingView.__slots__)).where(CSAT.c.conversation_id == conversation_id)
        with reading(self._engine) as session:
            row = session.execute(query).first()
        return RatingView(**row._mapping) if row else None

    def figures(self, store: str | None = None) -> tuple[RatingFigure, ...]:
        """One for each store that has asked anybody."""
        score = CSAT.c.score
        good = func.sum((score >= 4).cast(_integer()))
        query = select(CSAT.c.store, func.count(), func.count(score), func.avg(score), good).group_by(
            CSAT.c.store
        )
        query = query.where(CSAT.c.store == store) if store else query
        with reading(self._engine) as session:
            return tuple(_figure(row) for row in session.execute(query.order_by(CSAT.c.store)))


def _integer() -> Any:
    return CSAT.c.score.type


def _figure(row: Any) -> RatingFigure:
    store, asked, answered, average, good = row
    if not answered:
        return RatingFigure(store, asked, 0, None, None)
    return RatingFigure(store, asked, answered, round(float(average), 2), round((good or 0) / answered, 3))


def _find(session: Session, follow_up_id: str) -> AnyRow:
    row = session.execute(select(FOLLOW_UP).where(_F.id == follow_up_id)).first()
    if row is None:
        raise NotFound("There is no such follow-up.")
    return row


def _conversation(session: Session, conversation_id: str) -> AnyRow:
    query = select(*columns(CONVERSATION, "id", "store", "channel"))
    return session.execute(query.where(CONVERSATION.c.id == conversation_id).with_for_update()).one()


def _view(row: AnyRow) -> FollowUp:
    return FollowUp(**{name: getattr(row, name) for name in FollowUp.__slots__})
