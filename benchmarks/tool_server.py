"""The tools that the peers use: one plain MCP server over the demo shop, without context, grants or guards.

`python benchmarks/tool_server.py PORT SHOP_DATABASE_URL` serves streamable HTTP, stateless, JSON answers.
"""

from __future__ import annotations

import sys

from mcp.server.mcpserver import MCPServer

from xiaoer.domain.clock import utc_now
from xiaoer.domain.orders import Order
from xiaoer.mcp_servers import render
from xiaoer.mcp_servers.platforms.local import LocalPlatform
from xiaoer.mcp_servers.shapes import OrderShape, TrackShape
from xiaoer.storage.engine import make_engine

STORE = "demo-us"


def build(platform: LocalPlatform) -> MCPServer:
    server = MCPServer("shop", log_level="WARNING")

    # `async`, so that the SDK does not send a read of 1 ms to a thread: the fastest form for the peers.
    @server.tool()
    async def get_order(order_no: str) -> OrderShape:
        """One order with its lines, amounts and payment."""
        return render.order(_order(platform, order_no))

    @server.tool()
    async def track_order(order_no: str) -> TrackShape:
        """Where every parcel of an order is."""
        return render.track(_order(platform, order_no), utc_now())

    return server


def _order(platform: LocalPlatform, order_no: str) -> Order:
    order = platform.get_order(STORE, None, order_no)
    if order is None:
        raise LookupError(order_no)
    return order


if __name__ == "__main__":
    build(LocalPlatform(make_engine(sys.argv[2]))).run(
        "streamable-http", port=int(sys.argv[1]), stateless_http=True, json_response=True
    )
