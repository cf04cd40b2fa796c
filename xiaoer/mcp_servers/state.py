"""What the servers keep for themselves: spent grants, wrong proofs, questions to suppliers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    Column,
    Engine,
    Index,
    Select,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    literal,
    union_all,
    update,
)
from sqlalchemy import select as select_columns
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from xiaoer.domain.permits import Grant
from xiaoer.storage.columns import BigKey, UtcDateTime
from xiaoer.storage.engine import reading, transaction
from xiaoer.storage.metadata import ShopTable

WRONG_PROOFS = 5
LOCK = timedelta(hours=1)
# Four digits can be guessed order by order: after so many wrong proofs in a store within LOCK, they are not enough.
CROWD = 100


class SpentGrant(ShopTable, table=True):
    """A grant that was presented once; its id can never be inserted again."""

    __tablename__ = "srv_spent_grant"

    grant_id: str = Field(primary_key=True, max_length=64)
    action_id: str = Field(max_length=64, index=True)
    server: str = Field(max_length=32)
    tool: str = Field(max_length=64)
    store: str = Field(max_length=64)
    spent_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class ProofAttempt(ShopTable, table=True):
    """One wrong proof, counted against its conversation and against the order number it named."""

    __tablename__ = "srv_proof_attempt"
    __table_args__ = (
        Index("ix_srv_proof_attempt_conversation", "store", "conversation_id", "at"),
        Index("ix_srv_proof_attempt_order", "store", "order_no", "at"),
        Index("ix_srv_proof_attempt_store", "store", "at"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    store: str = Field(max_length=64)
    conversation_id: str = Field(max_length=128)
    order_no: str = Field(max_length=64)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class InquiryRow(ShopTable, table=True):
    """A question to a supplier, with its clock."""

    __tablename__ = "srv_inquiry"
    __table_args__ = (UniqueConstraint("store", "key"), Index("ix_srv_inquiry_open", "store", "status"))

    inquiry_id: str = Field(primary_key=True, max_length=32)
    store: str = Field(max_length=64)
    conversation_id: str = Field(max_length=128)
    key: str = Field(max_length=128)
    supplier: str | None = Field(default=None, max_length=64)
    order_no: str | None = Field(default=None, max_length=64)
    sku: str | None = Field(default=None, max_length=64)
    question: str
    status: str = Field(max_length=16)
    answer: str | None = None
    answered_by: str | None = Field(default=None, max_length=128)
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expected_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    answered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question to a supplier as the desk and the tools see it; `status` is open or answered."""

    inquiry_id: str
    store: str
    conversation_id: str
    supplier: str | None
    order_no: str | None
    sku: str | None
    question: str
    status: str
    answer: str | None
    answered_by: str | None
    asked_at: datetime
    expected_by: datetime | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one offered proof: whose it is, or how many tries are left."""

    customer_ref: str | None
    locked: bool
    left: int


class ServerState:
    """The servers' own tables over one engine; every method is one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def spend_grant(self, grant: Grant, server: str, now: datetime) -> bool:
        """Mark the grant spent, durably; False when it was spent before."""
        row = SpentGrant(
            grant_id=grant.grant_id,
            action_id=grant.action_id,
            server=server,
            tool=grant.tool,
            store=grant.store,
            spent_at=now,
        )
        try:
            with transaction(self.engine) as session:
                session.add(row)
        except IntegrityError:
            return False
        return True

    def judge_proof(
        self,
        store: str,
        conversation_id: str,
        order_no: str,
        now: datetime,
        check: Callable[[], str | None],
    ) -> Judgement:
        """Count and check one proof at a time, so that parallel guesses cannot outrun the limit.

        A right proof writes nothing; a wrong one counts against its conversation and its order number.
        While either is locked nothing is checked and nothing is counted.
        """
        with transaction(self.engine) as session:
            _one_at_a_time(session, store, (conversation_id, order_no))
            used = _used_tries(session, store, conversation_id, order_no, now)
            if used >= WRONG_PROOFS:
                return Judgement(None, True, 0)
            customer_ref = check()
            if customer_ref is not None:
                return Judgement(customer_ref, False, WRONG_PROOFS - used)
            session.add(ProofAttempt(store=store, conversation_id=conversation_id, order_no=order_no, at=now))
        left = WRONG_PROOFS - used - 1
        return Judgement(None, left == 0, left)

    def is_crowded(self, store: str, now: datetime) -> bool:
        """Whether somebody seems to be guessing all over this store."""
        wrong = select_columns(func.count()).where(_ATTEMPTS.c.store == store, _ATTEMPTS.c.at > now - LOCK)
        with reading(self.engine) as session:
            return (session.connection().execute(wrong).scalar() or 0) >= CROWD

    def save_inquiry(self, row: InquiryRow) -> Inquiry:
        """Store a question once by (store, key); the same key again gives the first one."""
        try:
            with transaction(self.engine) as session:
                session.add(row)
                session.flush()
                return _inquiry(row)
        except IntegrityError:
            with reading(self.engine) as session:
                wanted = select(InquiryRow).where(InquiryRow.store == row.store, InquiryRow.key == row.key)
                return _inquiry(session.exec(wanted).one())

    def find_inquiry(self, store: str, conversation_id: str, inquiry_id: str) -> Inquiry | None:
        with reading(self.engine) as session:
            row = session.get(InquiryRow, inquiry_id)
        if row is None or row.store != store or row.conversation_id != conversation_id:
            return None
        return _inquiry(row)


