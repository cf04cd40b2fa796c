"""Tables of the ledger: actions, their history, cases, permits that were issued."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Text
from sqlmodel import Field

from xiaoer.approvals.guards import APPEND_ONLY, guard_append_only
from xiaoer.storage.columns import Json, UtcDateTime
from xiaoer.storage.metadata import DeskTable, desk_metadata


def _json() -> Any:
    return Field(sa_column=Column(Json, nullable=False))


def _text() -> Any:
    return Field(default="", sa_column=Column(Text, nullable=False, default=""))


def _moment() -> Any:
    return Field(sa_type=UtcDateTime)


def _later() -> Any:
    return Field(default=None, sa_type=UtcDateTime, nullable=True)


class ActionRow(DeskTable, table=True):
    """One proposed irreversible effect. The terms never change; status and outcome do, by the ledger alone."""

    __tablename__ = "action"
    __table_args__ = (
        Index("ix_action_status_created", "status", "created_at", "id"),
        Index("ix_action_conversation", "conversation_id", "created_at"),
    )

    id: str = Field(primary_key=True)
    case_id: str | None = Field(default=None, index=True)
    status: str

    # The terms: exactly what will run.
    tool: str
    store: str
    conversation_id: str
    order_no: str
    args: dict[str, Any] = _json()
    amount_minor: int | None = None
    currency: str | None = None
    destination: str
    order_version: int
    policy_version: str
    expires_at: datetime = _moment()
    nonce: str
    digest: str

    # What it was proposed on.
    quote: dict[str, Any] = _json()
    evidence: list[dict[str, Any]] = _json()
    intent: str
    customer_words: str = _text()
    language: str
    customer_ref: str | None = Field(default=None, index=True)  # whose proof stood behind it

    # Who decided.
    decided_by: str | None = None  # a person's name, or "rule:<clause>"
    decided_by_id: str | None = None
    decided_role: str | None = None
    decided_at: datetime | None = _later()
    reject_note: str = _text()
    supersedes: str | None = None
    superseded_by: str | None = None

    # How it went.
    receipt: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    attempts: int = 0  # calls that were begun; also the fence of the one that runs
    look_ups: int = 0  # read-backs in a row that gave no answer
    last_code: str = ""  # the last thing that went wrong, as a fixed word
    last_error: str = _text()
    lease_until: datetime | None = _later()  # who executes is believed alive until then
    next_try_at: datetime | None = _later()
    told: str = ""  # the outcome that the customer has last been told
    head_hash: str = ""  # of the newest history entry

    created_at: datetime = _moment()
    updated_at: datetime = _moment()


class ActionEvent(DeskTable, table=True):
    """One entry of an action's history; never changed, never deleted, chained by hash."""

    __tablename__ = "action_event"

    action_id: str = Field(primary_key=True, foreign_key="action.id")
    seq: int = Field(primary_key=True)
    kind: str  # "step" moves the action, "attempt" was refused, "note" only tells
    from_status: str | None = None
    to_status: str
    actor: str
    note: str = _text()
    digest: str  # of the terms as they were then
    at: datetime = _moment()
    prev_hash: str
    hash: str


class ActionHold(DeskTable, table=True):
    """Lines that an open action speaks for; the key lets no second one in."""

    __tablename__ = "action_hold"

    store: str = Field(primary_key=True)
    order_no: str = Field(primary_key=True)
    tool: str = Field(primary_key=True)
    line_id: str = Field(primary_key=True)  # "*" where the tool takes the whole order
    action_id: str = Field(index=True)


class ActionConsent(DeskTable, table=True):
    """One of the two people who must agree to a large amount; a row a person."""

    __tablename__ = "action_consent"

    action_id: str = Field(primary_key=True, foreign_key="action.id")
    staff_id: str = Field(primary_key=True, index=True)
    name: str
    digest: str  # of the terms that the person was shown
    at: datetime = _moment()


class ActionClosing(DeskTable, table=True):
    """One person's word on what became of an action that nobody can look up; a row a person."""

    __tablename__ = "action_closing"

    action_id: str = Field(primary_key=True, foreign_key="action.id")
    staff_id: str = Field(primary_key=True)
    name: str
    outcome: str  # "succeeded" | "failed"
    reference: str = ""
    note: str = _text()
    attempts: int  # the attempt that was looked for
    at: datetime = _moment()


class ActionWatch(DeskTable, table=True):
    """A second conversation that asked for the same while this action was open: it hears the outcome too."""

    __tablename__ = "action_watch"

    action_id: str = Field(primary_key=True)
    conversation_id: str = Field(primary_key=True, index=True)


class CaseRow(DeskTable, table=True):
    """One after-sales matter of one order; its thread in the case graph has the same id."""

    __tablename__ = "action_case"

    id: str = Field(primary_key=True)
    kind: str
    action_id: str  # the action that the case is about now
    conversation_id: str = Field(index=True)
    order_no: str
    store: str
    state: str = "open"  # "open" | "closed"
    created_at: datetime = _moment()
    updated_at: datetime = _moment()


class IssuedGrant(DeskTable, table=True):
    """A permit that was signed; written before it is used."""

    __tablename__ = "issued_grant"

    jti: str = Field(primary_key=True)
    action_id: str = Field(index=True, foreign_key="action.id")
    digest: str
    tool: str
    audience: str
    executes: bool  # False for look-ups
    issued_at: datetime = _moment()
    expires_at: datetime = _moment()


class LedgerTime(DeskTable, table=True):
    """The latest time the ledger has seen, so that a clock set back revives nothing."""

    __tablename__ = "ledger_time"

    id: int = Field(primary_key=True, default=1, sa_column_kwargs={"autoincrement": False})
    latest: datetime = _moment()


for _name in APPEND_ONLY:
    guard_append_only(desk_metadata.tables[_name])
