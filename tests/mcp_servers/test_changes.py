"""The tools that change an order: quoted from the record, refused without a fitting grant, done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from support.changes import ADDRESS, ARRIVED, CHANGING, MOVING, UNSHIPPED, Call, call_of, label
from support.servers import CN, NOW, US, Answer, World, ask, world_on

from xiaoer.domain.canonical import digest
from xiaoer.domain.limits import Limits
from xiaoer.domain.parcels import ParcelState
from xiaoer.domain.permits import META_GRANT, Grant
from xiaoer.mcp_servers.platforms.local import LocalShop
from xiaoer.mcp_servers.platforms.local.records import (
    CustomerRecord,
    LineRecord,
    OrderRecord,
    ParcelRecord,
    PaymentRecord,
    ProductRecord,
    VariantRecord,
)
from xiaoer.mcp_servers.platforms.local.seed import seed_demo
from xiaoer.storage.engine import make_engine
from xiaoer.storage.metadata import shop_metadata

TABLES = (
    *("orders", "lines", "payments", "refunds", "returns", "return_lines", "parcels", "variants"),
    *("payment_requests", "effects"),
)


def _shop(world: World) -> LocalShop:
    return LocalShop(world.engine, world.clock)


def _call(world: World, tool: str) -> Call:
    return call_of(tool, world.platform, _shop(world))


def _state(world: World) -> list[Any]:
    """Everything in the shop that one of these tools could move."""
    with world.engine.connect() as connection:
        return [connection.execute(text(f"select * from shop_{name}")).all() for name in TABLES]


async def _quote(world: World, call: Call, **args: Any) -> Answer:
    meta = world.context(world.customer(call.order_no))
    return await ask(world.servers[call.server], call.quote, {**call.args, **args}, meta)


async def _granted(world: World, call: Call) -> Grant:
    """The grant that an approval of the shop's own quote leads to."""
    said = await _quote(world, call)
    assert said.ok, said
    amount = said.data["amount"]["amount_minor"] if said.data["amount"] else None
    return world.grant(call.tool, call.args, amount, order_no=call.order_no, audience=call.server)


async def _do(world: World, call: Call, meta: dict[str, Any]) -> Answer:
    return await ask(world.servers[call.server], call.tool, call.args, meta)


@pytest.mark.parametrize("tool", CHANGING)
async def test_with_its_grant_it_happens_once_and_can_be_read_back(world: World, tool: str) -> None:
    call = _call(world, tool)
    grant = await _granted(world, call)
    answer = await _do(world, call, world.permit(grant))
    assert answer.ok, answer
    assert (answer.data["action_id"], answer.data["order_no"]) == (grant.action_id, call.order_no)
    assert answer.data["details"]["args_digest"] == digest(call.args)
    look = {"action_id": grant.action_id}
    reading = world.grant("get_effect", look, order_no=call.order_no, action_id=grant.action_id)
    reading = replace(reading, audience=call.server)
    back = await ask(world.servers[call.server], "get_effect", look, world.permit(reading))
    assert back.data == {"found": True, "receipt": answer.data}


@pytest.mark.parametrize("tool", CHANGING)
async def test_the_quote_names_a_clause_every_change_and_the_destination(world: World, tool: str) -> None:
    call = _call(world, tool)
    before = _state(world)
    said = (await _quote(world, call)).data
    assert (said["tool"], said["order_no"]) == (tool, call.order_no)
    assert said["decision"] == "needs_approval", said["clause_id"]
    assert said["clause_text"]["zh"] and said["clause_text"]["en"]
    assert said["changes"] and said["missing"] == []
    assert _state(world) == before


@pytest.mark.parametrize("tool", CHANGING)
async def test_without_a_grant_nothing_moves_whoever_calls(world: World, tool: str) -> None:
    call = _call(world, tool)
    before = _state(world)
    for meta in ({}, world.context(world.customer(call.order_no)), {META_GRANT: ""}):
        assert (await _do(world, call, meta)).code == "grant_missing"
    assert _state(world) == before


