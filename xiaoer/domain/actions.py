"""An action: one proposed irreversible effect, its terms, its states."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from xiaoer.domain.canonical import digest
from xiaoer.domain.changes import Change
from xiaoer.domain.clock import iso
from xiaoer.domain.money import Money


class ActionStatus(StrEnum):
    PROPOSED = "proposed"
    PENDING = "pending"
    APPROVED = "approved"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


_S = ActionStatus
TRANSITIONS: dict[ActionStatus, frozenset[ActionStatus]] = {
    _S.PROPOSED: frozenset({_S.PENDING, _S.APPROVED, _S.REJECTED}),
    _S.PENDING: frozenset({_S.APPROVED, _S.REJECTED, _S.EXPIRED, _S.SUPERSEDED, _S.CANCELLED}),
    # Approved but refused at execution (order changed, paused too long): superseded or failed, never run.
    _S.APPROVED: frozenset({_S.EXECUTING, _S.FAILED, _S.EXPIRED, _S.SUPERSEDED, _S.CANCELLED}),
    _S.EXECUTING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.UNKNOWN}),
    # Only a read-back leaves `unknown`; back to approved when it proves that nothing happened.
    _S.UNKNOWN: frozenset({_S.SUCCEEDED, _S.FAILED, _S.APPROVED}),
    _S.SUCCEEDED: frozenset(),
    _S.FAILED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.SUPERSEDED: frozenset(),
    _S.CANCELLED: frozenset(),
}
OPEN = frozenset({_S.PROPOSED, _S.PENDING, _S.APPROVED, _S.EXECUTING, _S.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Terms:
    """Exactly what will run. The approval binds the digest over these."""

    action_id: str
    tool: str
    store: str
    conversation_id: str
    order_no: str
    args: dict[str, Any]  # the tool's arguments, byte for byte: order_no, lines, reason
    amount: Money | None
    destination: str  # where the money or label goes, as the record says it
    order_version: int
    policy_version: str
    expires_at: datetime
    nonce: str

    def digest(self) -> str:
        return digest(
            {
                "action_id": self.action_id,
                "tool": self.tool,
                "store": self.store,
                "conversation_id": self.conversation_id,
                "order_no": self.order_no,
                "args": self.args,
                "amount_minor": self.amount.amount_minor if self.amount else None,
                "currency": self.amount.currency if self.amount else None,
                "destination": self.destination,
                "order_version": self.order_version,
                "policy_version": self.policy_version,
                "expires_at": iso(self.expires_at),
                "nonce": self.nonce,
            }
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """What a server computed from the record for one irreversible tool, before anything is asked."""

    tool: str
    order_no: str
    lines: tuple[QuoteLine, ...]
    amount: Money | None
    destination: str
    facts: dict[str, Any]  # what the policy looked at
    decision: str  # "allow" | "needs_approval" | "deny"
    clause_id: str
    clause_text: dict[str, str]  # by language
    missing: tuple[str, ...]  # facts the record lacks
    order_version: int
    policy_version: str
    changes: tuple[Change, ...] = ()  # old → new, for the person who decides


@dataclass(frozen=True, slots=True)
class QuoteLine:
    line_id: str
    title: str
    quantity: int
    amount: Money


@dataclass(frozen=True, slots=True)
class ActionDraft:
    """What a turn wants to enter into the ledger, in the turn's own transaction."""

    terms: Terms
    quote: Quote
    intent: str
    customer_words: str  # unverified, shown below the facts
    language: str  # in which the customer hears the outcome
    evidence: tuple[dict[str, Any], ...] = field(default=())
    supersedes: str | None = None  # an open action of this conversation that this one replaces
    customer_ref: str | None = None  # whose proof stands behind it


@dataclass(frozen=True, slots=True)
class ActionView:
    """What a brain, a page or a template may know of an action."""

    action_id: str
    tool: str
    status: ActionStatus
    order_no: str
    args: dict[str, Any]
    amount: Money | None
    destination: str
    clause_id: str
    reason_note: str = ""  # a person's words on rejection
    receipt: dict[str, Any] | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the shop says it has done, under the action's id; read back before it is believed."""

    action_id: str
    tool: str
    store: str
    order_no: str
    reference: str  # refund id, return id, coupon code or order number
    amount: Money | None
    destination: str
    lines: tuple[tuple[str, int], ...]  # (line_id, quantity)
    details: dict[str, str]  # label_url, tracking_no, coupon_code, valid_until …
    at: datetime
