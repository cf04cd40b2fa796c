"""Promises to come back, and what customers thought of it all."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Column, Index, Table, Text, text
from sqlmodel import Field

from xiaoer.storage.columns import Json, UtcDateTime
from xiaoer.storage.metadata import DeskTable

LEASE = timedelta(seconds=120)  # a claimed look that has not ended by then is claimed again


class FollowUpState(StrEnum):
    OPEN = "open"
    KEPT = "kept"  # the customer, or the person who has him, knows
    TOLD_NO_NEWS = "told_no_news"  # the deadline came first; a person took it
    CANCELLED = "cancelled"  # by a person


class FollowUpRow(DeskTable, table=True):
    """One promise of one conversation; at most one open one a kind and subject."""

    __tablename__ = "follow_up"
    __table_args__ = (
        Index(
            "uq_follow_up_open",
            *("conversation_id", "kind", "subject"),
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_follow_up_due",
            "next_look_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_follow_up_subject", "store", "subject"),
        Index("ix_follow_up_order", "store", "order_no"),
    )

    id: str = Field(primary_key=True)  # "F-…"
    store: str
    conversation_id: str = Field(foreign_key="conversation.id")
    kind: str  # domain.promises.PromiseKind
    subject: str  # an order's number, or an inquiry's id
    order_no: str = ""
    # Whose order it is, as proven when the promise was given: the look needs no second proof.
    customer_ref: str | None = None
    snapshot: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    urgent: bool = False
    promised_at: datetime = Field(sa_type=UtcDateTime)
    next_look_at: datetime = Field(sa_type=UtcDateTime)
    deadline: datetime = Field(sa_type=UtcDateTime)
    claimed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # a job looks until then
    tries: int = 0  # looks that found nothing
    state: str = FollowUpState.OPEN
    turn_id: str | None = None  # the turn that promised
    closed_by: str = ""  # "turn", "follow_up", or the colleague's name
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RatingRow(DeskTable, table=True):
    """The closing question of a conversation, and its answer."""

    __tablename__ = "csat"
    __table_args__ = (Index("ix_csat_store", "store", "answered_at"),)

    conversation_id: str = Field(primary_key=True, foreign_key="conversation.id")
    store: str
    message_id: str  # the question
    asked_at: datetime = Field(sa_type=UtcDateTime)
    score: int | None = None  # 1 to 5
    comment: str = Field(default="", sa_column=Column(Text, nullable=False))
    turn_id: str | None = None  # the turn that heard the answer
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


FOLLOW_UP = cast(Table, FollowUpRow.__table__)  # type: ignore[attr-defined]  # SQLModel hides its table
CSAT = cast(Table, RatingRow.__table__)  # type: ignore[attr-defined]  # as above
