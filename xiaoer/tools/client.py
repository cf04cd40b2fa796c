"""The tool box: every server behind one `run`, which gives a result whatever happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, TextContent

from xiaoer.domain.clock import Clock
from xiaoer.domain.identity import Scope
from xiaoer.tools.calls import Handler, Interceptor, ToolCall, ToolRequest, ToolResult
from xiaoer.tools.catalog import BRAIN_TOOLS, CATALOG, QUOTES, ToolSpec
from xiaoer.tools.failures import SENTENCES, ToolTrouble, failed
from xiaoer.tools.interceptors import EXECUTOR_INTERCEPTORS, INTERCEPTORS, Kit, Maker
from xiaoer.tools.links import CLIENT, PROTOCOL, Link, SessionLink, make_pool, url_link
from xiaoer.tools.manifests import RECHECK_SECONDS, Manifest, Manifests
from xiaoer.tools.scope import ContextMint

# Tools by the name that a call gives: those of brains, and the quotes that a turn asks for by itself.
_BY_NAME: dict[str, ToolSpec] = BRAIN_TOOLS | {key[1]: CATALOG[key] for key in QUOTES.values()}
_NO_SCOPE = Scope(store="", conversation_id="")


class ToolBox:
    """Start it in the loop that uses it; close it when done. Servers by object or by URL."""

    def __init__(
        self,
        servers: Mapping[str, MCPServer | str],
        context_key: Ed25519PrivateKey,
        clock: Clock,
        interceptors: Sequence[Maker] = INTERCEPTORS,
        *,
        pins: Mapping[str, str] | None = None,
        recheck_seconds: float = RECHECK_SECONDS,
    ) -> None:
        self._servers = dict(servers)
        self._links: dict[str, Link] = {}
        self._manifests = Manifests(self._links, pins, recheck_seconds)
        kit = Kit(clock, ContextMint(context_key, clock), self._manifests)
        self._run = _wrap(self._send, interceptors, kit)
        self._execute = _wrap(self._send, EXECUTOR_INTERCEPTORS, kit)
        self._closing = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None

    @property
    def manifest_hash(self) -> str:
        return self._manifests.hash

    @property
    def quarantined(self) -> frozenset[tuple[str, str]]:
        """(server, tool) pairs that are not called because they are not what was pinned."""
        return frozenset(self._manifests.quarantined)

    async def start(self) -> None:
        """Open the links and pin what the servers publish; a server by URL may be away for now."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own(ready), name="tool-box")
        await ready
        await self._manifests.read_all()

    async def close(self) -> None:
        self._closing.set()
        if self._owner:
            await self._owner
            self._owner = None

    async def __aenter__(self) -> ToolBox:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, call: ToolCall, scope: Scope, turn_id: str) -> ToolResult:
        """One call of a turn: reads, quotes and reversible writes; never raises for trouble of a tool."""
        spec = _BY_NAME.get(call.name)
        if spec is None:
            return failed(ToolRequest("", call, scope, turn_id), "unknown_tool")
        return await self._run(ToolRequest(spec.server, call, scope, turn_id, spec.seconds))

    async def execute(
        self, server: str, tool: str, args: Mapping[str, Any], meta: Mapping[str, Any], seconds: float
    ) -> ToolResult:
        """The executor's own path: any catalogued tool with its `_meta` as given; never raises either."""
        call = ToolCall(f"x_{tool}", tool, dict(args))
        return await self._execute(ToolRequest(server, call, _NO_SCOPE, "", seconds, dict(meta)))

    def schemas(self) -> tuple[Manifest, ...]:
        """What a brain may call, as the servers published it: name, description, input schema."""
        found = (
            self._manifests.pinned.get((spec.server, spec.name))
            for spec in BRAIN_TOOLS.values()
            if (spec.server, spec.name) not in self._manifests.quarantined
        )
        return tuple(manifest for manifest in found if manifest is not None)

    async def _own(self, ready: asyncio.Future[None]) -> None:
        """Hold every client open: they must be entered and left in one and the same task."""
        async with AsyncExitStack() as stack:
            try:
                await self._open(stack)
            except BaseException as error:
                ready.set_exception(error)
                raise
            ready.set_result(None)
            await self._closing.wait()

    async def _open(self, stack: AsyncExitStack) -> None:
        pool = await stack.enter_async_context(make_pool())
        for name, server in self._servers.items():
            if isinstance(server, str):
                self._links[name] = url_link(server, pool)
            else:
                client = Client(server, mode=PROTOCOL, client_info=CLIENT, cache=None)
                await stack.enter_async_context(client)
                self._links[name] = SessionLink(client.session)

    async def _send(self, request: ToolRequest) -> ToolResult:
        link = self._links.get(request.server)
        if link is None:
            raise ToolTrouble("down")
        answer = await link.call(request.call.name, request.call.args, request.meta)
        if answer.is_error:
            code, message = _refusal(answer)
            return failed(request, code, message)
        data = answer.structured_content
        if not isinstance(data, dict):
            raise ToolTrouble("garbage")
        return ToolResult(request.call, request.server, True, data, scope=request.scope)


def _wrap(handler: Handler, makers: Sequence[Maker], kit: Kit) -> Handler:
    for maker in reversed(makers):
        handler = _around(maker(kit), handler)
    return handler


def _around(interceptor: Interceptor, handler: Handler) -> Handler:
    return lambda request: interceptor(request, handler)


def _refusal(answer: CallToolResult) -> tuple[str, str]:
    """The code and sentence of a server's refusal; what is not in our form is not repeated."""
    text = next((part.text for part in answer.content if isinstance(part, TextContent)), "")
    if text.startswith("Unknown tool"):
        return "unknown_tool", SENTENCES["unknown_tool"]
    try:
        said = json.loads(text[text.index("{") :])
    except (ValueError, RecursionError):
        return "down", "The tool failed."
    code, message = (said.get("code"), said.get("message")) if isinstance(said, dict) else (None, None)
    if not isinstance(code, str) or not isinstance(message, str):
        return "down", "The tool failed."
    return _CODES.get(code, code[:40]), message[:500]


# Words of servers that mean one of ours.
_CODES = {"failed": "down"}
