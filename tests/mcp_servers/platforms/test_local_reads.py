"""What the shop tells: whole orders, to their owners only, in few queries."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, event
from support.shop_world import ADA, BEN, effect, everything, make_order

from xiaoer.domain.orders import OrderState
from xiaoer.domain.parcels import ParcelState
from xiaoer.domain.refusals import BadInput, NotFound
from xiaoer.mcp_servers.platforms.local import LocalPlatform, LocalShop
from xiaoer.mcp_servers.platforms.local.records import LineRecord, ProductRecord, VariantRecord
from xiaoer.mcp_servers.platforms.protocol import Platform, Proof

STORE = "s1"


@pytest.fixture
def ada(shop: LocalShop, platform: LocalPlatform) -> str:
    """The reference of the owner of #1 and #2; #3 belongs to somebody else."""
    shop.place_order(STORE, make_order("#1"))
    shop.place_order(STORE, make_order("#2", lines=(LineRecord("x", "X", "蓝色保温杯", 1, 900),)))
    shop.place_order(STORE, make_order("#3", customer=BEN))
    found = platform.customer_by_external_id(STORE, "ada")
    assert found is not None
    return found


def test_the_local_shop_is_a_platform(platform: LocalPlatform) -> None:
    served: Platform = platform
    assert served.get_order(STORE, None, "#1") is None


@pytest.mark.parametrize("spelt", ["#AB12", "ab12", " # Ab 12 ", "＃ＡＢ１２", "ab\u200b12"])
def test_an_order_is_found_however_its_number_is_typed(
    shop: LocalShop, platform: LocalPlatform, spelt: str
) -> None:
    shop.place_order(STORE, make_order("#AB12"))
    found = platform.get_order(STORE, None, spelt)
    assert found is not None
    assert found.order_no == "#AB12"


@pytest.mark.parametrize("number", ["", "#", "\x00", "' OR 1=1 --", "9" * 10_000, "🎁", "\ud800"])
def test_what_is_no_number_finds_nothing(platform: LocalPlatform, ada: str, number: str) -> None:
    assert platform.get_order(STORE, ada, number) is None
    assert platform.find_parcel(STORE, ada, number) is None
    assert platform.get_refund(STORE, ada, number) is None
    assert platform.get_return(STORE, ada, number) is None
    assert platform.customer_by_proof(STORE, Proof(number, email="ada@example.com")) is None
    assert platform.customer_by_proof(STORE, Proof("#1", number, number, number, number)) is None
    assert platform.customer_by_external_id(STORE, number) is None
    assert platform.get_effect(STORE, number) is None
    platform.find_orders(STORE, ada, number)
    platform.find_products(STORE, number, None)
    platform.find_products(STORE, None, number)


def test_a_foreign_order_and_a_missing_one_are_the_same(platform: LocalPlatform, ada: str) -> None:
    assert platform.get_order(STORE, ada, "#3") is platform.get_order(STORE, ada, "#99") is None
    assert platform.get_order(STORE, None, "#3") is not None
    assert platform.get_order("s2", ada, "#1") is None


def test_everything_of_an_order_is_there(shop: LocalShop, platform: LocalPlatform, ada: str) -> None:
    shop.ship_lines(
        STORE, "1", everything("T-77", lines=(("cup", 2),), supplier="north", state=ParcelState.DELIVERED)
    )
    order = platform.get_order(STORE, ada, "1")
    assert order is not None
    platform.create_return_label(STORE, effect(order, "A-1", ("cup", 1), amount=None, destination=""))
    order = platform.get_order(STORE, ada, "1")
    assert order is not None
    platform.issue_refund(STORE, effect(order, "A-2", ("lamp", 1)))
    platform.add_note(STORE, ada, "1", "Leave at the back door", "k1")
    full = platform.get_order(STORE, ada, "1")
    assert full is not None
    assert full.state is OrderState.PARTLY_SHIPPED
    assert [
        (p.tracking_no, p.supplier, [(x.line_id, x.quantity) for x in p.lines]) for p in full.parcels
    ] == [("T-77", "north", [("cup", 2)])]
    assert [refund.lines for refund in full.refunds] == [(("lamp", 1),)]
    assert [back.lines for back in full.returns] == [(("cup", 1),)]
    assert full.notes == ("Leave at the back door",)
    assert (full.ship_to, full.customer_name, full.customer_ref) == ("Oakland, US", "Ada Fixture", ada)


