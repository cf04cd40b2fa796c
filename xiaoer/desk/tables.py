"""The desk's own tables: people, how they come in, what they did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index
from sqlmodel import Field

from xiaoer.approvals.guards import guard_append_only
from xiaoer.storage.columns import BigKey, Json, UtcDateTime
from xiaoer.storage.metadata import DeskTable, desk_metadata


class DeskUser(DeskTable, table=True):
    """One person who may sign in."""

    __tablename__ = "desk_user"

    id: str = Field(primary_key=True, max_length=32)  # "U-…"
    name: str = Field(unique=True, max_length=64)  # what he signs in with and what colleagues read
    password_hash: str = Field(max_length=255)  # argon2id; empty until he has chosen one
    roles: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    active: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)


class DeskSession(DeskTable, table=True):
    """One signed-in browser. The token itself is only in its cookie."""

    __tablename__ = "desk_session"

    token_hash: str = Field(primary_key=True, max_length=80)
    id: str = Field(unique=True, max_length=32)  # "S-…": what its owner ends it by
    user_id: str = Field(foreign_key="desk_user.id", index=True, max_length=32)
    csrf: str = Field(max_length=64)
    address: str = Field(default="", max_length=64)
    browser: str = Field(default="", max_length=200)
    created_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    proved_at: datetime = Field(sa_type=UtcDateTime)  # when the password was last given


class DeskLink(DeskTable, table=True):
    """A link by which one person chooses a password, once. The token itself is only in the link."""

    __tablename__ = "desk_link"

    token_hash: str = Field(primary_key=True, max_length=80)
    user_id: str = Field(foreign_key="desk_user.id", index=True, max_length=32)
    kind: str = Field(max_length=16)  # invite | reset
    made_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)


class DeskDevice(DeskTable, table=True):
    """A browser from which this person has signed in before; strangers' wrong tries do not lock it out."""

    __tablename__ = "desk_device"

    token_hash: str = Field(primary_key=True, max_length=80)
    user_id: str = Field(foreign_key="desk_user.id", index=True, max_length=32)
    seen_at: datetime = Field(sa_type=UtcDateTime)


class DeskAudit(DeskTable, table=True):
    """What a person did at the desk; rows are only ever added."""

    __tablename__ = "desk_audit"
    __table_args__ = (
        Index("ix_desk_audit_what", "what", "id"),
        Index("ix_desk_audit_target", "target", "id"),
        Index("ix_desk_audit_who", "who", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    at: datetime = Field(sa_type=UtcDateTime)
    who: str = Field(max_length=64)
    who_id: str = Field(max_length=32)
    what: str = Field(max_length=32)  # audit.WHATS
    store: str | None = Field(default=None, max_length=64)
    target: str = Field(
        default="", max_length=128
    )  # a conversation, an action, an inquiry, a button, a person
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))


# After a migration the joiner restores these tables' guards, as it does the ledger's.
APPEND_ONLY = ("desk_audit",)
for _name in APPEND_ONLY:
    guard_append_only(desk_metadata.tables[_name])
