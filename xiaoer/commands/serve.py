"""`xiaoer serve`: one server process of a role, with the addresses that a newcomer opens."""

from __future__ import annotations

import logging
import socket
import sys

import structlog
import uvicorn
from fastapi import FastAPI
from rich.console import Console
from rich.panel import Panel
from structlog.types import Processor

from xiaoer.domain.pii.logs import MaskingFormatter, mask_event
from xiaoer.settings import Role, Settings

_BUSY = 3


def run_server(settings: Settings, role: Role) -> None:
    """Serve until interrupted; exits 3 with a sentence when the port is taken."""
    from xiaoer.app import create_app
    from xiaoer.house import databases_of, require_databases

    out = Console()
    host, port = settings.service.host, settings.service.port
    require_free(host, port, "XIAOER_PORT")
    require_databases(settings, databases_of(settings, role))
    configure_logs()
    out.print("Xiaoer is starting (the first time it trains its classifier, about twenty seconds) …")
    app = create_app(settings, role)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=5
        )
    )
    _say_when_ready(app, server, out, settings, role)
    server.run()
    if not server.started:
        sys.exit(1)


def configure_logs() -> None:
    """One line an event; warnings and worse from libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # Its warnings repeat the arguments of a failed job; the queue's own log names task and job.
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Tracebacks plain, because local variables are customers' words; then everything is masked.
            structlog.processors.format_exc_info,
            mask_event,
            _renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _renderer() -> Processor:
    """Colours for a person, JSON for a machine."""
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer()


def require_free(host: str, port: int, setting: str) -> None:
    """Exit 3 with a sentence when nobody could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            Console(stderr=True, soft_wrap=True).print(
                f"Port {port} on {host} is not free ({error.strerror}). Set {setting} to another one."
            )
            sys.exit(_BUSY)


def _say_when_ready(
    app: FastAPI, server: uvicorn.Server, out: Console, settings: Settings, role: Role
) -> None:
    """The addresses are printed when they answer, not before."""
    started = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await started(sockets)
        if server.started:
            out.print(_welcome(app, settings, role))

    server.startup = startup  # type: ignore[method-assign]  # uvicorn has no hook for "listening"


def _welcome(app: FastAPI, settings: Settings, role: Role) -> Panel:
    base = f"http://{settings.service.host}:{settings.service.port}"
    brain = app.state.house.brain
    lines = [f"[bold]Ready[/bold]   {base}/readyz   ({role}{f' · brain {brain.name}' if brain else ''})"]
    if role in (Role.ALL, Role.API):
        stores = app.state.house.foundation.stores
        lines += [f"Chat    {base}/chat/{store}" for store in stores]
        lines += [f"Desk    {base}/desk", f"API     {base}/docs"]
        lines += [_log_in(app.state.first_password, settings)]
    return Panel("\n".join(lines), title="Xiaoer 小二", expand=False)


def _log_in(made_up: str | None, settings: Settings) -> str:
    if made_up:
        return f"Log-in  admin / [bold]{made_up}[/bold]   (shown once; set XIAOER_ADMIN_PASSWORD to choose your own)"
    if settings.secrets.admin_password:
        return "Log-in  admin / the password in XIAOER_ADMIN_PASSWORD"
    return "Log-in  admin / the password shown at the first start (`xiaoer password` sets a new one)"
