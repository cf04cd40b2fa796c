"""Irreversible tools: only with a grant that fits exactly, once, and never more than was approved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlmodel import Session, select
from support.servers import CN, NOW, STORES, US, Answer, World, ask, served, world_on

from xiaoer.domain.permits import META_GRANT, Grant
from xiaoer.domain.refunds import cancel_amount, refundable
from xiaoer.mcp_servers.platforms.local.seed import seed_demo
from xiaoer.mcp_servers.platforms.protocol import Effect
from xiaoer.mcp_servers.state import SpentGrant
from xiaoer.storage.engine import make_engine
from xiaoer.storage.metadata import shop_metadata

DELIVERED, UNSHIPPED = "#1032", "#1001"


def _lines(world: World, order_no: str, at: int = 0) -> list[dict[str, Any]]:
    order = world.platform.get_order(US, None, order_no)
    assert order is not None
    return [{"line_id": order.lines[at].line_id, "quantity": 1}]


def _refund(world: World, **changes: Any) -> tuple[dict[str, Any], Grant]:
    """Arguments of a refund of one line, and the grant that fits them."""
    args = {"order_no": DELIVERED, "lines": _lines(world, DELIVERED), "reason": "damaged_or_wrong"}
    order = world.platform.get_order(US, None, DELIVERED)
    assert order is not None
    amount = refundable(order, [(args["lines"][0]["line_id"], 1)]).amount_minor
    return args, replace(world.grant("issue_refund", args, amount), **changes)


def _call(world: World, tool: str) -> tuple[str, dict[str, Any], Grant]:
    """Server, arguments and fitting grant of one irreversible tool."""
    if tool == "issue_refund":
        return "refunds", *_refund(world)
    if tool == "cancel_order":
        args: dict[str, Any] = {"order_no": UNSHIPPED, "reason": "changed_mind"}
        order = world.platform.get_order(US, None, UNSHIPPED)
        assert order is not None
        amount = cancel_amount(order).amount_minor
        return "orders", args, world.grant(tool, args, amount, audience="orders")
    if tool == "create_return_label":
        args = {"order_no": DELIVERED, "lines": _lines(world, DELIVERED), "reason": "changed_mind"}
        return "returns", args, world.grant(tool, args, audience="returns")
    args = {"order_no": DELIVERED, "reason": "late"}
    return "refunds", args, world.grant(tool, args, STORES[US].coupon_minor)


TOOLS = ("issue_refund", "cancel_order", "create_return_label", "issue_coupon")


def _shop(world: World) -> list[Any]:
    """Everything in the shop that an irreversible tool could move."""
    tables = ("orders", "lines", "refunds", "refund_lines", "returns", "return_lines", "coupons", "effects")
    with world.engine.connect() as connection:
        return [connection.execute(text(f"select * from shop_{name}")).all() for name in tables]


async def _do(world: World, server: str, tool: str, args: dict[str, Any], meta: dict[str, Any]) -> Answer:
    return await ask(world.servers[server], tool, args, meta)


@pytest.mark.parametrize("tool", TOOLS)
async def test_with_its_grant_it_happens_once_and_gives_a_receipt(world: World, tool: str) -> None:
    server, args, grant = _call(world, tool)
    answer = await _do(world, server, tool, args, world.permit(grant))
    assert answer.ok, answer
    assert answer.data["action_id"] == grant.action_id
    assert answer.data["order_no"] == grant.order_no
    assert (answer.data["amount"] or {}).get("amount_minor") == grant.amount_minor
    receipt = world.platform.get_effect(US, grant.action_id)
    assert receipt is not None
    assert receipt.reference == answer.data["reference"]


@pytest.mark.parametrize("tool", TOOLS)
async def test_without_a_grant_nothing_moves_whoever_calls(world: World, tool: str) -> None:
    server, args, _ = _call(world, tool)
    before = _shop(world)
    for meta in ({}, world.context(world.customer(args["order_no"])), {META_GRANT: ""}):
        assert (await _do(world, server, tool, args, meta)).code == "grant_missing"
    assert _shop(world) == before


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_grant_used_twice_is_refused_the_second_time(world: World, tool: str) -> None:
    server, args, grant = _call(world, tool)
    assert (await _do(world, server, tool, args, world.permit(grant))).ok
    after = _shop(world)
    assert (await _do(world, server, tool, args, world.permit(grant))).code == "grant_spent"
    assert _shop(world) == after


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_new_grant_for_the_same_action_gives_the_first_receipt(world: World, tool: str) -> None:
    server, args, grant = _call(world, tool)
    first = await _do(world, server, tool, args, world.permit(grant))
    after = _shop(world)
    again = replace(grant, grant_id="G-SECOND")
    assert await _do(world, server, tool, args, world.permit(again)) == first
    assert _shop(world) == after


async def test_ten_calls_at_once_with_one_grant_are_one_refund(world: World) -> None:
    args, grant = _refund(world)
    meta = world.permit(grant)
    answers = await asyncio.gather(*(_do(world, "refunds", "issue_refund", args, meta) for _ in range(10)))
    assert sum(answer.ok for answer in answers) == 1
    assert {answer.code for answer in answers if not answer.ok} == {"grant_spent"}


# What is wrong with the grant, and the word that says so.
MISFITS: dict[str, tuple[Callable[[Grant], Grant], str]] = {
    "stale": (lambda g: replace(g, expires_at=g.issued_at - timedelta(seconds=1)), "grant_expired"),
    "another server": (lambda g: replace(g, audience="orders"), "grant_audience"),
    "another tool": (lambda g: replace(g, tool="issue_coupon"), "grant_tool"),
    "a read": (lambda g: replace(g, tool="quote_refund"), "grant_tool"),
    "another order": (lambda g: replace(g, order_no="#1004"), "grant_order"),
    "another order in its arguments": (
        lambda g: replace(g, order_no="#1004", args={**g.args, "order_no": "#1004"}),
        "grant_args",
    ),
    "another quantity": (
        lambda g: replace(g, args={**g.args, "lines": [{**g.args["lines"][0], "quantity": 2}]}),
        "grant_args",
    ),
    "another reason": (lambda g: replace(g, args={**g.args, "reason": "late"}), "grant_args"),
    "more arguments": (lambda g: replace(g, args={**g.args, "amount_minor": 1}), "grant_args"),
    "no arguments": (lambda g: replace(g, args={}), "grant_args"),
    "another store": (lambda g: replace(g, store=CN), "not_found"),
    "an unknown store": (lambda g: replace(g, store="elsewhere"), "grant_store"),
    "more money": (lambda g: replace(g, amount_minor=(g.amount_minor or 0) + 1), "amount_changed"),
    "less money": (lambda g: replace(g, amount_minor=1), "amount_changed"),
    "a negative amount": (lambda g: replace(g, amount_minor=-100), "amount_changed"),
    "no amount": (lambda g: replace(g, amount_minor=None, currency=None), "amount_changed"),
    "another currency": (lambda g: replace(g, currency="CNY"), "amount_changed"),
    "an older order": (lambda g: replace(g, order_version=g.order_version - 1), "order_changed"),
    "older rules": (lambda g: replace(g, policy_version="2020-01-01"), "policy_changed"),
}


@pytest.mark.parametrize("misfit", MISFITS)
async def test_a_grant_that_does_not_fit_moves_nothing(world: World, misfit: str) -> None:
    change, code = MISFITS[misfit]
    args, grant = _refund(world)
    before = _shop(world)
    answer = await _do(world, "refunds", "issue_refund", args, world.permit(change(grant)))
    assert (answer.ok, answer.code) == (False, code), answer
    assert _shop(world) == before


async def test_a_forged_grant_moves_nothing(world: World) -> None:
    args, grant = _refund(world)
    before = _shop(world)
    other = Ed25519PrivateKey.generate()
    context_key = world.context_key
    for meta in (world.permit(grant, other), world.permit(grant, context_key), {META_GRANT: "a.b.c"}):
        assert (await _do(world, "refunds", "issue_refund", args, meta)).code == "grant_invalid"
    assert _shop(world) == before


async def test_a_grant_that_was_refused_for_the_record_is_spent_all_the_same(world: World) -> None:
    args, grant = _refund(world, policy_version="2020-01-01")
    meta = world.permit(grant)
    assert (await _do(world, "refunds", "issue_refund", args, meta)).code == "policy_changed"
    assert (await _do(world, "refunds", "issue_refund", args, meta)).code == "grant_spent"


async def test_an_order_that_moved_on_after_approval_is_not_refunded(world: World) -> None:
    args, grant = _refund(world)
    order = world.platform.get_order(US, None, DELIVERED)
    assert order is not None
    other = order.lines[1]
    amount = refundable(order, [(other.line_id, 1)])
    world.platform.issue_refund(
        US, Effect("A-OTHER", DELIVERED, ((other.line_id, 1),), "late", amount, "", order.version)
    )
    before = _shop(world)
    answer = await _do(world, "refunds", "issue_refund", args, world.permit(grant))
    assert answer.code == "order_changed"
    assert _shop(world) == before


async def test_a_line_that_was_refunded_is_worth_nothing(world: World) -> None:
    args, grant = _refund(world)
    assert (await _do(world, "refunds", "issue_refund", args, world.permit(grant))).ok
    before = _shop(world)
    fresh = world.grant("issue_refund", args, grant.amount_minor)
    answer = await _do(world, "refunds", "issue_refund", args, world.permit(fresh))
    assert answer.code == "amount_changed"
    nothing = world.grant("issue_refund", args, 0)
    assert not (await _do(world, "refunds", "issue_refund", args, world.permit(nothing))).ok
    assert _shop(world) == before


async def test_a_second_coupon_is_refused_even_when_both_were_approved(world: World) -> None:
    server, args, first = _call(world, "issue_coupon")
    other = {"order_no": "#1002", "reason": "late"}
    second = world.grant("issue_coupon", other, STORES[US].coupon_minor)
    assert (await _do(world, server, "issue_coupon", args, world.permit(first))).ok
    before = _shop(world)
    assert (await _do(world, server, "issue_coupon", other, world.permit(second))).code == "refused"
    assert _shop(world) == before


async def test_one_action_id_never_does_two_things(world: World) -> None:
    args, grant = _refund(world)
    assert (await _do(world, "refunds", "issue_refund", args, world.permit(grant))).ok
    _, coupon_args, coupon = _call(world, "issue_coupon")
    before = _shop(world)
    reused = replace(coupon, action_id=grant.action_id, grant_id="G-2")
    answer = await _do(world, "refunds", "issue_coupon", coupon_args, world.permit(reused))
    assert answer.code == "grant_action"
    assert _shop(world) == before


async def test_hostile_arguments_move_nothing_even_with_a_matching_grant(world: World) -> None:
    good, _ = _refund(world)
    line = good["lines"][0]["line_id"]
    before = _shop(world)
    for lines in (
        [],
        [{"line_id": line, "quantity": 0}],
        [{"line_id": line, "quantity": -1}],
        [{"line_id": line, "quantity": 999}],
        [{"line_id": line, "quantity": 1}] * 2,
        [{"line_id": "L-NONE", "quantity": 1}],
        [{"line_id": line, "quantity": "1"}],
        [{"line_id": line, "quantity": 1.5}],
        [{"line_id": line, "quantity": 1, "amount_minor": 1}],
        "all",
        None,
    ):
        args = {**good, "lines": lines}
        grant = world.grant("issue_refund", args, 99999, order_no=DELIVERED)
        answer = await _do(world, "refunds", "issue_refund", args, world.permit(grant))
        assert not answer.ok, lines
    assert _shop(world) == before


async def test_a_grant_is_marked_spent_before_the_effect(world: World) -> None:
    """When the shop dies in the middle, the same grant cannot try again."""

    class Dies:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.platform, name)

        def issue_refund(self, store: str, effect: Effect) -> Any:
            with Session(world.engine) as session:
                assert [row.action_id for row in session.exec(select(SpentGrant))] == [effect.action_id]
            raise OSError("the shop went away")

    args, grant = _refund(world)
    broken = replace(world, deps=replace(world.deps, platform=Dies()))
    first = await _do(broken, "refunds", "issue_refund", args, world.permit(grant))
    assert first.code == "failed"
    assert (await _do(world, "refunds", "issue_refund", args, world.permit(grant))).code == "grant_spent"


async def test_the_executor_reads_back_what_it_did(world: World) -> None:
    args, grant = _refund(world)
    look = {"action_id": grant.action_id}
    reading = world.grant(
        "get_effect", look, order_no=DELIVERED, action_id=grant.action_id, audience="refunds"
    )
    before = await _do(world, "refunds", "get_effect", look, world.permit(reading))
    assert before.data == {"found": False, "receipt": None}
    done = await _do(world, "refunds", "issue_refund", args, world.permit(grant))
    after = await _do(world, "refunds", "get_effect", look, world.permit(reading))
    assert after.data == {"found": True, "receipt": done.data}


async def test_nobody_else_reads_effects(world: World) -> None:
    args, grant = _refund(world)
    await _do(world, "refunds", "issue_refund", args, world.permit(grant))
    look = {"action_id": grant.action_id}
    for meta in (world.context(world.customer()), world.permit(replace(grant, grant_id="G-3"))):
        assert not (await _do(world, "refunds", "get_effect", look, meta)).ok
    other = world.grant("get_effect", look, order_no=DELIVERED, action_id="A-OTHER")
    assert (await _do(world, "refunds", "get_effect", look, world.permit(other))).code == "grant_args"


async def test_the_executor_quotes_any_order_with_a_grant_for_that_quote(world: World) -> None:
    args, grant = _refund(world)
    quoting = replace(grant, tool="quote_refund")
    answer = await _do(world, "refunds", "quote_refund", args, world.permit(quoting))
    assert answer.data["amount"]["amount_minor"] == grant.amount_minor
    again = await _do(world, "refunds", "quote_refund", args, world.permit(quoting))
    assert again.ok, "a look-up does not spend its grant"
    acting = await _do(world, "refunds", "quote_refund", args, world.permit(grant))
    assert acting.code == "grant_tool"


async def test_grants_hold_over_http_too(world: World) -> None:
    args, grant = _refund(world)
    before = _shop(world)
    async with served(world.servers["refunds"]) as url, served(world.servers["orders"]) as other:
        assert (await ask(url, "issue_refund", args, {})).code == "grant_missing"
        stale = replace(grant, expires_at=grant.issued_at - timedelta(seconds=1), grant_id="G-9")
        assert (await ask(url, "issue_refund", args, world.permit(stale))).code == "grant_expired"
        cancel = {"order_no": UNSHIPPED, "reason": "other"}
        assert (await ask(other, "cancel_order", cancel, world.permit(grant))).code == "grant_audience"
        assert _shop(world) == before
        assert (await ask(url, "issue_refund", args, world.permit(grant))).ok
        assert (await ask(url, "issue_refund", args, world.permit(grant))).code == "grant_spent"


@pytest.mark.postgres
async def test_one_grant_is_one_refund_on_postgresql_too(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    shop_metadata.create_all(engine)
    seed_demo(engine, US, NOW)
    world = world_on(engine)
    args, grant = _refund(world)
    meta = world.permit(grant)
    answers = await asyncio.gather(*(_do(world, "refunds", "issue_refund", args, meta) for _ in range(10)))
    order = world.platform.get_order(US, None, DELIVERED)
    engine.dispose()
    assert order is not None
    assert [refund.amount.amount_minor for refund in order.refunds] == [grant.amount_minor]
    assert sorted(answer.code for answer in answers) == ["", *["grant_spent"] * 9]
