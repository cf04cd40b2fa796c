"""Who may ask what: turn contexts, levels and grants, checked the same way by every server.

A read is allowed by a signed turn context (`META_CONTEXT`) or, for the executor's own look-ups, by
a grant that names the read. An irreversible tool is allowed by a grant alone, whoever calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xiaoer.domain.canonical import canonical_json, digest
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.orders import order_key
from xiaoer.domain.permits import (
    META_CONTEXT,
    META_GRANT,
    META_KEY,
    Grant,
    PermitRefused,
    verify_context_until,
    verify_grant,
)
from xiaoer.domain.stores import Store
from xiaoer.mcp_servers.deps import ServerDeps

Meta = Mapping[str, Any]  # MCP `_meta` of one call

_REMEMBERED_CONTEXTS = 512


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose eyes a read has: a customer's, or (with a grant) the executor's on one order."""

    store: Store
    conversation_id: str
    customer_ref: str | None  # None only for the executor
    level: Level | None  # None for the executor: nobody's proof
    order_no: str | None = None  # of the executor's grant: the one order that it may read


@dataclass(slots=True)
class Guard:
    """The checks of one server; `server` is the audience that a grant must name."""

    deps: ServerDeps
    server: str

    def scope_of(self, meta: Meta) -> Scope:
        """The verified turn context; raises PermitRefused with a `context_…` code."""
        token = meta.get(META_CONTEXT)
        now = self.deps.clock()
        known = self.deps.contexts.get(token) if isinstance(token, str) else None
        if known and now.timestamp() < known[1]:
            return known[0]
        scope, until = verify_context_until(token, self.deps.keys, now)
        self._store(scope.store, "context")
        self._remember(str(token), scope, until)
        return scope

    def visitor(self, meta: Meta) -> tuple[Scope, Store]:
        """Anyone with a valid context: public facts of one store."""
        scope = self.scope_of(meta)
        return scope, self.deps.stores[scope.store]

    def customer(self, meta: Meta, order_no: str | None = None) -> Reader:
        """A customer who has proven who he is; raises PermitRefused `context_unproven`.

        `order_no`: the one order that the tool reads. A context that is limited to one order is refused
        (`context_limited`) by every tool that names none or another.
        """
        scope, store = self.visitor(meta)
        if scope.only_order is not None and order_key(order_no or "") != order_key(scope.only_order):
            raise PermitRefused("context_limited", "This context may read one order, and not this.")
        customer_ref = self._customer_of(scope)
        if customer_ref is None:
            raise PermitRefused(
                "context_unproven",
                "The customer has not proven yet that an order is theirs. Ask for the order number and the"
                " last four digits of the phone, the e-mail, or the name with the postcode; then call"
                " verify_customer.",
            )
        return Reader(store, scope.conversation_id, customer_ref, scope.level)

    def reader(self, meta: Meta, tool: str, args: Mapping[str, Any]) -> Reader:
        """The executor when a grant for this very read came along, else a proven customer."""
        if META_GRANT not in meta:
            return self.customer(meta)
        grant = self.look_up(meta, tool, args)
        return Reader(self.deps.stores[grant.store], "", None, None, grant.order_no)

    def look_up(self, meta: Meta, tool: str, args: Mapping[str, Any]) -> Grant:
        """A grant for one of the executor's own reads; it is not spent."""
        grant = verify_grant(meta.get(META_GRANT), self.deps.keys, self.server, self.deps.clock())
        self._match(grant, tool, args)
        return grant

    def require_grant(self, meta: Meta, tool: str, args: Mapping[str, Any]) -> Grant:
        """A grant that fits this call exactly, now spent; raises PermitRefused with a `grant_…` code."""
        grant = self.look_up(meta, tool, args)
        if not self.deps.state.spend_grant(grant, self.server, self.deps.clock()):
            raise PermitRefused("grant_spent", "This grant has been used already.")
        return grant

    def write_key(self, meta: Meta, scope: Reader, tool: str, args: Mapping[str, Any]) -> str:
        """Under which key a reversible write happens once: the caller's, kept apart by conversation."""
        given = meta.get(META_KEY)
        parts = [scope.store.id, scope.conversation_id, tool, given if isinstance(given, str) else dict(args)]
        return digest(parts)

    def _customer_of(self, scope: Scope) -> str | None:
        if scope.level is Level.ANONYMOUS:
            return None
        if scope.customer_ref or scope.external_id is None:
            return scope.customer_ref
        return self.deps.platform.customer_by_external_id(scope.store, scope.external_id)

    def _match(self, grant: Grant, tool: str, args: Mapping[str, Any]) -> None:
        self._store(grant.store, "grant")
        if grant.tool != tool:
            raise PermitRefused("grant_tool", "This grant is for another tool.")
        if canonical_json(grant.args) != canonical_json(dict(args)):
            raise PermitRefused("grant_args", "This grant is for other arguments.")
        if "order_no" in args and order_key(grant.order_no) != order_key(args["order_no"]):
            raise PermitRefused("grant_order", "This grant is for another order.")

    def _store(self, store_id: str, kind: str) -> None:
        if store_id not in self.deps.stores:
            raise PermitRefused(f"{kind}_store", f"The {kind} names a store that this server does not serve.")

    def _remember(self, token: str, scope: Scope, until: float) -> None:
        if len(self.deps.contexts) >= _REMEMBERED_CONTEXTS:
            self.deps.contexts.clear()
        self.deps.contexts[token] = (scope, until)
