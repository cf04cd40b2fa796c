"""A real shop behind real servers: the demo stores on a SQLite file of the test's own, keys, a clock."""

from __future__ import annotations

import asyncio
import functools
import json
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mcp import Client
from mcp.server.mcpserver import MCPServer
from sqlalchemy import Engine

from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.ids import new_id
from xiaoer.domain.permits import META_CONTEXT, META_GRANT, Grant, sign_context, sign_grant
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.platforms.local.platform import LocalPlatform
from xiaoer.mcp_servers.platforms.local.seed import seed_demo
from xiaoer.mcp_servers.platforms.protocol import Proof
from xiaoer.mcp_servers.registry import build_servers
from xiaoer.mcp_servers.serve import http_app
from xiaoer.mcp_servers.state import ServerState
from xiaoer.storage.engine import make_engine
from xiaoer.storage.metadata import shop_metadata
from xiaoer.stores.loader import load_stores

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STORES = load_stores()
US = "demo-us"
CN = "demo-cn"


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True)
class Entry:
    entry_id: str
    title: str
    text: str
    score: float = 1.0
    source: str = "articles/demo.md"


@dataclass
class ShelfOfTwo:
    """A knowledge base that a test can read at a glance."""

    entries: dict[str, list[Entry]] = field(
        default_factory=lambda: {
            US: [Entry("us-1", "Lamp care", "Wipe it with a dry cloth.")],
            CN: [Entry("cn-1", "台灯保养", "用干布擦拭。")],
        }
    )
    gaps: dict[str, str] = field(default_factory=dict)

    def search(self, store_id: str, query: str, lang: str | None, limit: int) -> Sequence[Entry]:
        return self.entries[store_id][:limit]

    def get(self, store_id: str, entry_id: str) -> Entry | None:
        return next((entry for entry in self.entries[store_id] if entry.entry_id == entry_id), None)

    def report_gap(self, store_id: str, question: str, conversation_id: str, key: str) -> str:
        return self.gaps.setdefault(f"{store_id}/{key}", f"GAP-{len(self.gaps) + 1}")


@dataclass
class World:
    """One shop, its servers, and everything needed to speak to them with or without permission."""

    engine: Engine
    platform: LocalPlatform
    deps: ServerDeps
    clock: Clock
    context_key: Ed25519PrivateKey
    grant_key: Ed25519PrivateKey

    @functools.cached_property
    def servers(self) -> dict[str, MCPServer]:
        return build_servers(self.deps)

    def customer_of(self, order_no: str, store: str = US) -> str:
        order = self.platform.get_order(store, None, order_no)
        assert order is not None
        return order.customer_ref

    def visitor(self, store: str = US, conversation: str = "c-1") -> Scope:
        return Scope(store, conversation)

    def customer(self, order_no: str = "#1032", store: str = US, conversation: str = "c-1") -> Scope:
        """The scope of a conversation in which this order's owner has proven himself."""
        return replace(
            self.visitor(store, conversation),
            level=Level.ORDER,
            customer_ref=self.customer_of(order_no, store),
        )

    def context(self, scope: Scope, key: Ed25519PrivateKey | None = None) -> dict[str, Any]:
        return {META_CONTEXT: sign_context(scope, key or self.context_key, self.clock())}

    def grant(self, tool: str, args: Mapping[str, Any], amount: int | None = None, **changes: Any) -> Grant:
        """A grant that fits the order as it stands now, unless changed."""
        store = changes.pop("store", US)
        order_no = changes.pop("order_no", args.get("order_no", ""))
        order = self.platform.get_order(store, None, order_no)
        fitting = Grant(
            grant_id=new_id("G"),
            action_id=new_id("A"),
            audience="refunds",
            tool=tool,
            store=store,
            order_no=order_no,
            args=dict(args),
            digest="sha256:demo",
            amount_minor=amount,
            currency=STORES[store].currency if amount is not None else None,
            order_version=order.version if order else 0,
            policy_version=STORES[store].policy.version,
            issued_at=self.clock(),
            expires_at=self.clock() + timedelta(seconds=60),
        )
        return replace(fitting, **changes)

    def permit(self, grant: Grant, key: Ed25519PrivateKey | None = None) -> dict[str, Any]:
        return {META_GRANT: sign_grant(grant, key or self.grant_key)}

    def proof(self, order_no: str, **offered: str) -> Proof:
        return Proof(order_no, **offered)


@functools.cache
def _seeded_file() -> Path:
    """Both demo stores, seeded once a process; every world gets a copy."""
    path = Path(tempfile.mkdtemp(prefix="xiaoer-shop-")) / "shop.db"
    engine = make_engine(f"sqlite:///{path}")
    shop_metadata.create_all(engine)
    for store in (US, CN):
        seed_demo(engine, store, NOW)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def make_world(folder: Path) -> World:
    path = folder / "shop.db"
    shutil.copy(_seeded_file(), path)
    return world_on(make_engine(f"sqlite:///{path}"))


def world_on(engine: Engine) -> World:
    clock = Clock()
    platform = LocalPlatform(engine, clock)
    context_key, grant_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    keys = {"context": context_key.public_key(), "grant": grant_key.public_key()}
    deps = ServerDeps(platform, ServerState(engine), STORES, keys, clock, ShelfOfTwo())
    return World(engine, platform, deps, clock, context_key, grant_key)


@asynccontextmanager
async def served(server: MCPServer | Any, port: int = 0) -> AsyncIterator[str]:
    """The server on a loopback port; gives its URL. Also takes any ASGI app."""
    app = http_app(server) if isinstance(server, MCPServer) else server
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, timeout_keep_alive=75, timeout_graceful_shutdown=1
        )
        runner = uvicorn.Server(config)
        task = asyncio.create_task(runner.serve(sockets=[listener]))
        while not runner.started:
            await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            runner.should_exit = True
            await task


@dataclass(frozen=True)
class Answer:
    """What a server said: data, or the code and sentence of its refusal."""

    ok: bool
    data: dict[str, Any]
    code: str = ""
    message: str = ""


async def ask(server: Any, tool: str, args: Mapping[str, Any], meta: Mapping[str, Any]) -> Answer:
    """One call with the official client: in memory, by URL, or over stdio."""
    async with Client(server) as client:
        return answer_of(await client.call_tool(tool, dict(args), meta=dict(meta)))


def answer_of(result: Any) -> Answer:
    if not result.is_error:
        return Answer(True, result.structured_content)
    text = result.content[0].text
    if not text.startswith("{"):
        return Answer(False, {}, "", text)
    said = json.loads(text)
    return Answer(False, {}, said["code"], said["message"])
