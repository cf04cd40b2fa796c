"""The executor with the servers that ship and the local shop behind them: nothing here is a fake.

As a program (`python -m support.real_shop DESK_URL HOME TOOL`) it proposes, approves and carries out one
action, so that a test can kill it anywhere and start it again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine
from support.case_world import MAYA, NOEL, Outbox, Queue, TestClock, make_draft
from support.changes import ARRIVED, US, Call, call_of

from xiaoer.approvals import ledger
from xiaoer.approvals.context import HouseRules
from xiaoer.approvals.desk import Approvals
from xiaoer.approvals.follow_through import FollowThrough
from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.parsing import parse_quote
from xiaoer.approvals.runner import CaseRunner
from xiaoer.approvals.savers import open_saver
from xiaoer.approvals.ticks import CaseClock
from xiaoer.domain.actions import ActionDraft, ActionStatus
from xiaoer.domain.identity import Level, Scope
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.platforms.local import LocalPlatform, LocalShop, seed_demo
from xiaoer.mcp_servers.registry import build_servers
from xiaoer.mcp_servers.state import ServerState
from xiaoer.storage.engine import make_engine, reading, transaction
from xiaoer.storage.metadata import desk_metadata, shop_metadata
from xiaoer.stores.loader import load_stores
from xiaoer.tools.calls import ToolCall
from xiaoer.tools.client import ToolBox

STORES = load_stores()
DAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class RealShop:
    engine: Engine
    shop_engine: Engine
    toolbox: ToolBox
    platform: LocalPlatform
    shop: LocalShop
    desk: Approvals
    runner: CaseRunner
    clock_work: CaseClock
    outbox: Outbox
    queue: Queue
    clock: TestClock
    follow: FollowThrough

    def call(self, tool: str) -> Call:
        return call_of(tool, self.platform, self.shop)

    async def draft(self, call: Call, action_id: str = "A-1") -> ActionDraft:
        """What a turn would propose: the quote of the shop itself, for the customer whose order it is."""
        order = self.platform.get_order(US, None, call.order_no)
        assert order is not None
        later = self.clock() + timedelta(hours=1)
        scope = Scope(US, "C-1", Level.ORDER, None, order.customer_ref, self.clock(), later)
        result = await self.toolbox.run(ToolCall("q", call.quote, call.args), scope, "T-1")
        assert result.ok, result.error
        quote = parse_quote(result.data)
        base = make_draft(tool=call.tool)
        terms = replace(
            base.terms,
            action_id=action_id,
            order_no=quote.order_no,
            args=call.args,
            amount=quote.amount,
            destination=quote.destination,
            order_version=quote.order_version,
            policy_version=quote.policy_version,
            expires_at=later,
        )
        return replace(base, terms=terms, quote=quote, customer_ref=order.customer_ref)

    async def propose(self, call: Call, action_id: str = "A-1") -> str:
        """Enter it as pending; its case."""
        draft = await self.draft(call, action_id)
        with transaction(self.engine) as session:
            return str(ledger.propose(session, draft, ActionStatus.PENDING, self.clock()).case_id)

    async def approve(self, action_id: str = "A-1") -> None:
        """By one person, and by a second where two must agree."""
        for who in (MAYA, NOEL):
            if self.row(action_id).status == "pending":
                await self.desk.decide(action_id, "approve", self.row(action_id).digest, who)

    async def run_jobs(self) -> None:
        while self.queue.jobs:
            _, _, args = self.queue.jobs.pop(0)
            await self.runner.run_case(args["case_id"])

    def row(self, action_id: str = "A-1") -> Any:
        with reading(self.engine) as session:
            return ledger.get(session, action_id)


@asynccontextmanager
async def open_shop(desk_url: str, home: Path, clock: TestClock | None = None) -> AsyncIterator[RealShop]:
    """Desk database at this URL, shop in a SQLite file of this folder; both are made when missing."""
    clock, outbox, queue = clock or TestClock(DAY), Outbox(), Queue()
    engine, shop_engine = make_engine(desk_url), make_engine(f"sqlite:///{home}/shop.db")
    desk_metadata.create_all(engine)
    shop_metadata.create_all(shop_engine)
    seed_demo(shop_engine, US, clock())
    context_key, grant_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    platform = LocalPlatform(shop_engine, clock)
    keys = {"context": context_key.public_key(), "grant": grant_key.public_key()}
    deps = ServerDeps(platform, ServerState(shop_engine), STORES, keys, clock, None)  # type: ignore[arg-type]  # nothing here asks for knowledge
    servers = {name: server for name, server in build_servers(deps).items() if name != "knowledge"}

    def limits_of(store: str) -> Any:
        return STORES[store].limits

    async with open_saver(desk_url) as saver, ToolBox(servers, context_key, clock) as toolbox:
        runner = CaseRunner(
            engine,
            toolbox.execute,
            GrantSigner(grant_key),
            outbox.tell,
            clock,
            saver,
            lambda _: False,
            house=HouseRules(limits_of=limits_of),
        )
        quote = runner.look_ups.quote
        desk = Approvals(engine, queue.defer, clock, outbox.tell, quote, limits_of=limits_of)
        ticks = CaseClock(engine, outbox.tell, queue.defer, clock, lambda _: False)
        shop = LocalShop(shop_engine, clock)
        follow = FollowThrough(
            engine, runner.look_ups, outbox.tell, queue.defer, STORES, clock, lambda _: False
        )
        yield RealShop(
            engine, shop_engine, toolbox, platform, shop, desk, runner, ticks, outbox, queue, clock, follow
        )
    engine.dispose()
    shop_engine.dispose()


async def _once(desk_url: str, home: Path, tool: str) -> None:
    """Propose and approve unless an earlier life has, then bring the case to its end."""
    async with open_shop(desk_url, home) as world:
        try:
            world.row()
        except ledger.UnknownAction:
            await world.propose(world.call(tool))
        await world.approve()
        world.clock.forward(600)  # whatever grant an earlier life had is dead
        world.clock_work.recover()
        for _ in range(10):
            await world.run_jobs()
            if world.row().status in ("succeeded", "failed"):
                break
            world.clock.forward(120)
            world.clock_work.tick()
        assert world.row().status == "succeeded", (world.row().status, world.row().last_error)


def _dies(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _returned(desk_url: str, home: Path) -> None:
    """A label is out, and the goods are back."""
    async with open_shop(desk_url, home) as world:
        line = world.platform.get_order(US, None, ARRIVED).lines[0].line_id  # type: ignore[union-attr]
        args = {"order_no": ARRIVED, "lines": [{"line_id": line, "quantity": 1}], "reason": "changed_mind"}
        await world.propose(Call("create_return_label", "returns", "check_return", ARRIVED, args))
        await world.approve()
        await world.run_jobs()
        world.shop.receive_return(US, str(world.row().receipt["reference"]))


async def _follow(desk_url: str, home: Path, **broken: Any) -> None:
    async with open_shop(desk_url, home, TestClock(DAY + timedelta(hours=1))) as world:
        await replace(world.follow, **broken).tick()


if __name__ == "__main__":
    url, folder, how = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    ways: dict[str, Any] = {
        "returned": lambda: _returned(url, folder),
        "follows": lambda: _follow(url, folder),
        "dies-telling": lambda: _follow(url, folder, tell=_dies),
        "dies-waking": lambda: _follow(url, folder, defer=_dies),
    }
    asyncio.run(ways[how]() if how in ways else _once(url, folder, how))
