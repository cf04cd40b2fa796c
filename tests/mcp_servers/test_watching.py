"""A context for keeping a promise reads the state of one order, of one customer, and nothing else."""

from __future__ import annotations

from datetime import timedelta

from support.servers import US, World, ask

from xiaoer.domain.identity import Scope
from xiaoer.domain.permits import META_CONTEXT

OWN, ALSO_OWN = "#1032", "#1009"  # both Jane's
_READABLE = {"get_order", "track_order"}


def watching(world: World, order_no: str = OWN) -> dict[str, object]:
    reference = world.customer(OWN).customer_ref
    scope = Scope(US, "C-1").watching(order_no, reference, world.clock() + timedelta(seconds=90))
    return world.context(scope)


async def test_the_promised_order_is_read_in_whatever_way_its_number_is_written(world: World) -> None:
    for written in (OWN, OWN.lstrip("#")):
        track = await ask(world.servers["logistics"], "track_order", {"order_no": written}, watching(world))
        assert track.ok, track
        order = await ask(world.servers["orders"], "get_order", {"order_no": written}, watching(world))
        assert order.ok, order


async def test_another_order_of_the_same_customer_is_refused(world: World) -> None:
    for server, tool in (("logistics", "track_order"), ("orders", "get_order")):
        answer = await ask(world.servers[server], tool, {"order_no": ALSO_OWN}, watching(world))
        assert (answer.ok, answer.code) == (False, "context_limited"), tool


async def test_no_other_tool_works_with_it_even_for_the_promised_order(world: World) -> None:
    lines = [{"line_id": world.platform.get_order(US, None, OWN).lines[0].line_id, "quantity": 1}]
    calls = [
        ("orders", "find_orders", {}),
        ("orders", "add_order_note", {"order_no": OWN, "text": "hello"}),
        ("orders", "quote_cancel", {"order_no": OWN, "reason": "other"}),
        ("returns", "check_return", {"order_no": OWN, "lines": lines}),
        ("refunds", "quote_refund", {"order_no": OWN, "lines": lines, "reason": "late"}),
        ("suppliers", "ask_supplier", {"question": "When is it sent?", "order_no": OWN}),
    ]
    for server, tool, args in calls:
        answer = await ask(world.servers[server], tool, args, watching(world))
        assert (answer.ok, answer.code) == (False, "context_limited"), tool


async def test_it_ends_with_its_minute_and_a_forged_limit_is_no_context(world: World) -> None:
    meta = watching(world)
    world.clock.forward(minutes=3)
    late = await ask(world.servers["logistics"], "track_order", {"order_no": OWN}, meta)
    assert (late.ok, late.code) == (False, "context_expired")
    forged = {**meta, META_CONTEXT: str(meta[META_CONTEXT]) + "x"}
    answer = await ask(world.servers["logistics"], "track_order", {"order_no": OWN}, forged)
    assert not answer.ok