def test_the_hot_path_asks_few_questions(
    engine: Engine, shop: LocalShop, platform: LocalPlatform, ada: str
) -> None:
    shop.ship_lines(STORE, "1", everything())
    asked: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    assert platform.get_order(STORE, ada, "2") is not None
    unshipped, asked[:] = len(asked), []
    assert platform.get_order(STORE, ada, "1") is not None
    assert (unshipped, len(asked)) == (3, 5)
    asked.clear()
    assert len(platform.find_orders(STORE, ada, None)) == 2
    assert len(asked) <= 6


def test_every_query_of_an_order_runs_on_an_index(sqlite_engine: Engine) -> None:
    shop, platform = LocalShop(sqlite_engine), LocalPlatform(sqlite_engine)
    shop.place_order(STORE, make_order())
    shop.ship_lines(STORE, "1", everything())
    asked: list[tuple[str, Any]] = []

    @event.listens_for(sqlite_engine, "before_cursor_execute")
    def _note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    platform.get_order(STORE, None, "1")
    with sqlite_engine.connect() as conn:
        for statement, parameters in list(asked):
            plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            assert not [row for row in plan if row[3].startswith("SCAN")], statement


@pytest.mark.parametrize(
    ("query", "numbers"),
    [(None, ["#2", "#1"]), ("", ["#2", "#1"]), ("#1", ["#1"]), ("lamp", ["#1"]), ("保温杯坏了", ["#2"]),
     ("T1", ["#1"]), ("#3", []), ("bicycle", []), ("%", []), ("cup' --", ["#1"])],
)  # fmt: skip
def test_orders_are_found_by_number_parcel_or_words(
    shop: LocalShop, platform: LocalPlatform, ada: str, query: str | None, numbers: list[str]
) -> None:
    shop.ship_lines(STORE, "1", everything("T1"))
    shop.ship_lines(STORE, "3", everything("T1"))
    assert [order.order_no for order in platform.find_orders(STORE, ada, query)] == numbers


def test_a_parcel_is_shown_to_the_buyer_only(shop: LocalShop, platform: LocalPlatform, ada: str) -> None:
    shop.ship_lines(STORE, "3", everything("9400 1118"))
    ben = platform.customer_by_external_id(STORE, "ben")
    assert ben is not None
    assert platform.find_parcel(STORE, ada, "94001118") is None
    found = platform.find_parcel(STORE, ben, "9400-1118")
    assert found is not None
    assert found.order_no == "#3"


def test_products_are_found_by_id_sku_and_words_of_both_languages(
    shop: LocalShop, platform: LocalPlatform
) -> None:
    lamp = ProductRecord(
        "p1", "Desk Lamp", "USD", (VariantRecord("L1", (("color", "red"),), 900, False),), "Dims 100%."
    )
    cup = ProductRecord("p2", "保温杯", "USD", (VariantRecord("C1", (), 100),), "不锈钢，适合放在台灯旁")
    for product in (lamp, cup):
        shop.put_product(STORE, product)

    def titles(product_id: str | None, query: str | None) -> list[str]:
        return [product.title for product in platform.find_products(STORE, product_id, query)]

    assert titles("p1", None) == titles("L1", None) == titles(None, "is the red LAMP back?") == ["Desk Lamp"]
    assert titles(None, "保温杯有货吗") == ["保温杯"]
    assert titles(None, "100%") == ["Desk Lamp"]
    assert titles(None, "spaceship") == titles("p9", None) == []
    assert titles(None, None) == ["Desk Lamp", "保温杯"]
    assert not platform.find_products(STORE, "p1", None)[0].variants[0].available


def test_a_note_is_written_once_and_on_own_orders_only(platform: LocalPlatform, ada: str) -> None:
    before = platform.get_order(STORE, ada, "1")
    for _ in range(2):
        platform.add_note(STORE, ada, "#1", "Ring twice\x00", "turn-1")
    after = platform.get_order(STORE, ada, "1")
    assert before is not None
    assert after is not None
    assert after.notes == ("Ring twice",)
    assert after.version == before.version
    for number in ("#3", "#99"):
        with pytest.raises(NotFound):
            platform.add_note(STORE, ada, number, "x", "turn-2")
    for text in ("", " \x00 ", "x" * 2001):
        with pytest.raises(BadInput):
            platform.add_note(STORE, ada, "#1", text, "turn-3")


