"""A fresh quote for an action, asked with a grant that names the quoting read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Engine

from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.parsing import Garbage, parse_quote
from xiaoer.domain.actions import Quote, Terms
from xiaoer.domain.clock import Clock
from xiaoer.domain.permits import META_GRANT
from xiaoer.storage.engine import transaction
from xiaoer.tools.calls import ToolResult
from xiaoer.tools.catalog import BRAIN_TOOLS, CATALOG, QUOTES

# Answers that the record itself gives; anything else says nothing about the order.
CHANGED = frozenset({"order_changed", "policy_changed", "amount_changed"})
REFUSALS = CHANGED | {"not_found", "refused", "over_limit", "invalid"}


class ExecuteTool(Protocol):
    """tools.client.ToolBox.execute: one call on one server, with what travels in `_meta`."""

    async def __call__(
        self, server: str, tool: str, args: dict[str, Any], meta: dict[str, Any], seconds: float
    ) -> ToolResult: ...


@dataclass(frozen=True, slots=True)
class NoQuote:
    """Why there is no quote. `definite`: the record refuses; else the server could not answer."""

    code: str
    error: str
    definite: bool


@dataclass(frozen=True, slots=True)
class LookUps:
    """The executor's own reads: each with a fresh grant that is written down first."""

    engine: Engine
    execute: ExecuteTool
    signer: GrantSigner
    clock: Clock

    async def quote(self, terms: Terms, args: dict[str, Any] | None = None) -> Quote | NoQuote:
        """What the tool would do now, with these arguments instead of the terms' if given."""
        server, tool = QUOTES[terms.tool]
        result = await self._read(terms, server, tool, dict(args or terms.args))
        if not result.ok:
            return NoQuote(result.code, result.error, result.code in REFUSALS)
        try:
            quote = parse_quote(result.data)
        except Garbage as error:
            return NoQuote("garbage", str(error), definite=False)
        if (quote.tool, quote.order_no) != (terms.tool, terms.order_no):
            return NoQuote("garbage", "the quote is for something else", definite=False)
        return quote

    async def effect(self, terms: Terms) -> ToolResult:
        """Ask the tool's server what it did under this action's id."""
        server = BRAIN_TOOLS[terms.tool].server
        return await self._read(terms, server, "get_effect", {"action_id": terms.action_id})

    async def look(self, terms: Terms, server: str, tool: str, args: dict[str, Any]) -> ToolResult:
        """One read of the shop for a matter, by a grant that names it; `terms` are its last action's."""
        return await self._read(terms, server, tool, args)

    async def _read(self, terms: Terms, server: str, tool: str, args: dict[str, Any]) -> ToolResult:
        token = await asyncio.to_thread(self._grant, terms, server, tool, args)
        return await self.execute(server, tool, args, {META_GRANT: token}, CATALOG[(server, tool)].seconds)

    def _grant(self, terms: Terms, server: str, tool: str, args: dict[str, Any]) -> str:
        with transaction(self.engine) as session:
            return self.signer.issue(session, terms, server, tool, args, self.clock())
