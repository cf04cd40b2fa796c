"""The web channel over a real inbox, spoken to as a browser does."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI
from support.inbox import Inbox

from xiaoer.channels.errors import install_error_handlers
from xiaoer.channels.services import Rates, WebServices
from xiaoer.channels.web import build_web_router
from xiaoer.domain.actions import ActionView
from xiaoer.stores.loader import load_stores

WIDGET_SECRET = "widget-secret-of-the-tests"
STORES = load_stores()
_ids = itertools.count()


@dataclass
class Web:
    """An application with the web channel alone; `actions` is what the ledger would say."""

    inbox: Inbox
    rates: Rates = field(default_factory=Rates)
    actions: list[ActionView] = field(default_factory=list)
    widget_secret: str | None = WIDGET_SECRET

    def __post_init__(self) -> None:
        self.app = FastAPI()
        install_error_handlers(self.app)
        self.services = WebServices(
            engine=self.inbox.engine,
            stores=STORES,
            intake=self.inbox.intake,
            live=self.inbox.live,
            actions_of=lambda _conversation: tuple(self.actions),
            secret_key="secret-key-of-the-tests",
            widget_secret=lambda _store: self.widget_secret,
            rates=self.rates,
        )
        self.app.include_router(build_web_router(self.services))
        self.http = client(self.app)

    async def open(self, store: str = "demo-us", **body: Any) -> Customer:
        answer = await self.http.post(f"/channels/web/{store}/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return Customer(self.http, store, answer.json()["session"], answer.json()["conversation_id"])


@dataclass
class Customer:
    http: httpx2.AsyncClient
    store: str
    token: str
    conversation_id: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def post(self, text: Any = "hello", wait: float | None = None, **body: Any) -> httpx2.Response:
        message = {"id": f"m{next(_ids)}", "text": text, **body}
        params = {} if wait is None else {"wait": wait}
        url = f"/channels/web/{self.store}/messages"
        return await self.http.post(url, json=message, params=params, headers=self.headers)

    async def events(self, after: int = 0) -> list[dict[str, Any]]:
        headers = {**self.headers, "Accept": "application/json"}
        url = f"/channels/web/{self.store}/events"
        answer = await self.http.get(url, params={"after": after}, headers=headers)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    async def messages(self) -> list[dict[str, Any]]:
        return [event["message"] for event in await self.events() if event["type"] == "message"]


def client(app: FastAPI, **options: Any) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=30, **options)


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The application on a real loopback port, for what an in-memory transport cannot carry: streams."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def read_events(
    base: str, customer: Customer, until: Any, last_event_id: str = "", seconds: float = 20
) -> list[dict[str, Any]]:
    """Listen to the stream until a condition over the events holds."""
    heard: list[dict[str, Any]] = []
    headers = {**customer.headers, **({"Last-Event-ID": last_event_id} if last_event_id else {})}
    url = f"{base}/channels/web/{customer.store}/events"
    async with (
        asyncio.timeout(seconds),
        httpx2.AsyncClient() as http,
        http.stream("GET", url, headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                heard.append(json.loads(line[5:]))
            if until(heard):
                return heard
    raise AssertionError(f"the stream ended; heard {heard}")
