"""What is asked of an order, and what it would be worth: the words between quotes, plans and tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xiaoer.domain.changes import Change
from xiaoer.domain.identity import Level
from xiaoer.domain.money import Money

# Where labels and coupons go; money goes to the payment method of the record.
TO_CONTACT = "contact on file"
TO_ACCOUNT = "customer account"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for one order; `lines` empty where the tool takes none."""

    tool: str
    lines: tuple[tuple[str, int], ...] = ()
    reason: str = "other"
    level: Level | None = None
    args: Mapping[str, Any] = field(default_factory=dict)  # of the tools of domain.changes


@dataclass(frozen=True, slots=True)
class Worth:
    """The lines a wish is about, what it moves, what is at stake, where it goes, and what it alters."""

    lines: tuple[tuple[str, int], ...]
    amount: Money | None
    stake: Money
    destination: str
    facts: Mapping[str, Any] = field(default_factory=dict)  # beside those of every quote
    changes: tuple[Change, ...] = ()
