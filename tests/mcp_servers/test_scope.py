"""Who may read what: signed contexts, levels, and one answer for the foreign and the missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from support.servers import CN, US, World, ask

from xiaoer.domain.identity import Level
from xiaoer.domain.permits import META_CONTEXT

# Jane owns #1001, #1002, #1009 and #1032; Omar owns #1003, #1004 and #1012.
OWN, FOREIGN, MISSING = "#1032", "#1004", "#9999"


def _reads(world: World, order_no: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Every tool that reads one order, refund, return or parcel, with arguments that name it."""
    order = world.platform.get_order(US, None, order_no)
    line = order.lines[0].line_id if order else "L1"
    parcel = order.parcels[0].tracking_no if order and order.parcels else "T-NONE"
    refund = order.refunds[0].refund_id if order and order.refunds else "RF-NONE"
    lines = [{"line_id": line, "quantity": 1}]
    return [
        ("orders", "get_order", {"order_no": order_no}),
        ("orders", "add_order_note", {"order_no": order_no, "text": "hello"}),
        ("orders", "quote_cancel", {"order_no": order_no, "reason": "other"}),
        ("logistics", "track_order", {"order_no": order_no}),
        ("logistics", "track_parcel", {"tracking_no": parcel}),
        ("logistics", "estimate_arrival", {"tracking_no": parcel}),
        ("logistics", "subscribe_parcel", {"tracking_no": parcel}),
        ("returns", "check_return", {"order_no": order_no, "lines": lines}),
        ("refunds", "quote_refund", {"order_no": order_no, "lines": lines, "reason": "late"}),
        ("refunds", "quote_coupon", {"order_no": order_no, "reason": "late"}),
        ("refunds", "get_refund", {"refund_id": refund}),
        ("suppliers", "ask_supplier", {"question": "When is it sent?", "order_no": order_no}),
    ]


async def test_a_foreign_order_and_a_missing_one_get_the_same_answer(world: World) -> None:
    meta = world.context(world.customer(OWN))
    foreign, missing = _reads(world, "#1012"), _reads(world, MISSING)
    for (server, tool, args), (_, _, none) in zip(foreign, missing, strict=True):
        one = await ask(world.servers[server], tool, args, meta)
        other = await ask(world.servers[server], tool, none, meta)
        assert (one.ok, one.code) == (False, "not_found"), (tool, one)
        assert one == other, tool


async def test_an_owner_reads_what_is_his(world: World) -> None:
    meta = world.context(world.customer("#1012"))
    for server, tool, args in _reads(world, "#1012"):
        answer = await ask(world.servers[server], tool, args, meta)
        assert answer.ok, (tool, answer)


async def test_who_has_proven_nothing_reads_no_order(world: World) -> None:
    meta = world.context(world.visitor())
    for server, tool, args in _reads(world, OWN):
        answer = await ask(world.servers[server], tool, args, meta)
        assert (answer.ok, answer.code) == (False, "context_unproven"), tool


async def test_public_facts_need_no_proof(world: World) -> None:
    meta = world.context(world.visitor())
    for server, tool, args in (
        ("orders", "get_product", {"query": "lamp"}),
        ("logistics", "identify_carrier", {"tracking_no": "1Z999AA10123456784"}),
        ("knowledge", "search_knowledge", {"query": "lamp"}),
        ("knowledge", "report_gap", {"question": "Is the lamp waterproof?"}),
        ("suppliers", "ask_supplier", {"question": "When is the lamp back?"}),
    ):
        answer = await ask(world.servers[server], tool, args, meta)
        assert answer.ok, (tool, answer)


