"""The executor against the servers that ship, with the shop behind them: nothing here is a fake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from langgraph.checkpoint.memory import InMemorySaver
from support.case_world import MAYA, Outbox, Queue, TestClock, make_draft

import xiaoer.stores
from xiaoer.approvals import ledger
from xiaoer.approvals.desk import Approvals
from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.parsing import parse_quote
from xiaoer.approvals.runner import CaseRunner
from xiaoer.domain.actions import ActionDraft, ActionStatus
from xiaoer.domain.identity import Level, Scope
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.platforms.local import LocalPlatform, seed_demo
from xiaoer.mcp_servers.platforms.protocol import Effect
from xiaoer.mcp_servers.registry import build_servers
from xiaoer.mcp_servers.state import ServerState
from xiaoer.storage.engine import make_engine, reading, transaction
from xiaoer.storage.metadata import shop_metadata
from xiaoer.stores.loader import load_stores
from xiaoer.tools.calls import ToolCall
from xiaoer.tools.catalog import QUOTES
from xiaoer.tools.client import ToolBox

S = ActionStatus
DONE = {
    "issue_refund": "#1032",
    "create_return_label": "#1032",
    "issue_coupon": "#1006",
    "cancel_order": "#1001",
}


@dataclass
class Shop:
    engine: Any
    toolbox: ToolBox
    platform: LocalPlatform
    desk: Approvals
    runner: CaseRunner
    outbox: Outbox
    queue: Queue
    clock: TestClock

    async def draft(self, tool: str, order_no: str) -> ActionDraft:
        """What a turn would propose: the quote of the shop itself, for the customer whose order it is."""
        order = self.platform.get_order("demo-us", None, order_no)
        assert order is not None
        args: dict[str, Any] = {"order_no": order.order_no, "reason": "changed_mind"}
        if tool in ("issue_refund", "create_return_label"):
            args["lines"] = [{"line_id": order.lines[0].line_id, "quantity": 1}]
        later = self.clock() + timedelta(hours=1)
        scope = Scope("demo-us", "C-1", Level.ORDER, None, order.customer_ref, self.clock(), later)
        result = await self.toolbox.run(ToolCall("q", QUOTES[tool][1], args), scope, "T-1")
        assert result.ok, result.error
        quote = replace(parse_quote(result.data), decision="needs_approval")
        base = make_draft(tool=tool)
        terms = replace(
            base.terms,
            order_no=quote.order_no,
            args=args,
            amount=quote.amount,
            destination=quote.destination,
            order_version=quote.order_version,
            policy_version=quote.policy_version,
            expires_at=later,
        )
        return replace(base, terms=terms, quote=quote)

    async def run_jobs(self) -> None:
        while self.queue.jobs:
            await self.runner.run_case(self.queue.jobs.pop(0)[2]["case_id"])

    def row(self, action_id: str = "A-1"):
        with reading(self.engine) as session:
            return ledger.get(session, action_id)


@pytest.fixture
async def shop(sqlite_engine, tmp_path) -> AsyncIterator[Shop]:
    clock, outbox, queue = TestClock(), Outbox(), Queue()
    shop_engine = make_engine(f"sqlite:///{tmp_path}/shop.db")
    shop_metadata.create_all(shop_engine)
    seed_demo(shop_engine, "demo-us", clock())
    context_key, grant_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    platform = LocalPlatform(shop_engine, clock)
    deps = ServerDeps(
        platform=platform,
        state=ServerState(shop_engine),
        stores=load_stores(Path(xiaoer.stores.__file__).parent),
        keys={"context": context_key.public_key(), "grant": grant_key.public_key()},
        clock=clock,
        knowledge=None,  # type: ignore[arg-type]  # nothing here asks for knowledge
    )
    servers = {name: server for name, server in build_servers(deps).items() if name != "knowledge"}
    async with ToolBox(servers, context_key, clock) as toolbox:
        runner = CaseRunner(
            sqlite_engine,
            toolbox.execute,
            GrantSigner(grant_key),
            outbox.tell,
            clock,
            InMemorySaver(),
            lambda _: False,
        )
        desk = Approvals(sqlite_engine, queue.defer, clock, outbox.tell, runner.look_ups.quote)
        yield Shop(sqlite_engine, toolbox, platform, desk, runner, outbox, queue, clock)
    shop_engine.dispose()


@pytest.mark.parametrize(("tool", "order_no"), DONE.items())
async def test_what_a_person_approves_is_done_once_read_back_and_told(shop, tool, order_no):
    draft = await shop.draft(tool, order_no)
    with transaction(shop.engine) as session:
        case_id = ledger.propose(session, draft, S.PENDING, shop.clock()).case_id
    await shop.desk.decide("A-1", "approve", draft.terms.digest(), MAYA)
    await shop.run_jobs()
    row = shop.row()
    assert (row.status, row.last_error, row.attempts) == ("succeeded", "", 1)
    receipt = shop.platform.get_effect("demo-us", "A-1")
    assert (receipt.reference, receipt.amount) == (row.receipt["reference"], draft.terms.amount)
    (said,) = shop.outbox.texts()
    assert order_no in said
    before = shop.platform.get_order("demo-us", None, order_no)
    await shop.runner.run_case(case_id)
    assert shop.platform.get_order("demo-us", None, order_no) == before


async def test_a_person_edits_the_quantity_and_the_shop_refunds_that(shop):
    draft = await shop.draft("issue_refund", "#1032")
    with transaction(shop.engine) as session:
        ledger.propose(session, draft, S.PENDING, shop.clock())
    order = shop.platform.get_order("demo-us", None, "#1032")
    both = [{"line_id": line.line_id, "quantity": 1} for line in order.lines[:2]]
    view = await shop.desk.decide("A-1", "edit", draft.terms.digest(), MAYA, edits={"lines": both})
    await shop.run_jobs()
    assert shop.row(view.action_id).status == "succeeded"
    assert shop.platform.get_order("demo-us", None, "#1032").refunded == view.amount
    assert view.amount.amount_minor > draft.terms.amount.amount_minor


async def test_an_order_that_changed_meanwhile_is_not_refunded(shop):
    draft = await shop.draft("issue_refund", "#1032")
    with transaction(shop.engine) as session:
        ledger.propose(session, draft, S.PENDING, shop.clock())
    await shop.desk.decide("A-1", "approve", draft.terms.digest(), MAYA)
    line = draft.terms.args["lines"][0]["line_id"]
    meanwhile = Effect("A-9", "#1032", ((line, 1),), "other", None, "x", draft.terms.order_version)
    shop.platform.create_return_label("demo-us", meanwhile)
    await shop.run_jobs()
    assert shop.row().status == "superseded"
    assert shop.platform.get_order("demo-us", None, "#1032").refunded.amount_minor == 0
