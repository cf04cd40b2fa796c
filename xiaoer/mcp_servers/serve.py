"""One server alone: by stdio for any MCP client, or by streamable HTTP behind a Host and Origin check."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import structlog
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.registry import SERVERS

PATH = "/mcp"
# More than the largest arguments (16 kB) with a context and a grant beside them.
_BODY_LIMIT = 64 * 1024
# Longer than clients keep idle connections, so that none is cut while a request is on its way.
_KEEP_ALIVE_SECONDS = 75
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def http_app(server: MCPServer, allowed_hosts: Sequence[str] = ()) -> Starlette:
    """The server as an ASGI app at `/mcp`: stateless, JSON answers.

    Besides loopback only these `allowed_hosts` (`name` or `name:port`) are answered, and no request
    that a browser sends for another page (it carries an Origin) is.
    """
    hosts = [name for host in (*_LOOPBACK, *allowed_hosts) for name in (host, f"{host}:*")]
    return server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=_BODY_LIMIT,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=[]
        ),
    )


def run_stdio(server: MCPServer) -> None:
    """Serve one client by stdin and stdout until it hangs up."""
    _log_to_stderr()
    server.run("stdio")


def run_http(server: MCPServer, host: str, port: int, allowed_hosts: Sequence[str] = ()) -> None:
    """Serve by streamable HTTP until interrupted; prints nothing to stdout."""
    app = http_app(server, [*allowed_hosts, *([] if _everywhere(host) else [host])])
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        lifespan="on",
    )


def serve_standalone(
    name: str, deps: ServerDeps, http: str | None = None, allowed_hosts: Sequence[str] = ()
) -> None:
    """Run the server of this name: by stdio, or by HTTP at `HOST:PORT`. Raises KeyError, ValueError."""
    server = SERVERS[name](deps)
    if http is None:
        run_stdio(server)
        return
    host, _, port = http.rpartition(":")
    run_http(server, host.strip("[]") or "127.0.0.1", int(port), allowed_hosts)


def _everywhere(host: str) -> bool:
    return host in ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound


def _log_to_stderr() -> None:
    """On stdio every stray line on stdout would be taken for a message."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, force=True)
