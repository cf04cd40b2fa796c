"""The table of servers: name → builder."""

from __future__ import annotations

from collections.abc import Callable

from mcp.server.mcpserver import MCPServer

from xiaoer.mcp_servers import knowledge, logistics, orders, refunds, returns, suppliers
from xiaoer.mcp_servers.deps import ServerDeps

SERVERS: dict[str, Callable[[ServerDeps], MCPServer]] = {
    "orders": orders.build_server,
    "logistics": logistics.build_server,
    "returns": returns.build_server,
    "refunds": refunds.build_server,
    "knowledge": knowledge.build_server,
    "suppliers": suppliers.build_server,
}


def build_servers(deps: ServerDeps) -> dict[str, MCPServer]:
    """All servers over the same backends, for one process."""
    return {name: build(deps) for name, build in SERVERS.items()}