@pytest.mark.parametrize("tool", CHANGING)
async def test_a_used_grant_is_refused_and_a_new_one_gives_the_first_receipt(world: World, tool: str) -> None:
    call = _call(world, tool)
    grant = await _granted(world, call)
    first = await _do(world, call, world.permit(grant))
    after = _state(world)
    assert (await _do(world, call, world.permit(grant))).code == "grant_spent"
    assert await _do(world, call, world.permit(replace(grant, grant_id="G-2"))) == first
    assert _state(world) == after


MISFITS: dict[str, tuple[Callable[[Grant], Grant], set[str]]] = {
    "stale": (lambda g: replace(g, expires_at=g.issued_at - timedelta(seconds=1)), {"grant_expired"}),
    "another server": (lambda g: replace(g, audience="knowledge"), {"grant_audience"}),
    "another tool": (lambda g: replace(g, tool="issue_coupon"), {"grant_tool"}),
    "its quote": (lambda g: replace(g, tool="quote_address"), {"grant_tool"}),
    "more arguments": (lambda g: replace(g, args={**g.args, "amount_minor": 1}), {"grant_args"}),
    "no arguments": (lambda g: replace(g, args={}), {"grant_args"}),
    "another order": (lambda g: replace(g, order_no="#1004"), {"grant_order", "not_found"}),
    "another store": (lambda g: replace(g, store=CN), {"not_found"}),
    "more money": (lambda g: replace(g, amount_minor=77_777, currency="USD"), {"amount_changed"}),
    "an older order": (lambda g: replace(g, order_version=g.order_version - 1), {"order_changed"}),
    "older rules": (lambda g: replace(g, policy_version="2020-01-01"), {"policy_changed"}),
}


@pytest.mark.parametrize("tool", CHANGING)
async def test_a_grant_that_does_not_fit_moves_nothing(world: World, tool: str) -> None:
    call = _call(world, tool)
    grant = await _granted(world, call)
    before = _state(world)
    for name, (change, codes) in MISFITS.items():
        wrong = replace(change(grant), grant_id=f"G-{name}")
        answer = await _do(world, call, world.permit(wrong))
        assert not answer.ok and answer.code in codes, (name, answer)
    forged = await _do(world, call, world.permit(grant, Ed25519PrivateKey.generate()))
    assert forged.code == "grant_invalid"
    assert _state(world) == before


@pytest.mark.parametrize("tool", CHANGING)
async def test_a_stranger_is_not_even_quoted(world: World, tool: str) -> None:
    call = _call(world, tool)
    stranger = world.context(world.customer("#1004"))
    answer = await ask(world.servers[call.server], call.quote, call.args, stranger)
    assert answer.code == "not_found"


async def test_a_foreign_and_a_missing_parcel_or_return_are_told_alike(world: World) -> None:
    number = _call(world, "intercept_parcel").args["tracking_no"]
    return_id = label(world.platform)
    window = {"date": "2026-11-24", "start": "09:00", "end": "13:00"}
    stranger = world.context(world.customer("#1004"))
    for server, tool, args, other in (
        (
            "logistics",
            "quote_interception",
            {"tracking_no": number, "kind": "hold"},
            {"tracking_no": "T0000000"},
        ),
        ("returns", "check_pickup", {"return_id": return_id, "window": window}, {"return_id": "R-NONE"}),
    ):
        foreign = await ask(world.servers[server], tool, args, stranger)
        missing = await ask(world.servers[server], tool, {**args, **other}, stranger)
        assert foreign == missing


