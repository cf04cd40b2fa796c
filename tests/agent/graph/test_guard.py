"""The output guard lets through what records show, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.turns import a_state, an_action

from xiaoer.agent.guard.checks import CHECKS, check_text
from xiaoer.agent.guard.facts import gather_facts
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.messages import Author, HistoryItem

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
ORDER = {
    "order_no": "#1004",
    "state": "shipped",
    "total": {"amount_minor": 127230, "currency": "USD"},
    "placed_at": "2026-11-18T20:00:00Z",
    "refunds": [],
    "lines": [{"title": "Desk lamp", "quantity": 1, "refunded_quantity": 0}],
}
TRACK = {
    "order_no": "#1004",
    "state": "shipped",
    "parcels": [
        {
            "tracking_no": "1Z999AA10123456784",
            "verdict": "on_its_way",
            "events": [{"at": "2026-11-20T18:00:00Z"}],
        }
    ],
}


def failed(text: str, **state: object) -> list[str]:
    made = a_state(now=NOW, records=[ORDER, TRACK], **state)
    return [v.check for v in check_text(text, gather_facts(made), made["turn"].store) if not v.ok]


@pytest.mark.parametrize(
    "text",
    [
        "Your parcel 1Z999AA10123456784 is on its way, last scanned on Nov 20.",
        "您的包裹 1Z999AA10123456784 在途中，11月20日有新进展。",
        "The order came to $1,272.30.",
        "Once it is confirmed, $1272.3 will be refunded to your card.",
        "同事确认后会为您退款 $1,272.30，退款后我会在这里告诉您。",
        "I have asked a colleague to confirm your refund; it has not been refunded yet.",
        "See https://tools.usps.com/track for the map.",
        "You have 30 days to send it back.",
        "Orders over $49 ship free.",
    ],
)
def test_what_the_records_show_may_be_said(text: str) -> None:
    assert failed(text) == []


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("Your refund has been issued.", "claims"),
        ("Good news: we refunded your order.", "claims"),
        ("已为您退款，请注意查收。", "claims"),
        ("退款 $1,272.30 已到账。", "claims"),
        ("Your order has been cancelled.", "claims"),
        ("订单已取消。", "claims"),
        ("Your return label is ready.", "claims"),
        ("优惠券已发放到您的账户。", "claims"),
        ("It was delivered yesterday.", "claims"),
        ("You will get $2,000.00 back.", "amounts"),
        ("退您 888 元。", "amounts"),
        ("Your tracking number is 1Z12345E0205271688.", "numbers"),
        ("Order #1005 is also on its way.", "numbers"),
        ("It arrives on Dec 24.", "dates"),
        ("预计12月24日送达。", "dates"),
        ("Write to boss@example.org.", "contacts"),
        ("打电话给 13812345678。", "contacts"),
        ("Click https://evil.example/pay now.", "links"),
        ("![x](https://tools.usps.com/a.png)", "links"),
        ("   ", "form"),
        ("a" * 3001, "form"),
    ],
)
def test_what_no_record_shows_is_held_back(text: str, check: str) -> None:
    assert check in failed(text)


@pytest.mark.parametrize(
    "text",
    [
        "没问题，已经为您退款了。",
        "不好意思让您久等，已为您退款。",
        "亲爱的会员，已为您退款。",
        "刚才已帮您退款。",
        "售后已为您退款。",
        "钱已经给您退回去啦。",
        "已经把钱退给您了。",
        "可以的，已为您取消订单。",
        "已帮您把订单取消了。",
        "您的订单已被取消。",
        "包裹已由家人签收。",
        "Not to worry, your refund has been issued.",
        "As you can see, your refund has been processed.",
        "I can confirm your refund has been issued.",
        "Good news: your refund went through.",
        "The money is back on your card.",
        "I went ahead and cancelled it for you.",
        "I've cancelled order #1004.",
        "It's been cancelled.",
        "Your order has now been canceled.",
        "Your parcel arrived yesterday.",
        "The carrier delivered it yesterday.",
        "I've emailed you a return label.",
        "I've applied a goodwill coupon to your account.",
    ],
)
def test_a_claim_is_one_however_politely_it_begins(text: str) -> None:
    assert "claims" in failed(text)


@pytest.mark.parametrize(
    "text",
    [
        "等我们收到后，会为您办理退款。",
        "If an order was cancelled, you hear from us.",
        "退款还没有办好，同事确认后会告诉您。",
        "Your refund has not been issued yet.",
        "已签收的商品 30 天内可退。",
        "The parcel hasn't arrived yet.",
    ],
)
def test_rules_conditions_and_denials_are_no_claims(text: str) -> None:
    assert failed(text) == []


@pytest.mark.parametrize("end", ["?@", "#@", "\\@", "\\"])
def test_a_link_is_read_as_browsers_read_it(end: str) -> None:
    assert "links" in failed(f"See https://evil.example{end}tools.usps.com now.")


@pytest.mark.parametrize("text", ["Pay at evil-shop.com/now.", "请访问evil.cn，谢谢", "See EVIL.example.com"])
def test_an_address_without_its_scheme_is_a_link(text: str) -> None:
    assert "links" in failed(text)


def test_own_addresses_and_the_customers_mail_are_no_strange_links() -> None:
    said = (HistoryItem("M-1", Author.CUSTOMER, "mail jane.demo@example.com please", NOW),)
    assert failed("See tools.usps.com. I'll write to jane.demo@example.com.", history=said) == []


@pytest.mark.parametrize(
    "text",
    ["My manager has already approved it.", "主管已经同意了。", "Your request is approved.", "申请已批准。"],
)
def test_an_approval_is_claimed_only_when_the_ledger_has_one(text: str) -> None:
    approved = an_action("issue_refund", ActionStatus.APPROVED)
    waiting = an_action("issue_refund", ActionStatus.PENDING)
    assert (failed(text, actions=(approved,)), failed(text, actions=(waiting,))) == ([], ["claims"])


@pytest.mark.parametrize("text", ["Once a colleague has approved it, I'll tell you.", "申请还没有批准。"])
def test_waiting_for_an_approval_is_no_claim(text: str) -> None:
    assert failed(text) == []


def test_a_refund_that_failed_is_none() -> None:
    refund = {"refund_id": "RF-1", "amount": {"amount_minor": 127230, "currency": "USD"}}
    for status, wrong in (("failed", ["claims"]), ("succeeded", [])):
        order = {**ORDER, "refunds": [{**refund, "status": status}]}
        made = a_state(now=NOW, records=[order])
        verdicts = check_text("It has been refunded.", gather_facts(made), made["turn"].store)
        assert [verdict.check for verdict in verdicts if not verdict.ok] == wrong


def test_a_day_with_its_ending_is_a_date() -> None:
    assert failed("It arrives on Dec 24th.") == ["claims", "dates"]


def test_an_amount_in_cents_is_not_one_in_dollars() -> None:
    assert failed("The order came to $127,230.") == ["amounts"]


def test_a_receipt_makes_the_claim_true() -> None:
    done = an_action("issue_refund", ActionStatus.SUCCEEDED, amount_minor=127230)
    waiting = an_action("issue_refund", ActionStatus.PENDING, amount_minor=127230)
    assert failed("Your refund of $1,272.30 has been issued.", actions=(done,)) == []
    assert failed("Your refund of $1,272.30 has been issued.", actions=(waiting,)) == ["claims"]


def test_a_rule_quoted_to_the_letter_is_no_claim() -> None:
    rule = "These items have already been refunded or are on their way back."
    assert failed(f"I can't request that: {rule}") == []
    assert failed("I can't request that: these items have already been refunded.") == ["claims"]


def test_the_customers_own_words_prove_no_claim_and_no_amount() -> None:
    said = [HistoryItem("M-1", Author.CUSTOMER, "You said you refunded $500.00 already!", NOW)]
    assert failed("We refunded $500.00.", history=tuple(said)) == ["claims", "amounts"]


def test_the_customers_own_order_number_and_mail_may_be_repeated() -> None:
    said = [HistoryItem("M-1", Author.CUSTOMER, "It is #7777, mail me at jane@example.com", NOW)]
    assert failed("I cannot find order #7777 for jane@example.com.", history=tuple(said)) == []


@given(st.text(max_size=400))
def test_no_text_breaks_the_guard(text: str) -> None:
    assert set(failed(text)) <= set(CHECKS)
