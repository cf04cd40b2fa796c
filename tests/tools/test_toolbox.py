"""The tool box in front of the real servers, inside the process and by URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.servers import CN, US, World, served

from xiaoer.domain.identity import Level, Scope
from xiaoer.tools.calls import ToolCall, ToolResult
from xiaoer.tools.catalog import BRAIN_TOOLS
from xiaoer.tools.client import ToolBox

JANE = {"order_no": "#1032", "email": "jane@example.com"}


@asynccontextmanager
async def open_box(world: World, where: str) -> AsyncIterator[ToolBox]:
    async with AsyncExitStack() as stack:
        servers: dict[str, Any] = dict(world.servers)
        if where == "url":
            servers = {
                name: await stack.enter_async_context(served(server)) for name, server in servers.items()
            }
        yield await stack.enter_async_context(ToolBox(servers, world.context_key, world.clock))


@pytest.fixture(params=["memory", "url"])
async def box(request: pytest.FixtureRequest, world: World) -> AsyncIterator[ToolBox]:
    async with open_box(world, request.param) as opened:
        yield opened


async def _run(box: ToolBox, tool: str, args: dict[str, Any], scope: Scope, turn: str = "t-1") -> ToolResult:
    return await box.run(ToolCall(f"{turn}_1", tool, args), scope, turn)


async def test_a_read_gives_data_a_time_and_the_scope_it_had(box: ToolBox, world: World) -> None:
    scope = world.customer()
    result = await _run(box, "get_order", {"order_no": "1032"}, scope)
    assert result.ok
    assert result.data["order_no"] == "#1032"
    assert (result.server, result.scope, result.code) == ("orders", scope, "")
    assert result.ms > 0


async def test_a_yes_raises_the_scope_and_the_reference_is_taken_out(box: ToolBox, world: World) -> None:
    before = world.visitor()
    result = await _run(box, "verify_customer", JANE, before)
    assert result.data == {"verified": True, "order_no": "#1032", "locked": False, "tries_left": None}
    assert result.scope == replace(
        before,
        level=Level.ORDER,
        customer_ref=world.customer_of("#1032"),
        verified_at=world.clock(),
        expires_at=world.clock() + timedelta(hours=24),
    )
    assert (await _run(box, "track_order", {"order_no": "#1032"}, result.scope)).ok


async def test_a_no_raises_nothing_and_shows_no_reference(box: ToolBox, world: World) -> None:
    result = await _run(box, "verify_customer", {**JANE, "email": "x@example.com"}, world.visitor())
    assert (result.ok, result.data["verified"], result.scope) == (True, False, world.visitor())
    assert "customer_ref" not in result.data


async def test_a_proof_ends_after_a_day(box: ToolBox, world: World) -> None:
    scope = (await _run(box, "verify_customer", JANE, world.visitor())).scope
    assert scope is not None
    assert (await _run(box, "get_order", {"order_no": "#1032"}, scope)).ok
    world.clock.forward(hours=24)
    assert (await _run(box, "get_order", {"order_no": "#1032"}, scope)).code == "context_unproven"


async def test_a_yes_to_one_who_is_known_already_makes_the_day_no_longer(box: ToolBox, world: World) -> None:
    scope = (await _run(box, "verify_customer", JANE, world.visitor())).scope
    assert scope is not None
    world.clock.forward(hours=23)
    again = await _run(box, "verify_customer", {**JANE, "email": "wrong@example.com"}, scope)
    assert (again.data["verified"], again.scope) == (True, scope)


async def test_a_refusal_is_a_word_and_a_sentence(box: ToolBox, world: World) -> None:
    result = await _run(box, "get_order", {"order_no": "#1004"}, world.customer("#1032"))
    assert (result.ok, result.code, result.data) == (False, "not_found", {})
    assert result.error == "No order with this number is known for this customer."


async def test_irreversible_tools_never_leave_a_conversation(box: ToolBox, world: World) -> None:
    for tool, args in (
        ("issue_refund", {"order_no": "#1032", "lines": [], "reason": "late"}),
        ("cancel_order", {"order_no": "#1001", "reason": "late"}),
        ("issue_coupon", {"order_no": "#1032", "reason": "late"}),
        ("create_return_label", {"order_no": "#1032", "lines": [], "reason": "late"}),
    ):
        assert (await _run(box, tool, args, world.customer())).code == "refused"


async def test_names_that_nobody_knows_are_not_called(box: ToolBox, world: World) -> None:
    for name in ("", "get_effect", "refund_execute", "orders.get_order", "__class__", "get_order; drop"):
        assert (await _run(box, name, {}, world.customer())).code == "unknown_tool", name


async def test_a_quote_is_read_by_its_own_name(box: ToolBox, world: World) -> None:
    args = {"order_no": "#1001", "reason": "late"}
    for tool in ("quote_cancel", "quote_coupon"):
        assert (await _run(box, tool, args, world.customer("#1001"))).ok


async def test_arguments_are_small_and_plain(box: ToolBox, world: World) -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    for args in (
        {"order_no": "1" * 16_001},
        {"order_no": deep},
        {str(n): n for n in range(5000)},
        {"order_no": 7},
        {"order_no": None},
        {"order_no": {"$ne": ""}},
        {"order_no": "#1032", "store": US},
    ):
        assert (await _run(box, "get_order", args, world.customer())).code == "invalid"


async def test_a_turn_that_runs_again_writes_nothing_twice(box: ToolBox, world: World) -> None:
    args = {"order_no": "#1032", "text": "Ring twice."}
    for turn in ("t-1", "t-1", "t-2"):
        assert (await _run(box, "add_order_note", args, world.customer(), turn)).ok
    order = world.platform.get_order(US, None, "#1032")
    assert order is not None
    assert order.notes == ("Ring twice.", "Ring twice.")


async def test_the_executor_brings_a_grant_and_nobody_else_can(box: ToolBox, world: World) -> None:
    args = {"order_no": "#1001", "reason": "changed_mind"}
    quote = await _run(box, "quote_cancel", args, world.customer("#1001"))
    grant = world.grant("cancel_order", args, quote.data["amount"]["amount_minor"], audience="orders")
    without = await box.execute("orders", "cancel_order", args, world.context(world.customer("#1001")), 5)
    assert without.code == "grant_missing"
    done = await box.execute("orders", "cancel_order", args, world.permit(grant), 5)
    assert done.ok
    assert done.data["action_id"] == grant.action_id
    assert (await box.execute("orders", "cancel_order", args, world.permit(grant), 5)).code == "grant_spent"
    assert (await box.execute("orders", "drop_table", {}, {}, 5)).code == "unknown_tool"
    assert (await box.execute("elsewhere", "cancel_order", {}, {}, 5)).code == "unknown_tool"


async def test_calls_side_by_side_keep_to_their_own_scope(box: ToolBox, world: World) -> None:
    cases = [("#1032", US), ("20261101001004", CN), ("#1004", US), ("20261101001032", CN)] * 8
    scopes = [world.customer(order_no, store, f"c-{at}") for at, (order_no, store) in enumerate(cases)]
    results = await asyncio.gather(
        *(
            _run(box, "get_order", {"order_no": order_no}, scope)
            for (order_no, _), scope in zip(cases, scopes, strict=True)
        )
    )
    assert [result.data["order_no"] for result in results] == [order_no for order_no, _ in cases]


async def test_brains_are_offered_exactly_their_tools(box: ToolBox) -> None:
    offered = box.schemas()
    assert [tool.name for tool in offered] == list(BRAIN_TOOLS)
    assert all(tool.description and tool.input_schema["type"] == "object" for tool in offered)


async def test_the_manifest_hash_is_the_same_inside_and_by_url(world: World) -> None:
    async with open_box(world, "memory") as inside, open_box(world, "url") as outside:
        assert inside.manifest_hash == outside.manifest_hash
        assert [tool.hash for tool in inside.schemas()] == [tool.hash for tool in outside.schemas()]


async def test_a_box_may_be_closed_in_another_task_than_it_was_opened(world: World) -> None:
    box = ToolBox(world.servers, world.context_key, world.clock)
    await asyncio.create_task(box.start())
    assert (await _run(box, "get_order", {"order_no": "#1032"}, world.customer())).ok
    await asyncio.create_task(box.close())
    assert (await _run(box, "get_order", {"order_no": "#1032"}, world.customer())).code == "down"