async def test_the_executor_quotes_the_order_of_its_grant_where_two_share_a_number(world: World) -> None:
    call = _call(world, "intercept_parcel")
    parcel = ParcelRecord(call.args["tracking_no"], (("L1", 1),), "usps", "USPS", ParcelState.IN_TRANSIT)
    owner = CustomerRecord("Ben Fixture", "ben", "ben@example.com")
    line, paid = (
        LineRecord("L1", "MAT-SAGE", "Grip Yoga Mat", 1, 4800, "mat"),
        PaymentRecord("P", "Visa", 4800),
    )
    later = OrderRecord("#9002", owner, "USD", (line,), (paid,), (parcel,), placed_at=NOW)
    _shop(world).place_order(US, later)
    for order_no in (MOVING, "#9002"):
        grant = world.grant(call.quote, call.args, order_no=order_no, audience=call.server)
        said = await ask(world.servers[call.server], call.quote, call.args, world.permit(grant))
        assert said.data["order_no"] == order_no
    grant = world.grant(call.quote, call.args, order_no="#1004", audience=call.server)
    assert (
        await ask(world.servers[call.server], call.quote, call.args, world.permit(grant))
    ).code == "not_found"


@pytest.mark.parametrize("tool", CHANGING)
async def test_ten_calls_at_once_are_one_effect(world: World, tool: str) -> None:
    call = _call(world, tool)
    grant = await _granted(world, call)
    metas = [world.permit(replace(grant, grant_id=f"G-{at}")) for at in range(10)]
    answers = await asyncio.gather(*(_do(world, call, meta) for meta in metas))
    assert all(answer.ok or answer.code == "order_changed" for answer in answers), answers
    with world.engine.connect() as connection:
        done = connection.execute(
            text("select action_id from shop_effects where action_id != 'A-LABEL'")
        ).all()
    assert [row.action_id for row in done] == [grant.action_id]


# ── what each of them does ───────────────────────────────────────────────────────────────────


async def _done(world: World, call: Call) -> dict[str, Any]:
    answer = await _do(world, call, world.permit(await _granted(world, call)))
    assert answer.ok, answer
    return answer.data


async def test_the_new_address_stands_on_the_order_and_the_rest_of_it_stays(world: World) -> None:
    before = world.platform.ship_to(US, UNSHIPPED)
    order = world.platform.get_order(US, None, UNSHIPPED)
    await _done(world, _call(world, "change_address"))
    after = world.platform.ship_to(US, UNSHIPPED)
    now = world.platform.get_order(US, None, UNSHIPPED)
    assert before and after and order and now
    assert (after.street, after.city, after.postcode) == ("12 Fixture Road, Flat 3", "Portland", "97201")
    assert (after.recipient, after.phone, after.country) == (before.recipient, before.phone, before.country)
    assert now.version == order.version + 1 and now.lines == order.lines


@pytest.mark.parametrize(
    ("order_no", "changes", "clause"),
    [
        (UNSHIPPED, {}, "address.unshipped"),
        (UNSHIPPED, {"country": "US"}, "address.unshipped"),
        (UNSHIPPED, {"recipient": "Somebody Else"}, "address.recipient"),
        (UNSHIPPED, {"phone": "+1 415 555 0199"}, "address.recipient"),
        (UNSHIPPED, {"country": "CA", "postcode": "K1A 0B1", "region": "ON"}, "address.abroad"),
        (MOVING, {}, "address.shipped"),
        (ARRIVED, {}, "address.over"),
    ],
)
async def test_who_and_where_decide_about_a_change_of_address(
    world: World, order_no: str, changes: dict[str, str], clause: str
) -> None:
    call = Call("change_address", "orders", "quote_address", order_no, {"order_no": order_no})
    said = await _quote(world, call, address={**ADDRESS, **changes})
    assert said.data["clause_id"] == clause
    assert (said.data["decision"] == "deny") is clause.endswith(
        ("shipped", "over")
    ) or clause == "address.unshipped"


@pytest.mark.parametrize(
    "wrong",
    [
        {"postcode": "9720"},
        {"postcode": "97201; DROP"},
        {"country": "U"},
        {"country": "Oz"},
        {"lines": []},
        {"lines": ["a"] * 4},
        {"lines": ["\u200b\u202e"]},
        {"city": "x" * 81},
        {"phone": "call me"},
        {"customer_ref": "C-1"},
    ],
)
async def test_an_address_that_is_none_is_refused(world: World, wrong: dict[str, Any]) -> None:
    call = _call(world, "change_address")
    said = await _quote(world, call, address={**ADDRESS, **wrong})
    assert said.code == "invalid" or said.data["clause_id"] == "address.abroad"


