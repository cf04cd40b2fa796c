"""What may be asked: read into one form or refused with a sentence, whatever comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoer.domain.amendments import OFFERS, Article, amend_items, exchange_items
from xiaoer.domain.canonical import canonical_json
from xiaoer.domain.changes import (
    CHANGING_TOOLS,
    Exchange,
    ItemChange,
    ShipTo,
    canonical_args,
    new_address,
    subjects_of,
)
from xiaoer.domain.money import Money
from xiaoer.domain.orders import Line, Order, OrderState, Payment
from xiaoer.domain.refusals import BadInput, OverLimit

ADDRESS = {"lines": ["1 Test St"], "city": "Oakland", "postcode": "94601"}
SOUND: dict[str, dict[str, Any]] = {
    "change_address": {"order_no": "#1", "address": ADDRESS},
    "change_items": {"order_no": "#1", "changes": [{"line_id": "L1", "sku": "B"}]},
    "change_payment": {"order_no": "#1", "payment_method_id": "PAY-1"},
    "exchange_items": {"order_no": "#1", "exchanges": [{"line_id": "L1", "quantity": 1, "sku": "B"}]},
    "book_pickup": {"return_id": "R-1", "window": {"date": "2026-11-24", "start": "09:00", "end": "12:00"}},
    "intercept_parcel": {"tracking_no": "1Z 999", "kind": "return"},
}
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_every_tool_has_its_form() -> None:
    assert set(SOUND) == CHANGING_TOOLS
    for tool, args in SOUND.items():
        assert canonical_args(tool, args) == args


@given(tool=st.sampled_from(sorted(SOUND)), junk=st.dictionaries(st.text(max_size=12), JUNK, max_size=4))
@settings(max_examples=300, deadline=None)
def test_junk_is_refused_with_a_sentence_and_never_with_a_crash(tool: str, junk: dict[str, Any]) -> None:
    for args in (junk, {**SOUND[tool], **junk}, dict.fromkeys(SOUND[tool], junk)):
        try:
            found = canonical_args(tool, args)
        except BadInput as refusal:
            assert str(refusal).endswith(".")
            continue
        assert canonical_args(tool, found) == found, "one form stays that form"
        json.loads(canonical_json(found))


@given(text=st.text(min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_nothing_invisible_or_broken_over_lines_gets_into_an_address(text: str) -> None:
    try:
        args = canonical_args("change_address", {"order_no": "#1", "address": {**ADDRESS, "city": text}})
    except BadInput:
        return
    city = args["address"]["city"]
    assert city == city.strip() and not set(city) & set("\n\r\t\x00\u200b\u202e\ufeff")


@pytest.mark.parametrize(
    ("tool", "args"),
    [
        ("change_address", {"order_no": "#1", "address": {**ADDRESS, "amount_minor": 1}}),
        ("change_address", {**SOUND["change_address"], "customer_ref": "C-2"}),
        ("change_items", {"order_no": "#1", "changes": [{"line_id": "L1"}]}),
        ("change_items", {"order_no": "#1", "changes": [{"line_id": "L1", "quantity": 1}] * 2}),
        ("change_items", {"order_no": "#1", "changes": [{"line_id": "L1", "quantity": True}]}),
        ("exchange_items", {"order_no": "#1", "exchanges": []}),
        ("intercept_parcel", {"tracking_no": "1Z999", "kind": "destroy"}),
        ("intercept_parcel", {"tracking_no": "1Z999", "kind": "redirect"}),
        ("intercept_parcel", {"tracking_no": "1Z999", "kind": "hold", "address": ADDRESS}),
        ("book_pickup", {"return_id": "R-1", "window": {"date": "2026-11-24", "start": "9", "end": "12:00"}}),
    ],
)
def test_more_less_or_other_than_the_form_is_refused(tool: str, args: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        canonical_args(tool, args)


def test_two_wishes_for_the_same_thing_speak_for_the_same() -> None:
    assert subjects_of({"tracking_no": "1z 999"}) == subjects_of({"tracking_no": "1Z-999", "kind": "hold"})
    assert subjects_of({"return_id": "r-1"}) == subjects_of({"return_id": "R-1"})
    assert subjects_of({"order_no": "#1", "address": ADDRESS}) == frozenset({"*"})


RECORD = ShipTo("Ada Fixture", "2 Old Rd", "Oakland", "CA", "94601", "United States", "+1 415 555 0147")


def test_what_is_not_named_stays_as_the_record_has_it() -> None:
    new = new_address({**ADDRESS, "country": "US"}, RECORD)
    assert (new.recipient, new.phone, new.country) == (RECORD.recipient, RECORD.phone, RECORD.country)
    assert {change.what for change in RECORD.changes_to(new)} == {"street", "region"}


@pytest.mark.parametrize(
    ("country", "postcode", "fits"),
    [("DE", "10115", True), ("DE", "1011", False), ("JP", "150-0001", True), ("GB", "SW1A 1AA", True),
     ("BR", "01310-100", True), ("CN", "20000", False), ("IE", "D02 X285", True)],
)  # fmt: skip
def test_a_postcode_has_the_form_of_its_country(country: str, postcode: str, fits: bool) -> None:
    asked = {**ADDRESS, "country": country, "postcode": postcode}
    if fits:
        assert new_address(asked, RECORD).postcode == postcode
        return
    with pytest.raises(BadInput):
        new_address(asked, RECORD)


def an_order(quantity: int, price: int, paid: int, refunded: int = 0) -> Order:
    usd = "USD"
    line = Line("L1", "A", "P1", "Cup", (), quantity, Money(price, usd), refunded_quantity=refunded)
    other = Line("L2", "Z", "P2", "Lamp", (), 1, Money(100, usd))
    paid_with = (Payment("P", "Visa", Money(paid, usd), None),)
    total = Money(quantity * price + 100, usd)
    return Order("#1", OrderState.UNSHIPPED, usd, (line, other), total, Money(0, usd), 1, payments=paid_with)


def article(sku: str, price: int, stock: int | None = None, product: str = "P1") -> Article:
    return Article(sku, product, "Cup", (), Money(price, "USD"), True, stock)


@given(
    quantity=st.integers(1, 5),
    price=st.integers(0, 900),
    paid=st.integers(0, 6000),
    wanted=st.integers(0, 6),
    other=st.integers(0, 900),
    stock=st.none() | st.integers(0, 6),
    same=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_a_change_gives_back_what_it_saves_and_never_more_than_is_there(
    quantity: int, price: int, paid: int, wanted: int, other: int, stock: int | None, same: bool
) -> None:
    order = an_order(quantity, price, paid)
    articles = {"A": article("A", other, stock), "B": article("B", other, stock)}
    change = ItemChange("L1", None if same else "B", wanted)
    try:
        amendment = amend_items(order, (change,), articles)
    except BadInput:
        assert same and wanted == quantity
        return
    new_price = price if same else other
    saved = quantity * price - wanted * new_price
    assert amendment.offer in OFFERS
    assert (amendment.back.amount_minor if amendment.back else 0) == max(0, min(saved, paid))
    assert (amendment.due.amount_minor if amendment.due else 0) == max(0, -saved)
    needed = max(0, wanted - quantity) if same else wanted
    assert (amendment.offer == "out_of_stock") is (stock is not None and needed > stock)


def test_an_exchange_takes_no_more_than_was_bought() -> None:
    with pytest.raises(OverLimit):
        exchange_items(an_order(1, 500, 600), (Exchange("L1", 2, "B"),), {"B": article("B", 500)})


def test_another_article_is_no_exchange() -> None:
    found = exchange_items(
        an_order(1, 500, 600), (Exchange("L1", 1, "B"),), {"B": article("B", 500, product="P9")}
    )
    assert found.offer == "other_product"