@pytest.mark.parametrize("server", ["orders", "logistics", "knowledge", "suppliers", "refunds", "returns"])
async def test_no_context_a_forged_one_and_an_old_one_are_refused(world: World, server: str) -> None:
    tool, args = {
        "orders": ("get_product", {"query": "lamp"}),
        "logistics": ("identify_carrier", {"tracking_no": "1Z999AA10123456784"}),
        "knowledge": ("get_entry", {"entry_id": "us-1"}),
        "suppliers": ("get_supplier_answer", {"inquiry_id": "Q-1"}),
        "refunds": ("get_refund", {"refund_id": "RF-1"}),
        "returns": ("get_return", {"return_id": "R-1"}),
    }[server]
    good = world.context(world.customer())
    forged = world.context(world.customer(), Ed25519PrivateKey.generate())
    grant_as_context = {META_CONTEXT: next(iter(world.permit(world.grant("get_order", {})).values()))}
    # The good one first: a remembered signature must not outlive its context.
    assert (await ask(world.servers[server], tool, args, good)).code in ("", "not_found")
    for meta, code in (
        ({}, "context_missing"),
        ({META_CONTEXT: 7}, "context_missing"),
        ({META_CONTEXT: "nonsense"}, "context_invalid"),
        (forged, "context_invalid"),
        (grant_as_context, "context_invalid"),
    ):
        assert (await ask(world.servers[server], tool, args, meta)).code == code
    world.clock.forward(seconds=121)
    assert (await ask(world.servers[server], tool, args, good)).code == "context_expired"


async def test_a_store_sees_nothing_of_another(world: World) -> None:
    of_china = world.customer("20261101001001", CN)
    smuggled = replace(of_china, store=US)
    answer = await ask(
        world.servers["orders"], "get_order", {"order_no": "20261101001001"}, world.context(smuggled)
    )
    assert answer.code == "not_found"
    listed = await ask(world.servers["orders"], "find_orders", {}, world.context(smuggled))
    assert listed.data == {"orders": []}
    found = await ask(
        world.servers["knowledge"], "get_entry", {"entry_id": "cn-1"}, world.context(world.visitor(US))
    )
    assert found.code == "not_found"


async def test_an_unknown_store_is_refused(world: World) -> None:
    meta = world.context(replace(world.visitor(), store="elsewhere"))
    answer = await ask(world.servers["orders"], "get_product", {"query": "lamp"}, meta)
    assert answer.code == "context_store"


async def test_a_channel_log_in_opens_the_customers_own_orders(world: World) -> None:
    customer_ref = world.customer_of(OWN)
    with world.engine.begin() as connection:
        connection.execute(
            text("update shop_customers set external_id = 'web-7' where customer_ref = :ref"),
            {"ref": customer_ref},
        )
    logged_in = replace(world.visitor(), level=Level.CHANNEL, external_id="web-7")
    stranger = replace(logged_in, external_id="web-8")
    args = {"order_no": OWN}
    assert (await ask(world.servers["orders"], "get_order", args, world.context(logged_in))).ok
    answer = await ask(world.servers["orders"], "get_order", args, world.context(stranger))
    assert answer.code == "context_unproven"
    claimed_only = replace(logged_in, level=Level.ANONYMOUS)
    answer = await ask(world.servers["orders"], "get_order", args, world.context(claimed_only))
    assert answer.code == "context_unproven"


async def test_a_proof_that_has_ended_opens_nothing(world: World) -> None:
    scope = replace(world.customer(), expires_at=world.clock() - timedelta(seconds=1))
    answer = await ask(world.servers["orders"], "get_order", {"order_no": OWN}, world.context(scope))
    assert answer.code == "context_unproven"


async def test_a_question_to_a_supplier_is_read_in_its_own_conversation_only(world: World) -> None:
    server = world.servers["suppliers"]
    here, there = world.context(world.visitor()), world.context(world.visitor(conversation="c-2"))
    asked = await ask(server, "ask_supplier", {"question": "When is the lamp back?"}, here)
    inquiry = {"inquiry_id": asked.data["inquiry_id"]}
    assert (await ask(server, "get_supplier_answer", inquiry, here)).data["status"] == "open"
    foreign = await ask(server, "get_supplier_answer", inquiry, there)
    assert foreign == await ask(server, "get_supplier_answer", {"inquiry_id": "Q-NONE"}, there)


async def test_no_answer_shows_a_customers_reference(world: World) -> None:
    meta = world.context(world.customer("#1012"))
    for server, tool, args in _reads(world, "#1012"):
        answer = await ask(world.servers[server], tool, args, meta)
        assert world.customer_of("#1012") not in str(answer.data), tool
