"""How a server is reached: inside this process, or by URL. Both drive the SDK's own session.

In this process one client lives as long as the tool box. By URL every call is one POST of protocol
2026-07-28 over a shared pool: nothing stays open between calls, so a server that dies takes only
the calls that were on their way with it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import anyio
import httpx2
from mcp.client.session import ClientSession
from mcp.shared.dispatcher import CallOptions, OnNotify, OnNotifyIntercept, OnRequest
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    DiscoverResult,
    Implementation,
    PaginatedRequestParams,
    ServerCapabilities,
    Tool,
)

from xiaoer.tools.failures import ToolTrouble

PROTOCOL = "2026-07-28"
CLIENT = Implementation(name="xiaoer", version="1")
# A result of 200 kB travels twice (as text and structured); more than this is not read at all.
_BODY_LIMIT = 1_000_000
_PAGES = 20
_PATIENCE = {"timeout": httpx2.Timeout(15.0, connect=2.0).as_dict()}


class Link(Protocol):
    """One server, reachable or not; raises whatever its transport raises."""

    async def call(self, tool: str, args: Mapping[str, Any], meta: Mapping[str, Any]) -> CallToolResult: ...
    async def list_tools(self) -> Sequence[Tool]: ...


class SessionLink:
    """A link over one session of the SDK, whoever keeps it open."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def call(self, tool: str, args: Mapping[str, Any], meta: Mapping[str, Any]) -> CallToolResult:
        # Not `session.call_tool`: it checks results by itself, fifty times slower than we do.
        params = CallToolRequestParams(name=tool, arguments=dict(args), _meta=dict(meta))  # type: ignore[arg-type]  # _meta is an open map
        return await self.session.send_request(CallToolRequest(params=params), CallToolResult)

    async def list_tools(self) -> Sequence[Tool]:
        tools: list[Tool] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await self.session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return tools
        raise ToolTrouble("garbage")


def url_link(url: str, pool: httpx2.AsyncHTTPTransport) -> SessionLink:
    """A link to a server that speaks the pinned protocol; costs no request until it is used."""
    session = ClientSession(dispatcher=PostDispatcher(url, pool), client_info=CLIENT)
    session.adopt(
        DiscoverResult(
            supported_versions=[PROTOCOL],
            capabilities=ServerCapabilities(),
            result_type="complete",
            ttl_ms=0,
            cache_scope="public",
        )
    )
    return SessionLink(session)


def make_pool() -> httpx2.AsyncHTTPTransport:
    """One pool for all servers; idle connections are dropped before a server would drop them.

    The transport alone: a client around it follows redirects, keeps cookies and merges addresses, none
    of which is wanted here, for a quarter more processor time a call.
    """
    limits = httpx2.Limits(max_connections=40, max_keepalive_connections=40, keepalive_expiry=30)
    return httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)


class PostDispatcher:
    """The SDK's dispatcher protocol with one POST a request and no receive loop."""

    def __init__(self, url: str, pool: httpx2.AsyncHTTPTransport) -> None:
        self.url = httpx2.URL(url)
        self.pool = pool
        self._ids = itertools.count(1)

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        """The result of one JSON-RPC request; raises MCPError for an error answer, ToolTrouble for noise."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        headers = {
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            **((opts or {}).get("headers") or {}),
        }
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        request = httpx2.Request("POST", self.url, headers=headers, content=raw, extensions=_PATIENCE)
        response = await self.pool.handle_async_request(request)
        async with aclosing(response):
            return _result(await _read(response))

    async def notify(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> None:
        """The protocol has no messages from client to server besides requests."""

    async def run(
        self,
        on_request: OnRequest,
        on_notify: OnNotify,
        on_notify_intercept: OnNotifyIntercept | None = None,
        *,
        task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        task_status.started()
        await anyio.sleep_forever()


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise ToolTrouble("garbage")
    return bytes(body)


def _result(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ToolTrouble("garbage") from error
    if not isinstance(answer, dict):
        raise ToolTrouble("garbage")
    fault = answer.get("error")
    if isinstance(fault, dict):
        raise MCPError(code=_number(fault.get("code")), message=str(fault.get("message"))[:500])
    result = answer.get("result")
    if not isinstance(result, dict):
        raise ToolTrouble("garbage")
    return result


def _number(code: object) -> int:
    return code if isinstance(code, int) else 0
