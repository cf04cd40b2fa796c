"""A tool server that hangs, fails or answers garbage: an honest sentence, no invention, and a way on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from support.desk import Desk, open_desk
from support.servers import served
from support.waiting import eventually

from xiaoer.approvals import keys as key_files
from xiaoer.house import lay_foundation, own_servers, seed_demo_stores
from xiaoer.mcp_servers.serve import http_app
from xiaoer.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Moody:
    """The real server behind a door that can be told to misbehave."""

    app: ASGIApp
    mood: str = "well"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.mood == "well":
            await self.app(scope, receive, send)
        elif self.mood == "hangs":
            await asyncio.sleep(30)
        else:
            status, body = {"garbage": (200, "<html>502</html>"), "fails": (500, "boom")}[self.mood]
            await PlainTextResponse(body, status)(scope, receive, send)


@dataclass
class World:
    desk: Desk
    logistics: Moody
    refunds: Moody


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch_module: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    home: Path = tmp_path_factory.mktemp("faults")
    monkeypatch_module.setenv("XIAOER_HOME", str(home))
    settings = Settings()
    base = lay_foundation(settings)
    seed_demo_stores(base)
    context = key_files.load_or_make_key(settings.context_key_file)
    grant = key_files.load_or_make_key(settings.grant_key_file)
    keys = {"context": context.public_key(), "grant": grant.public_key()}
    doors = {name: Moody(http_app(own_servers(base, keys, name)[name])) for name in ("logistics", "refunds")}
    async with served(doors["logistics"]) as one, served(doors["refunds"]) as two:
        urls = {"XIAOER_MCP_LOGISTICS_URL": one, "XIAOER_MCP_REFUNDS_URL": two}
        async with open_desk(home, **urls) as desk:
            yield World(desk, doors["logistics"], doors["refunds"])
    base.dispose()


@pytest.fixture(scope="module")
def monkeypatch_module() -> object:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.parametrize("mood", ["hangs", "fails", "garbage"])
async def test_a_parcel_that_cannot_be_looked_up_is_told_so_and_later_it_works(
    world: World, mood: str
) -> None:
    jane = await world.desk.customer()
    world.logistics.mood = mood
    try:
        answer = await jane.say("where is #1002? jane@example.com")
    finally:
        world.logistics.mood = "well"
    assert answer.strip()
    for invented in ("on its way", "delivered", "scan"):
        assert invented not in answer.lower()
    if jane.last["handed_off"]:
        return  # a person is a way on
    assert any(word in answer.lower() for word in ("again", "moment", "later", "colleague", "minutes"))
    assert "USPS" in await jane.say("and now, where is #1002?")


async def test_an_approved_refund_waits_while_the_refund_server_is_away_and_then_happens_once(
    world: World,
) -> None:
    marco = await world.desk.customer()
    await marco.say("order #1010, tail 0108. It is going back to you, refund me please")
    (action,) = marco.actions
    world.refunds.mood = "fails"
    assert (await world.desk.decide(action["id"])).status_code == 200

    async def stands(*wanted: str) -> bool:
        return (await world.desk.action(action["id"]))["status"] in wanted

    assert not await stands("succeeded")
    world.refunds.mood = "well"
    await eventually(lambda: stands("succeeded"), seconds=60)
    receipts = [m for m in await marco.history() if m["kind"] == "receipt" and "done" in m["text"]]
    assert len(receipts) == 1
