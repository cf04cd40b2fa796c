"""Why the work on one need stops before its answer; each carries what is to be done next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Stop(Exception):
    """Base of all stops; never leaves the brain."""


@dataclass
class Wanting(Stop):
    """A tool must be called first; `proposing` calls end in the ledger, not at a server."""

    tool: str
    call: dict[str, Any]  # its arguments; `args` is every exception's own
    proposing: bool = False
    more: tuple[dict[str, Any], ...] = ()  # arguments of further calls of the same tool, side by side


@dataclass
class Broken(Stop):
    """A tool failed or answered garbage: nothing is known, and that is said."""

    tool: str
    code: str
    reply: str = "tool_down"


@dataclass
class Asking(Stop):
    """The customer must answer first. `kind` and `options` are remembered for reading the answer."""

    kind: str  # "proof" | "order" | "lines" | "reason" | "confirm"
    reply: str
    options: tuple[tuple[str, str], ...] = ()  # (id, text)
    values: dict[str, str] = field(default_factory=dict)


@dataclass
class Telling(Stop):
    """A common reply ends this need: the order does not exist, the account has none."""

    reply: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass
class Leaving(Stop):
    """A person takes over."""

    reason: str
    reply: str
    urgent: bool = False