async def test_another_variant_is_taken_and_what_is_less_is_refunded(world: World) -> None:
    before = world.platform.get_order(US, None, UNSHIPPED)
    receipt = await _done(world, _call(world, "change_items"))
    after = world.platform.get_order(US, None, UNSHIPPED)
    assert before and after
    stand = next(line for line in before.lines if line.quantity == 2)
    assert receipt["amount"]["amount_minor"] == stand.unit_price.amount_minor
    assert after.refunded == stand.unit_price
    assert after.total == before.total - stand.unit_price
    assert {line.sku: line.quantity for line in after.lines} == {"LAMP-BLK": 1, "STAND-SLV": 1}


async def test_a_dearer_variant_asks_for_the_difference_where_the_shop_allows_it(world: World) -> None:
    lamp = next(line for line in _lines(world, UNSHIPPED) if line.sku == "LAMP-WHT")
    args = {"order_no": UNSHIPPED, "changes": [{"line_id": lamp.line_id, "quantity": 3}]}
    call = Call("change_items", "orders", "quote_items", UNSHIPPED, args)
    said = (await _quote(world, call)).data
    assert (said["clause_id"], said["decision"], said["amount"]) == ("items.dearer", "needs_approval", None)
    assert {"what": "due", "old": "", "new": "$79.80"} in said["changes"]
    receipt = await _done(world, call)
    assert receipt["details"]["due"] == "$79.80"
    order = world.platform.get_order(US, None, UNSHIPPED)
    assert order is not None
    paid = sum(payment.amount.amount_minor for payment in order.payments)
    assert order.total.amount_minor - paid == 7980


async def test_a_dearer_variant_is_refused_with_the_clause_that_says_so_where_the_shop_does_not(
    world: World,
) -> None:
    policy = world.deps.stores[CN].policy
    dearer = next(clause for clause in policy.clauses if clause.id == "items.dearer")
    assert dearer.then.value == "deny" and "dearer" in dearer.text["en"]


async def test_what_is_out_of_stock_shipped_or_another_article_is_not_given(world: World) -> None:
    lamp, stand = (line.line_id for line in _lines(world, UNSHIPPED))
    asked = {
        "items.other": {"order_no": UNSHIPPED, "changes": [{"line_id": lamp, "sku": "MAT-SAGE"}]},
        "items.shipped": {
            "order_no": MOVING,
            "changes": [{"line_id": _lines(world, MOVING)[0].line_id, "quantity": 2}],
        },
    }
    for clause, args in asked.items():
        call = Call("change_items", "orders", "quote_items", args["order_no"], args)
        assert (await _quote(world, call)).data["clause_id"] == clause
    _count_stock(world, "LAMP-BLK", 0)
    out = {"order_no": UNSHIPPED, "changes": [{"line_id": lamp, "sku": "LAMP-BLK"}]}
    call = Call("change_items", "orders", "quote_items", UNSHIPPED, out)
    assert (await _quote(world, call)).data["clause_id"] == "items.out_of_stock"
    empty = {"order_no": UNSHIPPED, "changes": [{"line_id": line, "quantity": 0} for line in (lamp, stand)]}
    assert (await _quote(world, replace(call, args=empty))).code == "invalid"


async def test_a_line_that_is_taken_out_is_refunded_and_never_sent(world: World) -> None:
    lamp = next(line for line in _lines(world, UNSHIPPED) if line.sku == "LAMP-WHT")
    args = {"order_no": UNSHIPPED, "changes": [{"line_id": lamp.line_id, "quantity": 0}]}
    receipt = await _done(world, Call("change_items", "orders", "quote_items", UNSHIPPED, args))
    assert receipt["amount"]["amount_minor"] == lamp.unit_price.amount_minor
    line = next(line for line in _lines(world, UNSHIPPED) if line.line_id == lamp.line_id)
    assert (line.refundable_quantity, line.cancelled_quantity) == (0, 1)


