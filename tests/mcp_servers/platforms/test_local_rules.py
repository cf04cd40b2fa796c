"""Whatever is asked in whatever sequence: no more goes back than was paid and bought."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.shop_world import CARD, effect, make_order

from xiaoer.domain.money import Money
from xiaoer.domain.orders import Line, Order, OrderState, Payment, Refund
from xiaoer.domain.refunds import captured, refundable
from xiaoer.domain.refusals import OverLimit, Refusal
from xiaoer.mcp_servers.platforms.local import LocalPlatform, LocalShop
from xiaoer.mcp_servers.platforms.local.records import LineRecord, ParcelRecord, PaymentRecord
from xiaoer.storage.engine import make_engine
from xiaoer.storage.metadata import shop_metadata

LINES = ("a", "b", "c")
_numbers = itertools.count()

line_records = st.builds(
    lambda counts: tuple(
        LineRecord(line_id, line_id.upper(), f"Thing {line_id}", quantity, price)
        for line_id, (quantity, price) in zip(LINES, counts, strict=True)
    ),
    st.tuples(*[st.tuples(st.integers(1, 4), st.integers(0, 9999))] * 3),
)
amounts = st.lists(st.tuples(st.sampled_from(LINES), st.integers(-1, 5)), min_size=1, max_size=3)
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["issue_refund", "cancel_order", "create_return_label", "issue_coupon", "ship", "receive"]
        ),
        amounts,
        st.integers(0, 4),  # the action's number: repeats are wanted
    ),
    max_size=14,
)


@contextmanager
def _world() -> Iterator[tuple[LocalShop, LocalPlatform]]:
    with tempfile.TemporaryDirectory() as home:
        engine = make_engine(f"sqlite:///{Path(home)}/shop.db")
        shop_metadata.create_all(engine)
        yield LocalShop(engine), LocalPlatform(engine)
        engine.dispose()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=line_records, paid_share=st.integers(0, 100), shipping=st.integers(0, 2000), plan=steps)
def test_no_sequence_takes_out_more_than_went_in(
    lines: tuple[LineRecord, ...], paid_share: int, shipping: int, plan: list[Any]
) -> None:
    total = sum(line.quantity * line.unit_price_minor for line in lines) + shipping
    paid = total * paid_share // 100
    payments = (PaymentRecord("p1", CARD, paid),) if paid else ()
    with _world() as (shop, platform):
        shop.place_order("s", make_order(lines=lines, shipping_minor=shipping, payments=payments))
        receipts: dict[str, Any] = {}
        for tool, wanted, number in plan:
            _step(shop, platform, receipts, tool, tuple(wanted), f"A-{number}")
            _sound(platform, receipts, paid)


def _step(
    shop: LocalShop, platform: LocalPlatform, receipts: dict[str, Any], tool: str, wanted: Any, action: str
) -> None:
    order = _order(platform)
    try:
        if tool == "ship":
            shop.ship_lines("s", "1", ParcelRecord(f"T{next(_numbers)}", wanted))
        elif tool == "receive":
            for back in order.returns:
                shop.receive_return("s", back.return_id)
        else:
            _act(platform, receipts, order, tool, wanted, action)
    except Refusal:
        assert _order(platform).refunded == order.refunded


def _act(
    platform: LocalPlatform, receipts: dict[str, Any], order: Order, tool: str, wanted: Any, action: str
) -> None:
    if tool == "issue_refund":
        wish = effect(order, action, *wanted)
    elif tool == "create_return_label":
        wish = effect(order, action, amount=None, destination="", lines=wanted)
    else:
        wish = effect(order, action, amount=Money(500, "USD") if tool == "issue_coupon" else None)
    receipt = getattr(platform, tool)("s", wish)
    if action in receipts:
        assert receipt == receipts[action]
        assert _order(platform) == order
    receipts[action] = receipt


def _sound(platform: LocalPlatform, receipts: dict[str, Any], paid: int) -> None:
    order = _order(platform)
    moved = [
        receipt.amount.amount_minor
        for receipt in receipts.values()
        if receipt.tool in ("issue_refund", "cancel_order") and receipt.amount
    ]
    assert order.refunded.amount_minor == sum(moved) <= paid
    for line in order.lines:
        assert 0 <= line.refunded_quantity <= line.quantity
        assert 0 <= line.returning_quantity <= line.shipped_quantity <= line.quantity


def _order(platform: LocalPlatform) -> Order:
    order = platform.get_order("s", None, "1")
    assert order is not None
    return order


@st.composite
def orders(draw: st.DrawFn) -> Order:
    lines = []
    for line_id in LINES:
        quantity = draw(st.integers(1, 5))
        refunded = draw(st.integers(0, quantity))
        price = Money(draw(st.integers(0, 10_000)), "USD")
        lines.append(Line(line_id, line_id, "", line_id, (), quantity, price, refunded_quantity=refunded))
    paid, back = draw(st.integers(0, 200_000)), draw(st.integers(0, 50_000))
    return Order(
        order_no="#1",
        state=draw(st.sampled_from(list(OrderState))),
        currency="USD",
        lines=tuple(lines),
        total=Money(paid, "USD"),
        shipping_fee=Money(draw(st.integers(0, 3000)), "USD"),
        version=1,
        payments=(Payment("p", CARD, Money(paid, "USD"), None),),
        refunds=(Refund("r", Money(min(back, paid), "USD"), "succeeded", (), CARD, None),),
    )


@given(order=orders(), wanted=st.lists(st.tuples(st.sampled_from(LINES), st.integers(1, 5)), min_size=1))
def test_what_may_be_refunded_never_exceeds_what_is_left(order: Order, wanted: list[tuple[str, int]]) -> None:
    asked = {line_id: sum(n for name, n in wanted if name == line_id) for line_id, _ in wanted}
    left = {line.line_id: line.refundable_quantity for line in order.lines}
    if any(count > left[line_id] for line_id, count in asked.items()):
        try:
            refundable(order, wanted)
        except OverLimit:
            return
        raise AssertionError("more was refundable than was left of a line")
    amount = refundable(order, wanted)
    goods = sum(line.unit_price.amount_minor * asked.get(line.line_id, 0) for line in order.lines)
    assert 0 <= amount.amount_minor <= captured(order).amount_minor - order.refunded.amount_minor
    assert amount.amount_minor <= goods + order.shipping_fee.amount_minor
