"""The seller's side: what is booked, sent and received, and what is refused with a reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError
from support.shop_world import ADA, BEN, effect, everything, make_order

from xiaoer.domain.money import Money
from xiaoer.domain.orders import Order, OrderState
from xiaoer.domain.parcels import ParcelState
from xiaoer.domain.refusals import BadInput, NotFound, OverLimit, Refusal
from xiaoer.mcp_servers.platforms.local import LocalPlatform, LocalShop
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.records import (
    CustomerRecord,
    EventRecord,
    PaymentRecord,
    ProductRecord,
    VariantRecord,
)

STORE = "s1"


@pytest.fixture
def order(shop: LocalShop, platform: LocalPlatform) -> Order:
    shop.place_order(STORE, make_order(payments=()))
    return _order(platform)


def _order(platform: LocalPlatform) -> Order:
    found = platform.get_order(STORE, None, "1")
    assert found is not None
    return found


def test_an_order_lives_from_payment_to_delivery(
    shop: LocalShop, platform: LocalPlatform, order: Order, now: Any
) -> None:
    assert order.state is OrderState.UNSHIPPED
    shop.record_payment(STORE, "#1", PaymentRecord("p1", "PayPal", 6050, now))
    shop.ship_lines(STORE, "#1", everything("T1", lines=(("cup", 2),)))
    assert _order(platform).state is OrderState.PARTLY_SHIPPED
    shop.ship_lines(STORE, "#1", everything("T2", lines=(("cup", 1), ("lamp", 1))))
    assert _order(platform).state is OrderState.SHIPPED
    for number in ("T1", "T2"):
        assert shop.add_tracking_event(
            STORE, "#1", number, EventRecord(now, ParcelState.DELIVERED, "Delivered")
        )
    done = _order(platform)
    assert done.state is OrderState.DELIVERED
    assert done.delivered_at == now
    assert done.payments[0].amount == done.total
    assert done.version == order.version + 5


def test_a_scan_changes_the_version_only_with_the_state(
    shop: LocalShop, platform: LocalPlatform, order: Order, now: Any
) -> None:
    shop.ship_lines(STORE, "#1", everything())
    hours = timedelta(hours=1)

    def scan(at: Any, state: ParcelState) -> tuple[bool, int, ParcelState | None]:
        new = shop.add_tracking_event(STORE, "1", " t1 ", EventRecord(at, state, f"Scan {at:%H}"))
        after = _order(platform)
        return new, after.version - order.version, after.parcels[0].state

    assert scan(now, ParcelState.IN_TRANSIT) == (True, 2, ParcelState.IN_TRANSIT)
    assert scan(now + hours, ParcelState.IN_TRANSIT) == (True, 2, ParcelState.IN_TRANSIT)
    assert scan(now + hours, ParcelState.IN_TRANSIT) == (False, 2, ParcelState.IN_TRANSIT)
    assert scan(now - hours, ParcelState.PICKED_UP) == (True, 2, ParcelState.IN_TRANSIT)
    assert scan(now + 2 * hours, ParcelState.OUT_FOR_DELIVERY) == (True, 3, ParcelState.OUT_FOR_DELIVERY)
    assert [e.at for e in _order(platform).parcels[0].events] == [
        now + 2 * hours,
        now + hours,
        now,
        now - hours,
    ]


def test_more_than_was_ordered_is_not_sent(shop: LocalShop, order: Order) -> None:
    shop.ship_lines(STORE, "#1", everything("T1", lines=(("cup", 2),)))
    with pytest.raises(OverLimit):
        shop.ship_lines(STORE, "#1", everything("T2", lines=(("cup", 1), ("cup", 1))))
    with pytest.raises(Refusal, match="already"):
        shop.ship_lines(STORE, "#1", everything("t-1", lines=(("cup", 1),)))
    with pytest.raises(BadInput):
        shop.ship_lines(STORE, "#1", everything("--", lines=(("cup", 1),)))
    with pytest.raises(NotFound):
        shop.ship_lines("s2", "#1", everything())


def test_a_refunded_unit_is_not_sent_and_a_cancelled_order_not_at_all(
    shop: LocalShop, platform: LocalPlatform
) -> None:
    shop.place_order(STORE, make_order())
    platform.issue_refund(STORE, effect(_order(platform), "A-1", ("cup", 3)))
    with pytest.raises(OverLimit):
        shop.ship_lines(STORE, "#1", everything(lines=(("cup", 1),)))
    platform.cancel_order(STORE, effect(_order(platform), "A-2"))
    with pytest.raises(Refusal, match="cancelled"):
        shop.ship_lines(STORE, "#1", everything(lines=(("lamp", 1),)))
    with pytest.raises(Refusal, match="cancelled"):
        shop.record_payment(STORE, "#1", PaymentRecord("p2", "PayPal", 1))


@pytest.mark.parametrize(
    ("payment", "refusal"),
    [
        (PaymentRecord("p1", "PayPal", 0), BadInput),
        (PaymentRecord("p1", "PayPal", 6051), OverLimit),
    ],
)
def test_a_payment_that_cannot_be_is_refused(
    shop: LocalShop, order: Order, payment: PaymentRecord, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        shop.record_payment(STORE, "#1", payment)


def test_a_payment_is_booked_once(shop: LocalShop, platform: LocalPlatform, order: Order) -> None:
    shop.record_payment(STORE, "#1", PaymentRecord("p1", "PayPal", 1000))
    with pytest.raises(Refusal, match="already"):
        shop.record_payment(STORE, "#1", PaymentRecord("p1", "PayPal", 1000))
    assert [payment.amount for payment in _order(platform).payments] == [Money(1000, "USD")]


def test_a_return_arrives_once_and_is_not_on_its_way_any_more(
    shop: LocalShop, platform: LocalPlatform, order: Order
) -> None:
    shop.ship_lines(STORE, "#1", everything())
    wish = effect(_order(platform), "A-1", amount=None, destination="", lines=(("cup", 2),))
    back = platform.create_return_label(STORE, wish).reference
    shop.receive_return(STORE, back)
    after = _order(platform)
    assert after.returns[0].status == "received"
    assert after.lines[0].returning_quantity == 0
    with pytest.raises(Refusal, match="already"):
        shop.receive_return(STORE, back)
    with pytest.raises(NotFound):
        shop.receive_return("s2", back)
    with pytest.raises(OverLimit):
        again = effect(after, "A-2", amount=None, destination="", lines=(("cup", 2),))
        platform.create_return_label(STORE, again)


def test_an_order_with_faults_is_refused_with_the_first_of_them(shop: LocalShop, order: Order) -> None:
    faults: list[tuple[dict[str, Any], str]] = [
        ({"order_no": " # "}, "number"),
        ({"lines": ()}, "lines"),
        ({"customer": CustomerRecord("Nobody")}, "customer"),
        ({"discount_minor": 100_000}, "discount"),
        ({"parcels": (everything(lines=(("cup", 9),)),)}, "9 shipped, 3 ordered"),
        ({"parcels": (everything(), everything())}, "twice"),
        ({"cancelled": True, "parcels": (everything(),)}, "cancelled"),
    ]
    for change, said in faults:
        with pytest.raises(BadInput, match=said):
            shop.place_order(
                STORE,
                make_order(**{"order_no": "#9", **change})
                if "order_no" in change
                else make_order("#9", **change),
            )
    with pytest.raises(Refusal, match="already"):
        shop.place_order(STORE, make_order("＃1"))


def test_a_changed_contact_is_dated(engine: Engine, shop: LocalShop, now: Any) -> None:
    first = shop.put_customer(STORE, BEN)
    assert _contact_date(engine) is None
    assert shop.put_customer(STORE, CustomerRecord("Ben F.", "ben", BEN.email, BEN.phone)) == first
    assert _contact_date(engine) is None
    shop.put_customer(STORE, CustomerRecord("Ben F.", "ben", "new@example.com", BEN.phone))
    assert _contact_date(engine) == now
    with pytest.raises(BadInput):
        shop.put_customer(STORE, CustomerRecord("No contact"))


def _contact_date(engine: Engine) -> Any:
    with engine.connect() as conn:
        return conn.execute(t.customers.select()).one().contact_changed_at


def test_a_product_is_replaced_with_its_variants_and_owns_its_skus(
    shop: LocalShop, platform: LocalPlatform
) -> None:
    shop.put_product(
        STORE, ProductRecord("p1", "Cup", "USD", (VariantRecord("A", (), 1), VariantRecord("B", (), 2)))
    )
    shop.put_product(STORE, ProductRecord("p1", "Mug", "USD", (VariantRecord("B", (), 3),)))
    found = platform.find_products(STORE, "p1", None)[0]
    assert (found.title, [(v.sku, v.price) for v in found.variants]) == ("Mug", [("B", Money(3, "USD"))])
    with pytest.raises(Refusal, match="belongs to product p1"):
        shop.put_product(STORE, ProductRecord("p2", "Bowl", "USD", (VariantRecord("B", (), 1),)))
    with pytest.raises(BadInput):
        shop.put_product(STORE, ProductRecord("p2", "Bowl", "USD", ()))


def test_the_tables_themselves_refuse_what_must_never_be(engine: Engine, shop: LocalShop) -> None:
    shop.place_order(STORE, make_order())
    shop.put_customer("s2", ADA)
    here = {"store": STORE, "order_key": "1"}
    impossible = [
        t.orders.update().where(t.orders.c.order_key == "1").values(refunded_minor=6051),
        t.lines.update().where(t.lines.c.line_id == "cup").values(refunded_quantity=4),
        t.lines.update().where(t.lines.c.line_id == "cup").values(shipped_quantity=4),
        insert(t.payments).values(**here, payment_id="p9", method="x", amount_minor=-1),
        # A row of one store cannot hang on a row of another.
        insert(t.payments).values(store="s2", order_key="1", payment_id="p9", method="x", amount_minor=1),
    ]
    for statement in impossible:
        with pytest.raises(IntegrityError), engine.begin() as conn:
            conn.execute(statement)
