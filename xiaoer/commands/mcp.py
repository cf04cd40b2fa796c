"""`xiaoer mcp`: one tool server alone."""

from __future__ import annotations

import sys

from rich.console import Console

from xiaoer.approvals import keys as key_files
from xiaoer.commands.serve import require_free
from xiaoer.domain.permits import VerifyKeys
from xiaoer.house import lay_foundation, own_servers, seed_demo_stores
from xiaoer.mcp_servers.registry import SERVERS
from xiaoer.mcp_servers.serve import run_http, run_stdio
from xiaoer.settings import Settings


def run_mcp(settings: Settings, name: str, http: str) -> None:
    """Serve until the client hangs up; exits 2 with a sentence for what cannot be served."""
    err = Console(stderr=True, soft_wrap=True)
    if name not in SERVERS:
        err.print(f"There is no server {name!r}; there are: {', '.join(SERVERS)}.")
        sys.exit(2)
    host, _, port = http.rpartition(":")
    if http and not (host and port.isdigit() and 0 < int(port) < 65536):
        err.print(f"--http {http} is not HOST:PORT, such as 127.0.0.1:8101.")
        sys.exit(2)
    host = host.strip("[]")
    if http:
        require_free(host, int(port), "--http")
    # A server alone sees the shop, never the desk.
    base = lay_foundation(settings, opened=("shop",))
    if settings.service.demo:
        seed_demo_stores(base)
    server = own_servers(base, _verify_keys(settings, err), name)[name]
    if http:
        err.print(f"{name} serves MCP at http://{http}/mcp")
        run_http(server, host, int(port))
    else:
        run_stdio(server)


def _verify_keys(settings: Settings, err: Console) -> VerifyKeys:
    """The public keys; made, with their private halves, only where nobody has said that they come from elsewhere."""
    if not settings.verify_keys_file.exists():
        if settings.secrets.verify_keys:
            err.print(
                f"XIAOER_VERIFY_KEYS: {settings.verify_keys_file} is not there. Make it with `xiaoer keys`."
            )
            sys.exit(2)
        make_keys(settings)
    return key_files.load_verify_keys(settings.verify_keys_file)


def make_keys(settings: Settings) -> None:
    """Both private keys where they are missing, and the file of their public halves."""
    context = key_files.load_or_make_key(settings.context_key_file)
    grant = key_files.load_or_make_key(settings.grant_key_file)
    key_files.write_verify_keys(
        settings.verify_keys_file, {"context": context.public_key(), "grant": grant.public_key()}
    )
