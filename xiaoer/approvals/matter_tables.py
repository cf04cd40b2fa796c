"""Tables of long matters: where each stands, which cases belong to it, what has happened to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index
from sqlmodel import Field

from xiaoer.storage.columns import Json, UtcDateTime
from xiaoer.storage.metadata import DeskTable


class MatterRow(DeskTable, table=True):
    """One wish of a customer, from the first request to its end: see case_steps.KINDS."""

    __tablename__ = "case_matter"
    __table_args__ = (
        Index("ix_case_matter_conversation", "conversation_id", "created_at"),
        Index("ix_case_matter_order", "store", "order_no"),
        Index("ix_case_matter_due", "next_look_at"),
    )

    id: str = Field(primary_key=True)
    kind: str
    stage: str
    store: str
    conversation_id: str
    order_no: str
    language: str
    intent: str
    customer_ref: str | None = None
    action_id: str  # the action that brought it where it is
    subject: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    looks: int = 0  # at the shop in this stage, so far without an event
    next_look_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class MatterCase(DeskTable, table=True):
    """A case that belongs to a matter; `main` is false for what happens beside its stages."""

    __tablename__ = "case_matter_case"

    case_id: str = Field(primary_key=True)
    matter_id: str = Field(index=True)
    main: bool = True


class MatterEvent(DeskTable, table=True):
    """What has happened to a matter; an event happens to it once, by its key."""

    __tablename__ = "case_matter_event"

    matter_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    name: str
    stage: str  # to which it led
    action_id: str | None = None
    at: datetime = Field(sa_type=UtcDateTime)