async def test_an_exchange_reserves_the_new_one_and_the_old_one_is_neither_refunded_nor_returned(
    world: World,
) -> None:
    _count_stock(world, "EAR-BLK", 3)
    receipt = await _done(world, _call(world, "exchange_items"))
    order = world.platform.get_order(US, None, ARRIVED)
    assert order is not None
    old, new = order.lines[0], order.lines[-1]
    assert (new.sku, new.quantity, new.shipped_quantity) == ("EAR-BLK", 1, 0)
    assert old.refundable_quantity == 0
    assert world.platform.articles(US, ["EAR-BLK"])["EAR-BLK"].stock == 2
    (back,) = order.returns
    assert (back.return_id, back.kind) == (receipt["reference"], "exchange")
    lines = [{"line_id": old.line_id, "quantity": 1}]
    for server, tool in (("refunds", "quote_refund"), ("returns", "check_return")):
        args = {"order_no": ARRIVED, "lines": lines, "reason": "damaged_or_wrong"}
        said = await ask(world.servers[server], tool, args, world.context(world.customer(ARRIVED)))
        assert said.data["decision"] == "deny", tool
    _shop(world).receive_return(US, back.return_id)
    said = await ask(world.servers["refunds"], "quote_refund", args, world.context(world.customer(ARRIVED)))
    assert said.data["decision"] == "deny"


async def test_what_has_come_back_is_refunded_even_after_the_window(world: World) -> None:
    return_id = label(world.platform)
    line = _lines(world, ARRIVED)[0].line_id
    args = {"order_no": ARRIVED, "lines": [{"line_id": line, "quantity": 1}], "reason": "changed_mind"}
    meta = world.customer(ARRIVED)
    world.clock.forward(days=60)
    early = await ask(world.servers["refunds"], "quote_refund", args, world.context(meta))
    assert early.data["decision"] == "deny"
    _shop(world).receive_return(US, return_id)
    said = await ask(world.servers["refunds"], "quote_refund", args, world.context(meta))
    assert (said.data["clause_id"], said.data["decision"]) == ("refund.returned", "needs_approval")


async def test_a_payment_only_moves_to_a_method_of_this_customer(world: World) -> None:
    call = _call(world, "change_payment")
    for method_id, clause in (
        ("PAY-1004", "payment.unknown"),
        ("PAY-1001", "payment.same"),
        ("PAY-SECOND", "payment.other"),
    ):
        said = (await _quote(world, call, payment_method_id=method_id)).data
        assert said["clause_id"] == clause
        assert said["facts"]["unusual_destination"] is True
    await _done(world, call)
    order = world.platform.get_order(US, None, UNSHIPPED)
    assert order is not None
    assert {payment.method for payment in order.payments} == {"PayPal"}


async def test_where_no_second_person_is_asked_for_no_payment_moves(world: World) -> None:
    call = _call(world, "change_payment")
    alone = replace(world.deps.stores[US], limits=Limits())
    lax = replace(world, deps=replace(world.deps, stores={**world.deps.stores, US: alone}))
    assert (await _quote(lax, call)).code == "refused"
    fits = world.grant(call.tool, call.args, 1, audience=call.server)
    before = _state(world)
    assert (await _do(lax, call, world.permit(fits))).code == "refused"
    assert _state(world) == before


async def test_a_courier_comes_once_from_the_address_on_the_record(world: World) -> None:
    call = _call(world, "book_pickup")
    said = (await _quote(world, call)).data
    where = world.platform.ship_to(US, ARRIVED)
    assert where is not None
    assert {"what": "pickup_at", "old": "", "new": where.line()} in said["changes"]
    await _done(world, call)
    order = world.platform.get_order(US, None, ARRIVED)
    assert order is not None
    assert order.returns[0].pickup == "2026-11-24 09:00-13:00"
    assert (await _quote(world, call)).data["clause_id"] == "pickup.booked"


