"""The demo stores tell the stories that they are there for, whatever the hour of seeding."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select

from xiaoer.domain.orders import Order, OrderState
from xiaoer.domain.parcels import Verdict, assess_parcel
from xiaoer.domain.refunds import captured
from xiaoer.mcp_servers.platforms.local import LocalPlatform, demo_stores, seed_demo
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.demo_data import tracking_no
from xiaoer.mcp_servers.platforms.protocol import Proof

S, V = OrderState, Verdict
NUMBERS = {"demo-us": "#{}", "demo-cn": "2026110100{}"}
# number: state of the order, verdicts on its parcels, whole days that the last scan is old
STORIES: dict[int, tuple[OrderState, list[Verdict], int | None]] = {
    1001: (S.UNSHIPPED, [], None),
    1002: (S.SHIPPED, [V.ON_ITS_WAY], 1),
    1003: (S.SHIPPED, [V.OUT_FOR_DELIVERY], 0),
    1004: (S.DELIVERED, [V.DELIVERED], 3),
    1005: (S.DELIVERED, [V.DELIVERED], 2),
    1006: (S.SHIPPED, [V.STUCK], 6),
    1007: (S.SHIPPED, [V.CUSTOMS_HELD], 2),
    1008: (S.SHIPPED, [V.NUMBER_UNKNOWN], 4),
    1009: (S.PARTLY_SHIPPED, [V.DELIVERED, V.ON_ITS_WAY, V.LABEL_ONLY], 4),
    1010: (S.GOING_BACK, [V.GOING_BACK], 1),
    1011: (S.CANCELLED, [], None),
    1012: (S.DELIVERED, [V.DELIVERED], 12),
    1013: (S.DELIVERED, [V.DELIVERED], 45),
    1032: (S.DELIVERED, [V.DELIVERED], 5),
}
PROOFS = {
    "demo-us": [
        (1032, "jane@example.com", "0142", "Jane Demo", "94110"),
        (1003, "omar@example.com", "0177", "Sample, Omar", "60614"),
        (1005, "priya@example.com", "0163", "priya example", "10027"),
        (1007, "lena@example.com", "0199", "Lena Test", "98101"),
        (1010, "marco@example.com", "0108", "Marco Specimen", "33130"),
    ],
    "demo-cn": [
        (1032, "zhang@example.com", "7752", "张测试", "200001"),
        (1003, "li@example.com", "6631", "李样例", "510000"),
        (1005, "wang@example.com", "8846", "王演示", "610000"),
        (1007, "chen@example.com", "5527", "陈范例", "310000"),
        (1010, "zhao@example.com", "4419", "赵示范", "430000"),
    ],
}


def _orders(engine: Engine, store: str) -> list[Order]:
    platform = LocalPlatform(engine)
    with engine.connect() as conn:
        keys = conn.execute(select(t.orders.c.order_key).where(t.orders.c.store == store)).scalars().all()
    found = [platform.get_order(store, None, key) for key in keys]
    return [order for order in found if order]


# Seeding right after midnight of the store, at noon, and before midnight must tell the same.
@pytest.mark.parametrize("hour", [0, 8, 16, 23])
@pytest.mark.parametrize("store", sorted(NUMBERS))
def test_the_orders_to_try_are_in_the_state_that_is_promised(
    sqlite_engine: Engine, store: str, hour: int
) -> None:
    now = datetime(2026, 11, 20, hour, 3, tzinfo=UTC)
    seed_demo(sqlite_engine, store, now)
    platform = LocalPlatform(sqlite_engine)
    for number, (state, verdicts, quiet) in STORIES.items():
        order = platform.get_order(store, None, NUMBERS[store].format(number))
        assert order is not None
        healths = [assess_parcel(parcel, now) for parcel in order.parcels]
        assert (number, order.state, [health.verdict for health in healths]) == (number, state, verdicts)
        assert quiet is None or healths[0].quiet_days == quiet


@pytest.mark.parametrize("store", sorted(NUMBERS))
def test_the_people_of_the_orders_can_prove_themselves(engine: Engine, now: datetime, store: str) -> None:
    seed_demo(engine, store, now)
    platform = LocalPlatform(engine)
    for number, email, tail, name, postcode in PROOFS[store]:
        no = NUMBERS[store].format(number)
        offers: list[dict[str, Any]] = [
            {"email": email}, {"phone_tail": tail}, {"name": name, "postcode": postcode}
        ]  # fmt: skip
        refs = {platform.customer_by_proof(store, Proof(no, **offer)) for offer in offers}
        assert len(refs) == 1
        assert None not in refs


@pytest.mark.parametrize("store", sorted(NUMBERS))
def test_seeding_twice_changes_nothing(engine: Engine, now: datetime, store: str) -> None:
    assert seed_demo(engine, store, now) == 60
    before = _orders(engine, store)
    assert seed_demo(engine, store, datetime(2027, 1, 1, tzinfo=UTC)) == 0
    assert _orders(engine, store) == before


@pytest.mark.parametrize("store", sorted(NUMBERS))
def test_every_demo_order_adds_up(sqlite_engine: Engine, now: datetime, store: str) -> None:
    seed_demo(sqlite_engine, store, now)
    orders = _orders(sqlite_engine, store)
    assert len(orders) == 60
    for order in orders:
        goods = sum(line.unit_price.amount_minor * line.quantity for line in order.lines)
        assert order.total.amount_minor == goods + order.shipping_fee.amount_minor
        assert captured(order) == order.total
        assert order.placed_at is not None
        assert order.placed_at < now
        for parcel in order.parcels:
            moments = [event.at for event in parcel.events]
            assert moments == sorted(moments, reverse=True)
            assert all(order.placed_at < moment <= now for moment in moments)
            assert parcel.supplier


def test_the_three_parcels_come_from_two_suppliers_and_one_line_is_not_sent(
    sqlite_engine: Engine, now: datetime
) -> None:
    for store, number in NUMBERS.items():
        seed_demo(sqlite_engine, store, now)
        order = LocalPlatform(sqlite_engine).get_order(store, None, number.format(1009))
        assert order is not None
        assert len({parcel.supplier for parcel in order.parcels}) == 2
        assert [line.shipped_quantity for line in order.lines] == [1, 1, 1, 0]


def test_the_partly_refunded_and_the_cancelled_order_have_their_refunds(
    sqlite_engine: Engine, now: datetime
) -> None:
    for store, number in NUMBERS.items():
        seed_demo(sqlite_engine, store, now)
        platform = LocalPlatform(sqlite_engine)
        partly, cancelled = (platform.get_order(store, None, number.format(n)) for n in (1012, 1011))
        assert partly is not None
        assert cancelled is not None
        assert [line.refunded_quantity for line in partly.lines] == [0, 1]
        assert cancelled.refunded == cancelled.total


def test_the_stores_speak_their_own_language(sqlite_engine: Engine, now: datetime) -> None:
    for store in NUMBERS:
        seed_demo(sqlite_engine, store, now)
    chinese = _orders(sqlite_engine, "demo-cn")
    assert all(not line.title.isascii() for order in chinese for line in order.lines)
    assert {order.currency for order in chinese} == {"CNY"}
    assert all(line.title.isascii() for order in _orders(sqlite_engine, "demo-us") for line in order.lines)


def test_there_is_demo_data_for_the_demo_stores_only(sqlite_engine: Engine, now: datetime) -> None:
    assert demo_stores() == ("demo-cn", "demo-us")
    for store in ("other", "../demo-us"):
        with pytest.raises(KeyError):
            seed_demo(sqlite_engine, store, now)


def test_tracking_numbers_carry_their_check_digits() -> None:
    ups, usps = tracking_no("ups", "x"), tracking_no("usps", "x")
    values = [int(c) if c.isdigit() else (ord(c) - 63) % 10 for c in ups[2:]]
    assert (sum(values[:-1:2]) + 2 * sum(values[1:-1:2]) + values[-1]) % 10 == 0
    assert sum(int(c) * (1 if at % 2 == 0 else 3) for at, c in enumerate(reversed(usps))) % 10 == 0
    assert tracking_no("ups", "x") == ups


def test_products_carry_what_a_customer_asks_about(sqlite_engine: Engine, now: datetime) -> None:
    for store in NUMBERS:
        seed_demo(sqlite_engine, store, now)
        products = LocalPlatform(sqlite_engine).find_products(store, None, None, limit=50)
        assert 10 <= len(products) <= 15
        assert all(len(product.description) > 15 and product.variants for product in products)
        assert any(not variant.available for product in products for variant in product.variants)
