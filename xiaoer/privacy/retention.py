"""What is let go when its time is over: a little at a time, so that nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, and_, delete, exists, func, select
from sqlmodel import Session

from xiaoer.approvals.history import record_erasure
from xiaoer.domain.actions import OPEN
from xiaoer.domain.clock import Clock
from xiaoer.privacy.inventory import DESK
from xiaoer.privacy.rows import RecordMasker, rewrite, rows_of
from xiaoer.privacy.subject import Subject, table
from xiaoer.storage.engine import reading, transaction

log = structlog.get_logger()

BATCH = 500  # rows of one transaction
CONVERSATIONS = 25  # of one transaction; each may have hundreds of rows
MOST_BATCHES = 40  # of one sweep; the rest waits for the next hour
EVERY = timedelta(hours=1)
_THREAD_WINDOW = timedelta(
    days=7
)  # threads of cases that ended so long before their time was over are deleted again


@dataclass(frozen=True, slots=True)
class Keep:
    """Days after the last movement; 0: for ever."""

    messages: int = 730
    traces: int = 90
    follow_ups: int = 180
    grants: int = 30
    proofs: int = 7
    threads: int = 90
    budgets: int = 35


# (what, table, the time that counts, more conditions as column → value); of the desk, then of the shop's database.
_DESK: tuple[tuple[str, str, str], ...] = (("traces", "turn", "created_at"),)
_SHOP: tuple[tuple[str, str, str], ...] = (
    ("grants", "srv_spent_grant", "spent_at"),
    ("proofs", "srv_proof_attempt", "at"),
    ("proofs", "srv_proof_code", "sent_at"),
)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """`shop` is None where this process does not open the shop's database."""

    desk: Engine
    shop: Engine | None
    keep: Keep
    clock: Clock

    def sweep(self) -> dict[str, int]:
        """Let go what is due; rows by kind. Stops after a bounded number of batches."""
        now, done = self.clock(), dict[str, int]()
        for engine, jobs in ((self.desk, _DESK), (self.shop, _SHOP)):
            for what, name, column in jobs if engine is not None else ():
                assert engine is not None
                self._some(engine, what, _deleting(name, column), now, done)
        self._some(self.desk, "follow_ups", _closed_promises, now, done)
        self._some(self.desk, "budgets", _old_days, now, done)
        self._some(self.desk, "messages", partial(_old_conversations, now), now, done)
        if any(done.values()):
            log.info("retention.swept", **done)
        return done

    def old_threads(self) -> list[str]:
        """Cases whose threads may go: ended long ago. Threads hold ids alone, and the ledger is the truth."""
        if not self.keep.threads:
            return []
        until = self.clock() - timedelta(days=self.keep.threads)
        t = table("action_case")
        ended = and_(t.c.state == "closed", t.c.updated_at < until, t.c.updated_at >= until - _THREAD_WINDOW)
        with reading(self.desk) as session:
            return list(session.connection().execute(select(t.c.id).where(ended).limit(BATCH)).scalars())

    def _some(
        self,
        engine: Engine,
        what: str,
        step: Callable[[Session, datetime], int],
        now: datetime,
        done: dict[str, int],
    ) -> None:
        days = getattr(self.keep, what)
        if not days:
            return
        for _ in range(MOST_BATCHES):
            with transaction(engine) as session:
                count = step(session, now - timedelta(days=days))
            done[what] = done.get(what, 0) + count
            if count == 0:
                return


def _deleting(name: str, column: str) -> Callable[[Session, datetime], int]:
    def step(session: Session, until: datetime) -> int:
        t = table(name)
        return _delete_some(session.connection(), t, t.c[column] < until)

    return step


def _delete_some(conn: Connection, t: Any, clause: Any) -> int:
    keys = list(t.primary_key.columns)
    if len(keys) == 1:
        some = select(keys[0]).where(clause).limit(BATCH)
        return int(conn.execute(delete(t).where(keys[0].in_(some))).rowcount)
    rows = conn.execute(select(*keys).where(clause).limit(BATCH)).all()
    for row in rows:
        conn.execute(delete(t).where(and_(*(key == value for key, value in zip(keys, row, strict=True)))))
    return len(rows)


def _closed_promises(session: Session, until: datetime) -> int:
    t = table("follow_up")
    return _delete_some(session.connection(), t, and_(t.c.state != "open", t.c.closed_at < until))


def _old_days(session: Session, until: datetime) -> int:
    t = table("budget_day")
    return _delete_some(session.connection(), t, t.c.day < f"{until:%Y-%m-%d}")


def _old_conversations(now: datetime, session: Session, until: datetime) -> int:
    """Words and names of conversations in which nothing moves; the row stays for the ledger and the figures."""
    conn = session.connection()
    found = tuple(conn.execute(_due(until)).scalars())
    if not found:
        return 0
    for name in ("outbox", "csat", "message", "turn"):
        t = table(name)
        conn.execute(delete(t).where(t.c.conversation_id.in_(found)))
    t = table("follow_up")
    conn.execute(delete(t).where(t.c.conversation_id.in_(found), t.c.state != "open"))
    a = table("action")
    actions = tuple(conn.execute(select(a.c.id).where(a.c.conversation_id.in_(found))).scalars())
    _let_go(session, Subject(conversations=found, actions=actions), now)
    return len(found)


def _let_go(session: Session, subject: Subject, now: datetime) -> None:
    """The same as erasing, for whoever it was."""
    conn, masker = session.connection(), RecordMasker(subject)
    for name in ("conversation", "action", "case_matter"):
        rows = rows_of(conn, name, DESK[name], subject)
        changed = [row for row in rows if rewrite(conn, name, DESK[name], [row], masker, dry=False)]
        for row in changed if name == "action" else ():
            record_erasure(session, row["id"], now)


def _due(until: datetime) -> Any:
    c, a, f = table("conversation"), table("action"), table("follow_up")
    open_action = exists().where(
        a.c.conversation_id == c.c.id, a.c.status.in_([status.value for status in OPEN])
    )
    open_promise = exists().where(f.c.conversation_id == c.c.id, f.c.state == "open")
    return (
        select(c.c.id)
        .where(c.c.updated_at < until, func.substr(c.c.thread, 1, 7) != "erased:")
        .where(~open_action, ~open_promise)
        .order_by(c.c.updated_at)
        .limit(CONVERSATIONS)
    )


def hourly(clock: Clock, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """For a tick of every few seconds: once at the start, then once an hour."""
    following: datetime | None = None

    async def tick() -> None:
        nonlocal following
        now = clock()
        if following is None or now >= following:
            following = now + EVERY
            await work()

    return tick


def sweeping(sweeper: Sweeper) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        await asyncio.to_thread(sweeper.sweep)

    return hourly(sweeper.clock, work)


def forgetting(
    sweeper: Sweeper, delete_thread: Callable[[str], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    """Where the threads of cases are."""

    async def work() -> None:
        for case_id in await asyncio.to_thread(sweeper.old_threads):
            await delete_thread(case_id)

    return hourly(sweeper.clock, work)
