"""Numbers, addresses, names: each read as what it most likely is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoer.agent.brains.understanding.carriers import (
    dhl_check,
    fedex_check,
    s10_check,
    ups_check,
    usps_check,
)
from xiaoer.agent.brains.understanding.slots import find_slots

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")

CASES: list[tuple[str, dict[str, list[str]]]] = [
    ("#1032", {"order_no": ["1032"]}),
    ("帮我看下1032到哪儿了呗", {"order_no": ["1032"]}),
    ("cancel order 1001 and 1002", {"order_no": ["1001", "1002"]}),
    ("Where is my order #W2378156?", {"order_no": ["W2378156"]}),
    ("我的订单20261101001032到哪了", {"order_no": ["20261101001032"]}),
    ("单号20261101001032查一下", {"order_no": ["20261101001032"]}),
    ("订单号2345678901234567890怎么还不发", {"order_no": ["2345678901234567890"]}),
    ("1Z999AA10123456784 where is it", {"tracking_no": ["1Z999AA10123456784"]}),
    ("9400 1000 0000 0000 0000 00", {"tracking_no": ["9400100000000000000000"]}),
    ("SF1234567890123到哪了", {"tracking_no": ["SF1234567890123"]}),
    ("YT8812345678901不动了", {"tracking_no": ["YT8812345678901"]}),
    ("中通73123456789012", {"tracking_no": ["73123456789012"], "carrier": ["zhongtong"]}),
    ("快递单号是773123456789", {"tracking_no": ["773123456789"]}),
    ("my tracking number is 123456789012", {"tracking_no": ["123456789012"]}),
    ("尾号7752", {"phone_tail": ["7752"]}),
    ("手机后四位 7752", {"phone_tail": ["7752"]}),
    ("last four 0142", {"phone_tail": ["0142"]}),
    ("我的手机13800007752", {"phone_tail": ["7752"]}),
    ("+1 (415) 555-0142", {"phone_tail": ["0142"]}),
    ("it's #1032, Jane@Example.com", {"order_no": ["1032"], "email": ["jane@example.com"]}),
    ("邮箱zhang@example.com谢谢", {"email": ["zhang@example.com"]}),
    ("Yusuf Rossi, 19122", {"name": ["Yusuf Rossi"], "postcode": ["19122"]}),
    ("I'm Jane Demo", {"name": ["Jane Demo"]}),
    ("我叫张测试 200001", {"name": ["张测试"], "postcode": ["200001"]}),
    ("my name is Lena Test, postcode SW1A 1AA", {"name": ["Lena Test"], "postcode": ["SW1A 1AA"]}),
    ("zip: 94110", {"postcode": ["94110"]}),
    ("USPS and 顺丰 both say no", {"carrier": ["usps", "shunfeng"]}),
    ("#1004 尾号6631", {"order_no": ["1004"], "phone_tail": ["6631"]}),
]


@pytest.mark.parametrize(("text", "slots"), CASES)
def test_slots_are_found_where_customers_put_them(text: str, slots: dict[str, list[str]]) -> None:
    assert find_slots(text).as_dict() == slots


@pytest.mark.parametrize(("text", "slots"), CASES)
@pytest.mark.parametrize("digits", [FULL_WIDTH, ARABIC])
def test_foreign_digits_are_digits(text: str, slots: dict[str, list[str]], digits: dict[int, int]) -> None:
    assert find_slots(text.translate(digits)).as_dict() == slots


@pytest.mark.parametrize(
    "text",
    [
        "it has been 13 days",
        "价格129元",
        "I bought it in 2024",
        "身高175体重140穿什么码",
        "my visa ending in 2478 was charged twice",
        "改到演示路1288号302室",
        "https://example.com/orders/123456789",
        "I'm Still Waiting",
    ],
)
def test_other_numbers_and_words_are_left_alone(text: str) -> None:
    assert find_slots(text).as_dict() == {}


@pytest.mark.parametrize(
    ("text", "expecting", "slots"),
    [
        ("7752", "proof", {"phone_tail": ["7752"]}),
        ("7752", "order_no", {"order_no": ["7752"]}),
        ("7752", None, {"order_no": ["7752"]}),
        ("应该是1005吧", "order_no", {"order_no": ["1005"]}),
        ("4155550142", "proof", {"phone_tail": ["0142"]}),
        ("94110 Jane Demo", "proof", {"name": ["Jane Demo"], "postcode": ["94110"]}),
        ("Jane Demo", "proof", {"name": ["Jane Demo"]}),
        ("Jane Demo", None, {}),
        ("2件", "lines", {}),
    ],
)
def test_what_was_asked_for_decides_what_bare_digits_mean(
    text: str, expecting: str | None, slots: dict[str, list[str]]
) -> None:
    assert find_slots(text, expecting).as_dict() == slots


@given(
    st.integers(1001, 1899),
    st.sampled_from(["#{}", "订单{}到哪了", "order {} please", "my order number is {}"]),
)
def test_an_order_number_is_found_in_any_width(number: int, frame: str) -> None:
    for digits in ({}, FULL_WIDTH, ARABIC):
        assert find_slots(frame.format(str(number).translate(digits))).order_no == (str(number),)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (ups_check, "1Z999AA10123456784", "1Z999AA10123456785"),
        (usps_check, "9400100000000000000006", "9400100000000000000007"),
        (s10_check, "RA123456785DE", "RA123456786DE"),
    ],
)
def test_check_digits_tell_a_number_from_a_typing_error(
    check: Callable[[str], bool], good: str, bad: str
) -> None:
    assert check(good)
    assert not check(bad)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (fedex_check, "986578788855", "996578788855"),
        (fedex_check, "041441760228964", "041441760228965"),
        (dhl_check, "3318810025", "3318810034"),
    ],
)
def test_numbers_of_digits_alone_have_check_digits_too(
    check: Callable[[str], bool], good: str, bad: str
) -> None:
    assert check(good)
    assert not check(bad)


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("FedEx 986578788855 hat sich nicht bewegt", {"tracking_no": ["986578788855"], "carrier": ["fedex"]}),
        ("DHL gave me 3318810025", {"tracking_no": ["3318810025"], "carrier": ["dhl"]}),
        ("el móvil acaba en 4402", {"phone_tail": ["4402"]}),
        ("les quatre derniers chiffres : 3321", {"phone_tail": ["3321"]}),
        ("celular final 5502, pedido 7115", {"order_no": ["7115"], "phone_tail": ["5502"]}),
        ("meine Nummer endet auf 7430", {"phone_tail": ["7430"]}),
        ("Bestellnummer 4471 bitte", {"order_no": ["4471"]}),
        ("номер заказа 1905, последние цифры телефона", {"order_no": ["1905"]}),
        ("телефон заканчивается на 6615", {"phone_tail": ["6615"]}),
        ("رقم الطلب ٢٨٦٠ والجوال آخره ٢٥١٧", {"order_no": ["2860"], "phone_tail": ["2517"]}),
        ("注文番号は4471です", {"order_no": ["4471"]}),
        ("電話番号の下4桁は3319", {"phone_tail": ["3319"]}),
        ("주문번호는 4471이고 뒷자리 0917이에요", {"order_no": ["4471"], "phone_tail": ["0917"]}),
        ("末四碼4458的到桃園了", {"phone_tail": ["4458"]}),
        ("20671到哪了？還有20672", {"order_no": ["20671", "20672"]}),
        ("10811/3058", {"order_no": ["10811"], "phone_tail": ["3058"]}),
        ("RA 123 456 785 DE", {"tracking_no": ["RA123456785DE"]}),
        ("再不处理我打12315", {}),
        ("wo steckt die 6205 grad", {"order_no": ["6205"]}),
        ("1999 kg", {}),
    ],
)
def test_numbers_are_introduced_in_ten_languages(text: str, slots: dict[str, list[str]]) -> None:
    assert find_slots(text).as_dict() == slots
