"""What a server is given when it is built, and the knowledge base as the servers see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from xiaoer.domain.clock import Clock
from xiaoer.domain.identity import Scope
from xiaoer.domain.permits import VerifyKeys
from xiaoer.domain.stores import Store
from xiaoer.mcp_servers.codes import Senders
from xiaoer.mcp_servers.platforms.protocol import Platform
from xiaoer.mcp_servers.state import ServerState


class Hit(Protocol):
    """One knowledge entry as a search or a look-up gives it."""

    @property
    def entry_id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def text(self) -> str: ...
    @property
    def source(self) -> str: ...


class Knowledge(Protocol):
    """Synchronous and safe to call from several threads; the store is always passed in."""

    def search(self, store_id: str, query: str, lang: str | None, limit: int) -> Sequence[Hit]:
        """The entries nearest to the query, best first; only this store's."""
        ...

    def get(self, store_id: str, entry_id: str) -> Hit | None:
        """One entry, or None when it is missing or another store's."""
        ...

    def report_gap(self, store_id: str, question: str, conversation_id: str, key: str) -> str:
        """Keep a question that no entry answered; the gap's id. The same key gives the same gap."""
        ...


class NoKnowledge:
    """Stands in where a server runs without a knowledge base: finds nothing, keeps nothing."""

    def search(self, store_id: str, query: str, lang: str | None, limit: int) -> Sequence[Hit]:
        return ()

    def get(self, store_id: str, entry_id: str) -> Hit | None:
        return None

    def report_gap(self, store_id: str, question: str, conversation_id: str, key: str) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class ServerDeps:
    platform: Platform
    state: ServerState
    stores: Mapping[str, Store]
    keys: VerifyKeys  # public halves: "context" and "grant"
    clock: Clock
    knowledge: Knowledge
    senders: Senders = field(default_factory=dict)  # of codes; none: L3 is refused and a person offered
    # A turn makes several calls under one context: its signature is checked once a process, its expiry
    # always. Token → its scope and until when it holds.
    contexts: dict[str, tuple[Scope, float]] = field(default_factory=dict, init=False)
