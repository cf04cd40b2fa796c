"""Keeps promises: claims what is due, looks, and commits what has come of it, once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Engine, and_, exists, or_, select, update
from sqlmodel import Session

from xiaoer.agent.lookout import Sight, Watch
from xiaoer.agent.turn import TurnInput
from xiaoer.domain.clock import Clock
from xiaoer.domain.identity import Scope
from xiaoer.domain.promises import PromiseKind
from xiaoer.domain.stores import Store
from xiaoer.inbox.followups.tables import FOLLOW_UP, LEASE, FollowUpState
from xiaoer.inbox.followups.telling import Lost, Step, apply_step, decide
from xiaoer.inbox.live import Live
from xiaoer.inbox.loading import read_scope
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.pause import ANSWERS, paused_clause
from xiaoer.inbox.queue import LOOK, Queue, looking_of
from xiaoer.inbox.statements import AnyRow, columns
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, State
from xiaoer.storage.crashpoints import crash_point
from xiaoer.storage.engine import reading, transaction

log = structlog.get_logger()

_REST = timedelta(minutes=15)  # after every try of a look has failed
_AT_ONCE = 50
TICK = "follow_ups"

_F, _C = FOLLOW_UP.c, CONVERSATION.c
_CONVERSATION = (
    *("id", "store", "channel", "status", "lang", "external_id", "level", "customer_ref"),
    *("verified_at", "scope_expires_at", "created_at"),
)


class Look(Protocol):
    """agent.lookout.Lookout, as this room needs it."""

    async def look(self, watch: Watch) -> Sight: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A promise about to be looked at, as it was when the look began."""

    row: AnyRow
    watch: Watch


class Keeper:
    """`attach` says to the queue who looks; every step is safe to repeat."""

    def __init__(
        self,
        engine: Engine,
        queue: Queue,
        outbox: Outbox,
        lookout: Look,
        stores: Mapping[str, Store],
        clock: Clock,
        live: Live,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._outbox = outbox
        self._lookout = lookout
        self._stores = stores
        self._clock = clock
        self._live = live

    def attach(self) -> None:
        self._queue.handle(LOOK, self.run, give_up=self.give_up)
        self._queue.every_tick(self.tick, TICK)

    async def tick(self) -> None:
        """Claim what is due; a claim and its job are one transaction."""
        if await asyncio.to_thread(claim_due, self._engine, self._queue, self._clock()):
            self._queue.kick()

    async def run(self, follow_up_id: str) -> None:
        """One look and what follows from it; nothing if another has been faster."""
        opened = await asyncio.to_thread(self._open, follow_up_id)
        if opened is None:
            return
        crash_point("followup.claimed")
        sight = await self._lookout.look(opened.watch)
        crash_point("followup.looked")
        try:
            step = await asyncio.to_thread(self._commit, opened, sight)
        except Lost:
            log.info("followup.lost", follow_up=follow_up_id)
            return
        crash_point("followup.told")
        log.info("followup.done", follow_up=follow_up_id, step=step.what)
        self._queue.kick()
        if step.what != "again":
            self._live.publish_conversation(opened.row.conversation_id, "status")

    async def give_up(self, follow_up_id: str) -> None:
        """After the last try: look again in a while; the promise stands."""
        log.error("followup.failed", follow_up=follow_up_id)
        later = {"next_look_at": self._clock() + _REST, "claimed_until": None}
        await asyncio.to_thread(self._change, follow_up_id, later)

    def _open(self, follow_up_id: str) -> Opened | None:
        now = self._clock()
        with reading(self._engine) as session:
            row = session.execute(select(FOLLOW_UP).where(_F.id == follow_up_id)).first()
            if row is None or row.state != FollowUpState.OPEN or row.next_look_at > now:
                return None
            query = select(*columns(CONVERSATION, *_CONVERSATION)).where(_C.id == row.conversation_id)
            conversation = session.execute(query).one()
        store = self._stores.get(row.store)
        if store is None:
            log.error("followup.unknown_store", follow_up=follow_up_id)
            return None
        return Opened(row, _watch(row, conversation, store, now))

    def _commit(self, opened: Opened, sight: Sight) -> Step:
        now, row = self._clock(), opened.row
        with transaction(self._engine) as session:
            names = ("id", "store", "channel", "status", "lang", "memory")
            query = select(*columns(CONVERSATION, *names)).where(_C.id == row.conversation_id)
            conversation = session.execute(query.with_for_update()).one()
            busy = _is_busy(session, conversation)
            step = decide(row, sight, conversation, self._stores[row.store], busy, now)
            apply_step(session, self._outbox, self._stores[row.store], row, conversation, sight, step, now)
        return step

    def _change(self, follow_up_id: str, values: Mapping[str, Any]) -> None:
        with transaction(self._engine) as session:
            mine = (_F.id == follow_up_id, _F.state == FollowUpState.OPEN.value)
            session.execute(update(FOLLOW_UP).where(*mine).values(**values))


def claim_due(engine: Engine, queue: Queue, now: datetime) -> int:
    """Take what is due for a look and defer its job; two clocks at once claim each row once."""
    due = and_(
        _F.state == FollowUpState.OPEN.value,
        _F.next_look_at <= now,
        or_(_F.claimed_until.is_(None), _F.claimed_until <= now),
    )
    query = select(_F.id).where(due).order_by(_F.next_look_at).limit(_AT_ONCE)
    with reading(engine) as session:  # most ticks find nothing, and lock nothing
        found = list(session.scalars(query))
    if not found:
        return 0
    claim = update(FOLLOW_UP).where(_F.id.in_(found), due).values(claimed_until=now + LEASE)
    with transaction(engine) as session:
        won = [str(row.id) for row in session.execute(claim.returning(_F.id))]
        queue.defer_all(session, [looking_of(follow_up_id) for follow_up_id in won])
    return len(won)


def _is_busy(session: Session, conversation: AnyRow) -> bool:
    """The customer has written and is about to be answered, or answers are paused."""
    waits = exists().where(
        MESSAGE.c.conversation_id == conversation.id, MESSAGE.c.state == State.RECEIVED.value
    )
    return bool(session.scalar(select(or_(waits, paused_clause(ANSWERS, conversation.store)))))


def _watch(row: AnyRow, conversation: AnyRow, store: Store, now: datetime) -> Watch:
    scope = read_scope(conversation, now)
    if scope.customer_ref != row.customer_ref:  # the proof has run out, or is another person's
        scope = Scope(row.store, row.conversation_id)
    turn = TurnInput(
        turn_id=row.id,
        conversation_id=row.conversation_id,
        store=store,
        channel=conversation.channel,
        lang=conversation.lang or store.languages[0],
        history=(),
        new=(),
        scope=scope,
        memory={},
        actions=(),
        now=now,
    )
    kind = PromiseKind(row.kind)
    final = now >= row.deadline
    return Watch(row.id, kind, row.subject, row.order_no, row.customer_ref, row.snapshot, turn, final)