@pytest.mark.parametrize(
    ("window", "outcome"),
    [
        ({"date": "2026-11-19"}, "invalid"),
        ({"date": "2026-02-30"}, "invalid"),
        ({"date": "2026-12-20"}, "pickup.far"),
        ({"start": "14:00"}, "invalid"),
        ({"start": "24:10"}, "invalid"),
    ],
)
async def test_a_window_that_cannot_be_is_refused(world: World, window: dict[str, str], outcome: str) -> None:
    call = _call(world, "book_pickup")
    said = await _quote(world, call, window={**call.args["window"], **window})
    assert outcome in (said.code, said.data.get("clause_id"))


async def test_a_stopped_parcel_comes_back_and_one_that_was_not_goes_on(world: World) -> None:
    call = _call(world, "intercept_parcel")
    await _done(world, call)
    number = call.args["tracking_no"]
    order = world.platform.get_order(US, None, MOVING)
    assert order is not None and order.parcels[0].interception.value == "requested"
    assert (await _quote(world, call)).data["clause_id"] == "intercept.asked"
    _shop(world).answer_interception(US, MOVING, number, stopped=False)
    assert (await _quote(world, call)).data["clause_id"] == "intercept.moving"
    world.clock.forward(minutes=1)
    await _done(world, call)
    _shop(world).answer_interception(US, MOVING, number, stopped=True)
    order = world.platform.get_order(US, None, MOVING)
    assert order is not None
    assert (order.parcels[0].interception.value, order.state.value) == ("confirmed", "going_back")


async def test_only_a_redirection_takes_an_address_and_none_goes_abroad(world: World) -> None:
    call = _call(world, "intercept_parcel")
    assert (await _quote(world, call, kind="redirect")).code == "invalid"
    assert (await _quote(world, call, address=ADDRESS)).code == "invalid"
    said = (await _quote(world, call, kind="redirect", address=ADDRESS)).data
    assert said["clause_id"] == "intercept.moving" and "Portland" in said["destination"]
    abroad = {**ADDRESS, "country": "DE", "postcode": "10115"}
    said = (await _quote(world, call, kind="redirect", address=abroad)).data
    assert said["clause_id"] == "intercept.abroad"


@pytest.mark.postgres
async def test_they_happen_once_on_postgresql_too(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    shop_metadata.create_all(engine)
    seed_demo(engine, US, NOW)
    world = world_on(engine)
    for tool in ("change_address", "change_items", "exchange_items", "intercept_parcel", "change_payment"):
        call = _call(world, tool)
        grant = await _granted(world, call)
        metas = [world.permit(replace(grant, grant_id=f"G-{tool}-{at}")) for at in range(6)]
        answers = await asyncio.gather(*(_do(world, call, meta) for meta in metas))
        assert any(answer.ok for answer in answers), answers
        with engine.connect() as connection:
            done = connection.execute(
                text("select tool from shop_effects where tool = :t"), {"t": tool}
            ).all()
        assert len(done) == 1
    engine.dispose()


def _lines(world: World, order_no: str) -> Any:
    order = world.platform.get_order(US, None, order_no)
    assert order is not None
    return order.lines


def _count_stock(world: World, sku: str, stock: int) -> None:
    article = world.platform.articles(US, [sku])[sku]
    kind = VariantRecord(sku, article.options, article.price.amount_minor, True, stock)
    product = next(p for p in world.platform.find_products(US, article.product_id, None))
    others = tuple(
        VariantRecord(v.sku, v.options, v.price.amount_minor, v.available)
        for v in product.variants
        if v.sku != sku
    )
    record = ProductRecord(product.product_id, product.title, "USD", (kind, *others), product.description)
    _shop(world).put_product(US, record)
