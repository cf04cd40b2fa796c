"""What each server published at start, pinned by hash: a tool that changes later is not called."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import structlog
from mcp.shared.exceptions import MCPError
from mcp_types import Tool
from pydantic import ValidationError

from xiaoer.domain.canonical import digest
from xiaoer.tools.catalog import CATALOG
from xiaoer.tools.failures import ToolTrouble
from xiaoer.tools.links import Link
from xiaoer.tools.schema import Check, compile_schema

log = structlog.get_logger()

# How long a listing is believed before the next call looks again.
RECHECK_SECONDS = 30.0
# What a listing may raise when the server is away or talks nonsense.
LISTING_TROUBLE = (httpx2.HTTPError, MCPError, OSError, ToolTrouble, ValidationError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One tool as it was published; `hash` covers everything that a model or a check relies on."""

    server: str
    name: str
    description: str
    input_schema: Mapping[str, Any]
    hash: str
    fits: Check | None  # None: the tool promises no structured result


class Manifests:
    """The pinned tools of all servers, and those that have changed since."""

    def __init__(
        self,
        links: Mapping[str, Link],
        pins: Mapping[str, str] | None = None,
        recheck_seconds: float = RECHECK_SECONDS,
    ) -> None:
        self.pinned: dict[tuple[str, str], Manifest] = {}
        self.quarantined: set[tuple[str, str]] = set()
        self._links = links
        self._pins = pins
        self._recheck = recheck_seconds
        self._seen_at: dict[str, float] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def hash(self) -> str:
        """One hash over every pinned tool, for traces and tapes."""
        return digest(sorted(f"{server}.{name} {m.hash}" for (server, name), m in self.pinned.items()))

    async def read_all(self) -> None:
        """Read every server's tools; one that is away is read before its first call instead."""

        async def read(server: str) -> None:
            try:
                await self._read(server)
            except LISTING_TROUBLE as error:
                log.warning("tool server is not reachable yet", server=server, error=type(error).__name__)

        await asyncio.gather(*(read(server) for server in self._links))

    async def pinned_tool(self, server: str, tool: str) -> Manifest:
        """The manifest under which this tool may be called; raises ToolTrouble when it may not."""
        if server not in self._links:
            raise ToolTrouble("down")
        await self._look_again(server)
        if (server, tool) in self.quarantined:
            raise ToolTrouble("quarantined")
        manifest = self.pinned.get((server, tool))
        if manifest is None:
            raise ToolTrouble("unknown_tool")
        return manifest

    async def _look_again(self, server: str) -> None:
        if self._fresh(server):
            return
        async with self._locks[server]:
            if self._fresh(server):
                return
            try:
                await self._read(server)
            except LISTING_TROUBLE as error:
                if server not in self._seen_at:
                    raise ToolTrouble("down") from error
                # It was here before: the call itself will tell whether it is still there.
                log.warning("tool server could not be listed again", server=server)

    def _fresh(self, server: str) -> bool:
        seen = self._seen_at.get(server)
        return seen is not None and time.monotonic() - seen < self._recheck

    async def _read(self, server: str) -> None:
        first = server not in self._seen_at
        tools = await self._links[server].list_tools()
        self._compare(server, tools, first)
        self._seen_at[server] = time.monotonic()

    def _compare(self, server: str, tools: Sequence[Tool], first: bool) -> None:
        for tool in tools:
            if (server, tool.name) not in CATALOG:
                log.warning("a tool that the catalog does not know", server=server, tool=tool.name[:80])
                continue
            self._judge(server, tool, first)
        gone = {name for of, name in self.pinned if of == server} - {tool.name for tool in tools}
        for name in gone:
            self._quarantine(server, name, "vanished")

    def _judge(self, server: str, tool: Tool, first: bool) -> None:
        key = (server, tool.name)
        fingerprint = fingerprint_of(tool)
        known = self.pinned.get(key)
        if known is None and first:
            self.pinned[key] = _manifest(server, tool, fingerprint)
            known = self.pinned[key]
        expected = self._pins.get(f"{server}.{tool.name}", "") if self._pins else fingerprint
        if known is None:
            self._quarantine(server, tool.name, "appeared later")
        elif known.hash != fingerprint:
            self._quarantine(server, tool.name, "changed")
        elif expected != fingerprint:
            self._quarantine(server, tool.name, "not the pinned one")

    def _quarantine(self, server: str, tool: str, why: str) -> None:
        if (server, tool) not in self.quarantined:
            log.error("tool quarantined", server=server, tool=tool, why=why)
        self.quarantined.add((server, tool))


def fingerprint_of(tool: Tool) -> str:
    return digest([tool.name, tool.description or "", tool.input_schema, tool.output_schema])


def _manifest(server: str, tool: Tool, fingerprint: str) -> Manifest:
    return Manifest(
        server=server,
        name=tool.name,
        description=tool.description or "",
        input_schema=tool.input_schema,
        hash=fingerprint,
        fits=compile_schema(tool.output_schema) if tool.output_schema else None,
    )