def _one_at_a_time(session: Session, store: str, keys: Sequence[str]) -> None:
    """SQLite's writers queue up anyway; PostgreSQL is told what must."""
    if session.connection().dialect.name != "postgresql":
        return
    for key in sorted(keys):
        lock = func.pg_advisory_xact_lock(func.hashtext(f"srv_proof_attempt/{store}/{key}"))
        session.connection().execute(select(lock))


# Built once: to build and to key such a statement costs more than to run it.
_ATTEMPTS = cast(Table, ProofAttempt.__table__)  # type: ignore[attr-defined]  # SQLModel hides its table


def _newest(column: Column[Any], name: str) -> Select[Any]:
    return (
        select_columns(literal(name).label("of"), _ATTEMPTS.c.at)
        .where(_ATTEMPTS.c.store == bindparam("store"), column == bindparam(name))
        .order_by(_ATTEMPTS.c.at.desc())
        .limit(WRONG_PROOFS)
    )


_WRONG_PROOFS = union_all(
    select_columns(_newest(_ATTEMPTS.c.conversation_id, "conversation").subquery()),
    select_columns(_newest(_ATTEMPTS.c.order_no, "order").subquery()),
)


def _used_tries(session: Session, store: str, conversation_id: str, order_no: str, now: datetime) -> int:
    """Wrong proofs of this conversation or for this order number; the larger number counts."""
    asked = {"store": store, "conversation": conversation_id, "order": order_no}
    times: dict[str, list[datetime]] = {"conversation": [], "order": []}
    for row in session.connection().execute(_WRONG_PROOFS, asked):
        times[row.of].append(row.at)
    return max(_counting(sorted(found, reverse=True), now) for found in times.values())


def _counting(times: Sequence[datetime], now: datetime) -> int:
    """Wrong proofs that still count; five within an hour count until an hour after the fifth."""
    if len(times) == WRONG_PROOFS and times[0] - times[-1] <= LOCK and now - times[0] < LOCK:
        return WRONG_PROOFS
    return sum(1 for at in times if now - at < LOCK)


def list_inquiries(engine: Engine, store: str, limit: int = 200) -> Sequence[Inquiry]:
    """A store's questions to suppliers, open ones first, then newest first."""
    wanted = (
        select(InquiryRow)
        .where(InquiryRow.store == store)
        .order_by(col(InquiryRow.status).desc(), col(InquiryRow.asked_at).desc())
        .limit(limit)
    )
    with reading(engine) as session:
        return tuple(_inquiry(row) for row in session.exec(wanted))


def answer_inquiry(engine: Engine, inquiry_id: str, text: str, who: str, now: datetime) -> Inquiry | None:
    """Write a supplier's answer once; None when the question is missing or already answered."""
    change = (
        update(InquiryRow)
        .where(col(InquiryRow.inquiry_id) == inquiry_id, col(InquiryRow.status) == "open")
        .values(status="answered", answer=text, answered_by=who, answered_at=now)
    )
    with transaction(engine) as session:
        if session.connection().execute(change).rowcount != 1:
            return None
        row = session.get(InquiryRow, inquiry_id)
        return _inquiry(row) if row else None


def _inquiry(row: InquiryRow) -> Inquiry:
    return Inquiry(**{name: getattr(row, name) for name in Inquiry.__slots__})
