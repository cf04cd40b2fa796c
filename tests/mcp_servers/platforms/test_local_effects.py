"""What cannot be undone happens once, on the facts that were approved, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from support.shop_world import CARD, effect, everything, make_order

from xiaoer.domain.actions import Receipt
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Order, OrderState
from xiaoer.domain.refusals import BadInput, NotFound, OrderChanged, OverLimit, Refusal
from xiaoer.mcp_servers.platforms.local import LocalPlatform, LocalShop
from xiaoer.mcp_servers.platforms.local import tables as t

STORE = "s1"


@pytest.fixture
def order(shop: LocalShop, platform: LocalPlatform) -> Order:
    shop.place_order(STORE, make_order())
    return _order(platform)


@pytest.fixture
def delivered(shop: LocalShop, platform: LocalPlatform, order: Order) -> Order:
    shop.ship_lines(STORE, "#1", everything())
    return _order(platform)


def _order(platform: LocalPlatform, number: str = "1") -> Order:
    found = platform.get_order(STORE, None, number)
    assert found is not None
    return found


def _count(engine: Engine, table: Any) -> int:
    with engine.connect() as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_refund_moves_the_price_of_its_lines_to_the_original_payment(
    platform: LocalPlatform, delivered: Order
) -> None:
    receipt = platform.issue_refund(STORE, effect(delivered, "A-1", ("cup", 2)))
    after = _order(platform)
    assert receipt.amount == Money(2000, "USD")
    assert receipt.destination == CARD
    assert receipt.lines == (("cup", 2),)
    assert [(r.refund_id, r.amount, r.status, r.action_id) for r in after.refunds] == [
        (receipt.reference, Money(2000, "USD"), "succeeded", "A-1")
    ]
    assert after.refunded == Money(2000, "USD")
    assert next(line for line in after.lines if line.line_id == "cup").refunded_quantity == 2
    assert after.version == delivered.version + 1


@pytest.mark.parametrize("tool", ["issue_refund", "cancel_order", "create_return_label", "issue_coupon"])
def test_the_same_action_again_gives_the_first_receipt_and_moves_nothing(
    engine: Engine, shop: LocalShop, platform: LocalPlatform, order: Order, tool: str
) -> None:
    if tool == "create_return_label":
        shop.ship_lines(STORE, "#1", everything())
    wish = _wish(platform, tool)
    run = getattr(platform, tool)
    first: Receipt = run(STORE, wish)
    after = _order(platform)
    assert run(STORE, wish) == first
    assert _order(platform) == after
    assert platform.get_effect(STORE, "A-1") == first
    assert [_count(engine, table) for table in (t.refunds, t.returns, t.coupons, t.effects)] in (
        [1, 0, 0, 1],
        [0, 1, 0, 1],
        [0, 0, 1, 1],
    )


def _wish(platform: LocalPlatform, tool: str) -> Any:
    order = _order(platform)
    if tool == "issue_refund":
        return effect(order, "A-1", ("cup", 1))
    if tool == "cancel_order":
        return effect(order, "A-1")
    if tool == "create_return_label":
        return effect(order, "A-1", ("cup", 1), amount=None, destination="contact on file")
    return effect(order, "A-1", amount=Money(1000, "USD"), destination="customer account")


def test_ten_at_once_under_one_action_id_move_the_money_once(
    engine: Engine, platform: LocalPlatform, delivered: Order
) -> None:
    wish = effect(delivered, "A-1", ("lamp", 1))
    with ThreadPoolExecutor(10) as pool:
        receipts = list(pool.map(lambda _: platform.issue_refund(STORE, wish), range(10)))
    assert len({receipt.reference for receipt in receipts}) == 1
    assert _order(platform).refunded == Money(2550, "USD")
    assert _count(engine, t.refunds) == 1


def test_of_ten_actions_on_one_version_one_goes_through(platform: LocalPlatform, delivered: Order) -> None:
    def attempt(number: int) -> str:
        try:
            platform.issue_refund(STORE, effect(delivered, f"A-{number}", ("lamp", 1)))
        except OrderChanged:
            return "changed"
        return "done"

    with ThreadPoolExecutor(10) as pool:
        outcomes = sorted(pool.map(attempt, range(10)))
    assert outcomes == ["changed"] * 9 + ["done"]
    assert _order(platform).refunded == Money(2550, "USD")


def test_an_action_on_an_older_version_is_refused(platform: LocalPlatform, delivered: Order) -> None:
    with pytest.raises(OrderChanged):
        platform.issue_refund(
            STORE, effect(delivered, "A-1", ("cup", 1), order_version=delivered.version - 1)
        )
    assert platform.get_effect(STORE, "A-1") is None
    assert _order(platform) == delivered


def test_an_action_id_cannot_be_used_for_something_else(platform: LocalPlatform, delivered: Order) -> None:
    platform.issue_refund(STORE, effect(delivered, "A-1", ("cup", 1)))
    coupon = effect(_order(platform), "A-1", amount=Money(100, "USD"), destination="")
    with pytest.raises(Refusal, match="already used"):
        platform.issue_coupon(STORE, coupon)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"amount": Money(1, "USD")}, Refusal),
        ({"amount": None}, Refusal),
        ({"amount": Money(1000, "CNY")}, Refusal),
        ({"destination": "Mastercard ···· 6666"}, Refusal),
        ({"lines": (("cup", 4),)}, OverLimit),
        ({"lines": (("cup", 2), ("cup", 2))}, OverLimit),
        ({"lines": (("cup", 0),)}, BadInput),
        ({"lines": (("cup", -1),)}, BadInput),
        ({"lines": ()}, BadInput),
        ({"lines": (("spoon", 1),)}, BadInput),
        ({"order_no": "#2"}, NotFound),
    ],
)
def test_a_refund_that_does_not_fit_the_record_moves_nothing(
    platform: LocalPlatform, delivered: Order, change: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        platform.issue_refund(STORE, replace(effect(delivered, "A-1", ("cup", 1)), **change))
    assert _order(platform) == delivered


def test_an_order_of_another_store_is_missing(platform: LocalPlatform, delivered: Order) -> None:
    with pytest.raises(NotFound):
        platform.issue_refund("s2", effect(delivered, "A-1", ("cup", 1)))
    assert platform.get_order("s2", None, "#1") is None


def test_an_order_that_nobody_paid_gives_nothing_back(shop: LocalShop, platform: LocalPlatform) -> None:
    shop.place_order(STORE, make_order(payments=()))
    with pytest.raises(OverLimit):
        platform.issue_refund(STORE, effect(_order(platform), "A-1", ("cup", 1)))


def test_a_cancellation_gives_all_that_was_paid_back(platform: LocalPlatform, order: Order) -> None:
    receipt = platform.cancel_order(STORE, effect(order, "A-1", amount=order.total))
    after = _order(platform)
    assert receipt.amount == order.total == after.refunded
    assert receipt.destination == CARD
    assert after.state is OrderState.CANCELLED
    assert [line.refundable_quantity for line in after.lines] == [0, 0]
    assert platform.get_refund(STORE, None, receipt.details["refund_id"]) == ("#1", after.refunds[0])


def test_a_cancellation_after_a_refund_gives_the_rest_back(platform: LocalPlatform, order: Order) -> None:
    platform.issue_refund(STORE, effect(order, "A-1", ("lamp", 1)))
    receipt = platform.cancel_order(STORE, effect(_order(platform), "A-2"))
    assert receipt.amount == Money(3500, "USD")
    assert _order(platform).refunded == order.total


def test_an_unpaid_order_is_cancelled_without_a_refund(shop: LocalShop, platform: LocalPlatform) -> None:
    shop.place_order(STORE, make_order(payments=()))
    receipt = platform.cancel_order(STORE, effect(_order(platform), "A-1"))
    assert receipt.amount == Money(0, "USD")
    assert platform.get_effect(STORE, "A-1") == receipt
    assert _order(platform).refunds == ()


def test_what_is_on_its_way_or_cancelled_cannot_be_cancelled(
    shop: LocalShop, platform: LocalPlatform, order: Order
) -> None:
    shop.place_order(STORE, make_order("#2"))
    platform.cancel_order(STORE, effect(_order(platform, "2"), "A-0"))
    shop.ship_lines(STORE, "#1", everything(lines=(("cup", 1),)))
    for number, said in (("1", "has been shipped"), ("2", "is cancelled already")):
        with pytest.raises(Refusal, match=said):
            platform.cancel_order(STORE, effect(_order(platform, number), f"A-{number}"))


def test_a_return_label_marks_its_lines_and_cannot_be_had_twice(
    platform: LocalPlatform, delivered: Order
) -> None:
    receipt = platform.create_return_label(
        STORE, effect(delivered, "A-1", ("cup", 2), amount=None, destination="")
    )
    after = _order(platform)
    assert receipt.details["label_url"].startswith("/labels/")
    assert receipt.details["tracking_no"]
    assert platform.get_return(STORE, delivered.customer_ref, receipt.reference) == ("#1", after.returns[0])
    assert next(line for line in after.lines if line.line_id == "cup").returning_quantity == 2
    with pytest.raises(OverLimit):
        platform.create_return_label(STORE, effect(after, "A-2", ("cup", 2), amount=None, destination=""))


def test_goods_that_were_never_sent_need_no_label(platform: LocalPlatform, order: Order) -> None:
    with pytest.raises(OverLimit):
        platform.create_return_label(STORE, effect(order, "A-1", ("cup", 1), amount=None, destination=""))


def test_a_coupon_is_worth_what_was_approved_for_ninety_days(
    platform: LocalPlatform, delivered: Order, now: Any
) -> None:
    wish = effect(delivered, "A-1", amount=Money(1000, "USD"), destination="customer account")
    receipt = platform.issue_coupon(STORE, wish)
    assert receipt.reference == receipt.details["coupon_code"]
    assert receipt.details["valid_until"] == "2027-02-18T17:00:00Z"
    customer = delivered.customer_ref
    assert platform.count_coupons(STORE, customer, now - timedelta(days=90)) == 1
    assert platform.count_coupons(STORE, customer, now + timedelta(seconds=1)) == 0


@pytest.mark.parametrize("amount", [None, Money(0, "USD"), Money(-5, "USD"), Money(1000, "CNY")])
def test_a_coupon_without_a_fitting_value_is_refused(
    platform: LocalPlatform, delivered: Order, amount: Money | None
) -> None:
    with pytest.raises(BadInput):
        platform.issue_coupon(STORE, effect(delivered, "A-1", amount=amount, destination=""))
