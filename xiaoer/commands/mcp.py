"""`xiaoer mcp`: one tool server alone."""

from __future__ import annotations

import sys

from rich.console import Console

from xiaoer.approvals import keys as key_files
from xiaoer.house import lay_foundation, own_servers, seed_demo_stores
from xiaoer.mcp_servers.registry import SERVERS
from xiaoer.mcp_servers.serve import run_http, run_stdio
from xiaoer.settings import Settings


def run_mcp(settings: Settings, name: str, http: str) -> None:
    """Serve until the client hangs up; exits 2 with a sentence for what cannot be served."""
    err = Console(stderr=True)
    if name not in SERVERS:
        err.print(f"There is no server {name!r}; there are: {', '.join(SERVERS)}.")
        sys.exit(2)
    host, _, port = http.rpartition(":")
    if http and not (port.isdigit() and 0 < int(port) < 65536):
        err.print(f"--http {http} is not HOST:PORT, such as 127.0.0.1:8101.")
        sys.exit(2)
    if not settings.verify_keys_file.exists():
        _make_keys(settings)
    base = lay_foundation(settings)
    if settings.service.demo:
        seed_demo_stores(base)
    server = own_servers(base, key_files.load_verify_keys(settings.verify_keys_file), name)[name]
    if http:
        err.print(f"{name} serves MCP at http://{http}/mcp")
        run_http(server, host.strip("[]") or "127.0.0.1", int(port))
    else:
        run_stdio(server)


def _make_keys(settings: Settings) -> None:
    context = key_files.load_or_make_key(settings.context_key_file)
    grant = key_files.load_or_make_key(settings.grant_key_file)
    key_files.write_verify_keys(
        settings.verify_keys_file, {"context": context.public_key(), "grant": grant.public_key()}
    )