def test_a_parcel_is_subscribed_once_and_by_its_buyer_only(
    shop: LocalShop, platform: LocalPlatform, ada: str
) -> None:
    shop.ship_lines(STORE, "3", everything("T3"))
    shop.ship_lines(STORE, "1", everything("T1"))
    for _ in range(2):
        platform.subscribe_parcel(STORE, ada, "t1", "turn-1")
    for number in ("T3", "T9"):
        with pytest.raises(NotFound):
            platform.subscribe_parcel(STORE, ada, number, "turn-2")


PROOFS = [
    ({"email": "ada@example.com"}, True),
    ({"email": " ADA@EXAMPLE.COM "}, True),
    ({"email": "ａｄａ@example.com"}, True),
    ({"email": "ben@example.com"}, False),
    ({"phone_tail": "0147"}, True),
    ({"phone_tail": "０１４７"}, True),
    ({"phone_tail": "尾号0147"}, True),
    ({"phone_tail": "+1 (415) 555-0147"}, True),
    ({"phone_tail": "147"}, False),
    ({"phone_tail": "0148"}, False),
    ({"name": "ada fixture", "postcode": "94601"}, True),
    ({"name": "Fixture, Ada", "postcode": "94612-1234"}, True),
    ({"name": "Ádá FIXTURE", "postcode": " 946 12"}, True),
    ({"name": "Ada", "postcode": "94612"}, False),
    ({"name": "Ada Fixture", "postcode": "10001"}, False),
    ({"name": "Ada Fixture"}, False),
    ({"postcode": "94612"}, False),
    ({"email": "wrong@example.com", "phone_tail": "0147"}, True),
    ({"email": "", "phone_tail": "", "name": "", "postcode": ""}, False),
    ({}, False),
]


@pytest.mark.parametrize(("offered", "proven"), PROOFS)
def test_proof_is_a_mail_a_phone_tail_or_a_name_with_its_postcode(
    platform: LocalPlatform, ada: str, offered: dict[str, str], proven: bool
) -> None:
    assert platform.customer_by_proof(STORE, Proof("＃1", **offered)) == (ada if proven else None)
    assert platform.customer_by_proof(STORE, Proof("#3", **offered)) != ada
    assert platform.customer_by_proof(STORE, Proof("#77", **offered)) is None
    assert platform.customer_by_proof("s2", Proof("#1", **offered)) is None


def test_nothing_on_record_is_proven_by_nothing(shop: LocalShop, platform: LocalPlatform) -> None:
    bare = make_order("#5", customer=type(ADA)("Nemo", "nemo"), ship_to=type(ADA.address)())
    shop.place_order(STORE, bare)
    for offered in ({"email": ""}, {"phone_tail": ""}, {"name": "Nemo", "postcode": ""}):
        assert platform.customer_by_proof(STORE, Proof("#5", **offered)) is None


@pytest.mark.parametrize("typed", ["张 测试", "张测试", " 张测试 "])
def test_a_chinese_name_is_known_with_and_without_spaces(
    shop: LocalShop, platform: LocalPlatform, typed: str
) -> None:
    shop.place_order(STORE, make_order("#6", customer=type(ADA)("张测试", "z", address=ADA.address)))
    assert platform.customer_by_proof(STORE, Proof("6", name=typed, postcode="94601")) is not None


def test_a_missing_order_takes_the_same_comparisons(
    platform: LocalPlatform, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xiaoer.mcp_servers.platforms.local import proof

    counted: list[int] = []
    compare = proof.hmac.compare_digest
    monkeypatch.setattr(proof.hmac, "compare_digest", lambda a, b: counted.append(1) or compare(a, b))
    spent = []
    for number in ("#1", "#3", "#77"):
        counted.clear()
        platform.customer_by_proof(STORE, Proof(number, email="ada@example.com"))
        spent.append(len(counted))
    assert len(set(spent)) == 1
    assert spent[0] > 0
