"""What travels between a customer and the desk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Author(StrEnum):
    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    AGENT = "agent"
    SYSTEM = "system"
    EVENT = "event"  # a receipt or notice that entered the history; the customer saw its text


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One parsed platform event. `raw` is kept beside the normalised form."""

    store: str
    channel: str
    thread: str  # the conversation as the channel names it
    event_id: str  # the channel's own id; stored once
    text: str
    sent_at: datetime | None = None
    kind: str = "text"  # unknown kinds are kept as "unknown", never refused
    external_id: str | None = None  # proven by the channel (L1), else None
    sender_name: str = ""
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryItem:
    message_id: str
    author: Author
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to the customer. Cards carry facts that a page draws; the text stands alone."""

    text: str
    cards: tuple[dict[str, Any], ...] = ()
    citations: tuple[dict[str, str], ...] = ()  # [{"id","title"}]: clauses and knowledge entries


@dataclass(frozen=True, slots=True)
class HandOff:
    """A conversation given to a person."""

    reason: str  # a fixed word: asked, missed, angry, risk, tool_down, policy_gap, locked, guard, unsupported, fault
    summary: str  # for the colleague
    say: str  # what the customer is told, at once
    urgent: bool = False
    tags: tuple[str, ...] = ()  # what it is about at a glance: "chargeback", "illness"
