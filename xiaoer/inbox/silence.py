"""Silence: one reminder after a question, one closing question after an answer, then the conversation rests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Engine, Select, and_, exists, select, update
from sqlmodel import Session

from xiaoer.agent.rating import CARD
from xiaoer.domain.actions import OPEN
from xiaoer.domain.clock import Clock, iso
from xiaoer.domain.messages import Author, Reply
from xiaoer.domain.stores import Store
from xiaoer.inbox.followups.keeper import TICK
from xiaoer.inbox.followups.rows import ask_rating
from xiaoer.inbox.followups.tables import CSAT, FOLLOW_UP, FollowUpState
from xiaoer.inbox.hooks import LedgerHooks
from xiaoer.inbox.live import Live
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.pause import ANSWERS, is_paused
from xiaoer.inbox.queue import Queue
from xiaoer.inbox.statements import AnyRow, columns
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, State, Status
from xiaoer.storage.engine import reading, transaction

RESOLVED, QUIET = "resolved", "quiet"
EVERY = timedelta(seconds=30)
_AT_ONCE = 50
_PROOF = ("proof", "order")  # what is asked for; every other question is reminded of in general words

_C = CONVERSATION.c
_COLUMNS = ("id", "store", "channel", "lang", "asked", "asked_at", "served_at", "updated_at")
_RECEIVED = exists().where(MESSAGE.c.conversation_id == _C.id, MESSAGE.c.state == State.RECEIVED.value)
_PROMISED = exists().where(
    FOLLOW_UP.c.conversation_id == _C.id, FOLLOW_UP.c.state == FollowUpState.OPEN.value
)
_RATED = exists().where(CSAT.c.conversation_id == _C.id)


class Say(Protocol):
    """agent.lookout.Lookout.say, in the store's voice."""

    def __call__(self, store: Store, lang: str, name: str, seed: str) -> str: ...


class Silence:
    """A clock over conversations in which nobody writes; each step is a compare-and-set."""

    def __init__(
        self,
        engine: Engine,
        queue: Queue,
        outbox: Outbox,
        say: Say,
        stores: Mapping[str, Store],
        hooks: LedgerHooks,
        clock: Clock,
        live: Live,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._outbox = outbox
        self._say = say
        self._stores = stores
        self._hooks = hooks
        self._clock = clock
        self._live = live
        self._looked: datetime | None = None

    def attach(self) -> None:
        self._queue.every_tick(self.tick, TICK)

    async def tick(self) -> None:
        now = self._clock()
        if self._looked is not None and self._looked <= now < self._looked + EVERY:
            return
        self._looked = now
        await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Remind, ask, put to rest: in all stores, what is due now."""
        for store in self._stores.values():
            now = self._clock()
            if store.awake(now) and not self._paused(store):
                self._each(_unanswered(store, now), store, self._remind)
                self._each(_answered(store, now), store, self._ask_rating)
            self._each(_silent(store, now), store, self._rest)

    def _paused(self, store: Store) -> bool:
        with reading(self._engine) as session:
            return is_paused(session, ANSWERS, store.id)

    def _each(self, due: Select[Any] | None, store: Store, step: Any) -> None:
        if due is None:
            return
        with reading(self._engine) as session:
            rows = session.execute(due).all()
        for row in rows:
            with transaction(self._engine) as session:
                moved = step(session, row, store)
            if moved:
                self._queue.kick()
                self._live.publish_conversation(row.id, "status")

    def _remind(self, session: Session, row: AnyRow, store: Store) -> bool:
        """Once a question; the next question may be reminded of again."""
        if not _still(session, row, {"reminded_at": self._clock()}, _C.reminded_at.is_(None)):
            return False
        name = "remind_proof" if row.asked in _PROOF else "remind_answer"
        seed = f"remind:{row.id}:{iso(row.asked_at)}"
        text = self._say(store, row.lang or store.languages[0], name, seed)
        self._outbox.tell(session, row.id, Reply(text), seed, Author.ASSISTANT)
        return True

    def _ask_rating(self, session: Session, row: AnyRow, store: Store) -> bool:
        if self._waits(session, row) or not _still(session, row, {}):
            return False
        seed = f"rating:{row.id}"
        reply = Reply(self._say(store, row.lang or store.languages[0], "rating_ask", seed), (CARD,))
        message_id = self._outbox.tell(session, row.id, reply, seed, Author.ASSISTANT)
        return ask_rating(session, row, message_id, self._clock())

    def _rest(self, session: Session, row: AnyRow, store: Store) -> bool:
        if self._waits(session, row):
            return False
        settled = row.served_at is not None and row.asked is None
        return _still(session, row, {"rest": RESOLVED if settled else QUIET}, _C.rest.is_(None))

    def _waits(self, session: Session, row: AnyRow) -> bool:
        """A request of the customer is still with us: the matter is not over."""
        return any(action.status in OPEN for action in self._hooks.actions_of(session, row.id))


def _still(session: Session, row: AnyRow, values: Mapping[str, Any], *more: Any) -> bool:
    """Compare and set on what was read: any message or turn since then stops it. Locks the conversation."""
    as_read = (_C.id == row.id, _C.status == Status.BOT.value, _C.updated_at == row.updated_at, *more)
    changes = values or {"updated_at": row.updated_at}
    return session.execute(update(CONVERSATION).where(*as_read).values(**changes)).rowcount == 1  # type: ignore[attr-defined,no-any-return]  # an update's result has it


def _of(store: Store, *conditions: Any) -> Select[Any]:
    ours = and_(_C.store == store.id, _C.status == Status.BOT.value, ~_RECEIVED, *conditions)
    return select(*columns(CONVERSATION, *_COLUMNS)).where(ours).order_by(_C.updated_at).limit(_AT_ONCE)


def _unanswered(store: Store, now: datetime) -> Select[Any] | None:
    care = store.attention
    if not care.remind_minutes:
        return None
    asked = (_C.asked_at <= now - timedelta(minutes=care.remind_minutes), _C.reminded_at.is_(None))
    return _of(store, *asked, _C.asked_at > now - timedelta(hours=care.rest_hours), _C.rest.is_(None))


def _answered(store: Store, now: datetime) -> Select[Any] | None:
    care = store.attention
    if not care.ask_rating:
        return None
    silent = _C.updated_at <= now - timedelta(hours=care.rating_hours)
    fresh = _C.served_at > now - timedelta(hours=max(care.rest_hours, care.rating_hours + 24))
    return _of(store, silent, fresh, _C.rest.is_(None), _C.asked.is_(None), ~_RATED, ~_PROMISED)


def _silent(store: Store, now: datetime) -> Select[Any] | None:
    return _of(
        store,
        _C.updated_at <= now - timedelta(hours=store.attention.rest_hours),
        _C.rest.is_(None),
        ~_PROMISED,
    )
