"""A whole desk in this process, spoken to over HTTP as its customers and staff do."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

from xiaoer.app import create_app
from xiaoer.settings import Role, Settings

TOKEN = "journey-token-of-the-tests"
_ids = itertools.count()


@dataclass
class Customer:
    """One conversation over the web channel."""

    http: httpx2.AsyncClient
    store: str
    conversation: str
    actions: list[dict[str, Any]] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    async def say(self, text: str, wait: float = 30) -> str:
        """Write, wait for the committed turn, and return everything that was answered."""
        body = {"id": f"m-{next(_ids)}", "text": text}
        answer = await self.http.post(
            f"/channels/web/{self.store}/messages", params={"wait": wait}, json=body
        )
        assert answer.status_code == 200, (answer.status_code, answer.text)
        self.last = answer.json()
        self.actions += self.last["actions"]
        return "\n".join(reply["text"] for reply in self.last["replies"])

    async def history(self) -> list[dict[str, Any]]:
        """All messages so far, as the page would list them."""
        found = await self.http.get(
            f"/channels/web/{self.store}/events", params={"after": 0}, headers={"accept": "application/json"}
        )
        return [event["message"] for event in found.json() if event["type"] == "message"]


@dataclass
class Desk:
    app: FastAPI
    staff: httpx2.AsyncClient

    @property
    def house(self) -> Any:
        return self.app.state.house

    async def customer(self, store: str = "demo-us", **opening: Any) -> Customer:
        http = _client(self.app)
        opened = await http.post(f"/channels/web/{store}/sessions", json=opening)
        assert opened.status_code == 201, opened.text
        http.headers["authorization"] = f"Bearer {opened.json()['session']}"
        return Customer(http, store, opened.json()["conversation_id"])

    async def action(self, action_id: str) -> dict[str, Any]:
        found = await self.staff.get(f"/api/v1/actions/{action_id}")
        assert found.status_code == 200, found.text
        return dict(found.json())

    async def decide(self, action_id: str, decision: str = "approve", **more: Any) -> httpx2.Response:
        digest = more.pop("digest", None) or (await self.action(action_id))["digest"]
        return await self.staff.post(
            f"/api/v1/actions/{action_id}/decision", json={"decision": decision, "digest": digest, **more}
        )

    async def trace(self, conversation: str) -> list[dict[str, Any]]:
        found = await self.staff.get(f"/api/v1/conversations/{conversation}/trace")
        assert found.status_code == 200, found.text
        return list(found.json()["turns"])


@asynccontextmanager
async def open_desk(home: Path, **env: str) -> AsyncIterator[Desk]:
    """The desk at work in a home of its own; settings by environment, as in production."""
    wanted = {"XIAOER_HOME": str(home), "XIAOER_BRAIN": "embedded", "XIAOER_API_TOKEN": TOKEN, **env}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        settings = Settings()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    app = create_app(settings, Role.ALL)
    async with app.router.lifespan_context(app), _client(app) as staff:
        staff.headers["authorization"] = f"Bearer {TOKEN}"
        yield Desk(app, staff)


def _client(app: FastAPI) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=60)
