from __future__ import annotations

import pytest
from support.demo_orders import us_orders, us_shop
from support.drive import meaning, stores
from support.fake_shop import FakeShop

from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.money import Money
from xiaoer.domain.policy import REASONS


def refund(*also: str, **slots):
    return meaning("refund_request", *also, **slots)


def test_the_whole_way_from_question_to_pending_refund(talk):
    talking = talk()
    asked = talking.say("Where is my order #W2378156?", meaning("track_parcel", order_no="W2378156"))
    assert asked.tools == []
    proof = talking.say("Yusuf Rossi, 19122", meaning(name="Yusuf Rossi", postcode="19122"))
    assert proof.tools == ["verify_customer", "track_order"]
    assert "delivered" in proof.text
    spoken = talking.say(
        "return the mechanical keyboard, money back to my card", meaning("return_item", "refund_request")
    )
    [made] = spoken.proposals
    assert made.call.name == "issue_refund"
    assert made.call.args == {
        "order_no": "#W2378156",
        "reason": "changed_mind",
        "lines": [{"line_id": "W3", "quantity": 1}],
    }
    assert made.action is not None
    assert made.action.amount == Money(27233, "USD")
    assert made.action.status is ActionStatus.PENDING
    for words in (
        "$272.33",
        "Mastercard ···· 2478",
        made.action.action_id,
        "colleague",
        "return instructions",
    ):
        assert words in spoken.text
    card = spoken.card("action")
    assert (card["status"], card["amount"]) == ("pending", {"amount_minor": 27233, "currency": "USD"})


def test_return_and_money_back_in_one_intent_is_a_refund_request_too(talk):
    talking = talk().prove("yusuf")
    said = "return the mechanical keyboard of #W2378156, money back to my card"
    spoken = talking.say(said, meaning("return_item", order_no="W2378156"))
    assert [p.call.name for p in spoken.proposals] == ["issue_refund"]
    assert "return instructions" in spoken.text


@pytest.mark.parametrize("again", ["refund_request", "return_item", "refund_status"])
def test_a_wish_that_is_open_already_is_told_and_not_asked_for_twice(talk, again):
    talking = talk().prove("jane")
    first = talking.say("money back for the throw of 1032", refund(order_no="1032"))
    spoken = talking.say("what about the throw", meaning(again))
    assert spoken.proposals == ()
    assert first.proposals[0].action is not None
    assert first.proposals[0].action.action_id in spoken.text
    assert "colleague" in spoken.text


def test_another_item_of_the_same_order_is_a_request_of_its_own(talk):
    talking = talk().prove("jane")
    talking.say("refund the throw of 1032", refund(order_no="1032"))
    spoken = talking.say("and refund the lamp too", refund())
    assert [p.call.args["lines"] for p in spoken.proposals] == [[{"line_id": "L1", "quantity": 1}]]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (ActionStatus.APPROVED, "approved"),
        (ActionStatus.EXECUTING, "approved"),
        (ActionStatus.SUCCEEDED, "$118.00"),
        (ActionStatus.REJECTED, "declined"),
    ],
)
def test_refund_status_follows_the_ledger(talk, status, words):
    talking = talk().prove("jane")
    made = talking.say("refund the throw of 1032", refund(order_no="1032")).proposals[0].action
    talking.settle(made.action_id, status, reason_note="worn")
    spoken = talking.say("where is my money?", meaning("refund_status"))
    assert made.action_id in spoken.text
    assert words in spoken.text


def test_refund_status_without_a_request_tells_the_record(talk):
    spoken = talk().prove("marco").say("refund of 1011?", meaning("refund_status", order_no="1011"))
    assert "$25.00" in spoken.text and "Visa ···· 4242" in spoken.text
    none = talk().prove("jane").say("refund of 1032?", meaning("refund_status", order_no="1032"))
    assert "no" in none.text.lower() and none.proposals == ()


LINES = [
    ("the lamp", [("L1", 1)]),
    ("2", [("L2", 2)]),
    ("the second one", [("L2", 2)]),
    ("just one of the throws", [("L2", 1)]),
    ("both", [("L1", 1), ("L2", 2)]),
    ("everything except the lamp", [("L2", 2)]),
    ("all, but keep the throw", [("L1", 1)]),
    ("the white lamp and the throws", [("L1", 1), ("L2", 2)]),
]


@pytest.mark.parametrize(("answer", "lines"), LINES)
def test_items_are_asked_for_once_and_understood_in_the_customers_words(talk, answer, lines):
    talking = talk().prove("jane")
    asked = talking.say("I want a refund for 1032", refund(order_no="1032"))
    assert asked.proposals == ()
    assert "1. Desk lamp" in asked.text and "2. Wool throw" in asked.text
    [made] = talking.say(answer, meaning()).proposals
    assert made.call.args["lines"] == [{"line_id": i, "quantity": q} for i, q in lines]


@pytest.mark.parametrize(
    ("answer", "lines"),
    [("第二件", ["L2"]), ("台灯", ["L1"]), ("都要", ["L1", "L2"]), ("全部", ["L1", "L2"])],
)
def test_items_are_understood_in_chinese(talk, answer, lines):
    talking = talk("cn").prove("zhang")
    asked = talking.say("20261101001032我要退款", refund(lang="zh", order_no="20261101001032"))
    assert "护眼台灯" in asked.text
    [made] = talking.say(answer, meaning(lang="zh")).proposals
    assert [line["line_id"] for line in made.call.args["lines"]] == lines


def test_another_order_number_instead_of_an_item_corrects_the_order(talk):
    talking = talk().prove("jane")
    talking.say("I want a refund for 1032", refund(order_no="1032"))
    spoken = talking.say("no, order 1001, all of it", meaning(order_no="1001"))
    assert spoken.proposals[0].call.args["order_no"] == "#1001"


REASONS_SAID = [
    ("the tea set of 1005 arrived broken, money back", "damaged_or_wrong"),
    ("1005 never arrived, I want my money back", "not_received"),
    ("refund 1005, I don't want it any more", "changed_mind"),
    ("refund 1005 please", "changed_mind"),
]


@pytest.mark.parametrize(("words", "reason"), REASONS_SAID)
def test_the_reason_comes_from_the_words(talk, words, reason):
    [made] = talk().prove("priya").say(words, refund(order_no="1005")).proposals
    assert made.call.args["reason"] == reason
    assert reason in REASONS


def test_where_only_the_reason_stands_in_the_way_the_rule_is_told_and_the_reason_asked_for(talk):
    talking = talk().prove("priya")
    asked = talking.say("refund 1013", refund(order_no="1013"))
    assert asked.proposals == ()
    assert "30 days" in asked.text and "damaged" in asked.text
    assert asked.reply.citations[0]["id"] == "refund.late"
    denied = talking.say("I just don't like it", meaning())
    assert denied.proposals == ()
    assert "30 days" in denied.text
    assert denied.reply.citations[0]["id"] == "refund.late"
    handed = talking.say("yes", meaning(yes_no="yes"))
    assert handed.hand_off is not None


def test_damage_outside_the_window_is_requested_all_the_same(talk):
    talking = talk().prove("priya")
    talking.say("refund 1013", refund(order_no="1013"))
    [made] = talking.say("it came broken", meaning()).proposals
    assert made.call.args["reason"] == "damaged_or_wrong"


def test_a_refusal_names_the_rule_and_a_way_on(talk):
    spoken = talk().prove("jane").say("money back for 1002", refund(order_no="1002"))
    assert spoken.proposals == ()
    assert spoken.reply.citations == (spoken.reply.citations[0],)
    assert spoken.reply.citations[0]["id"] == "refund.moving"
    assert "colleague" in spoken.text


def test_an_unshipped_order_is_cancelled_at_once_by_request(talk):
    spoken = talk().prove("jane").say("cancel 1001", meaning("cancel_order", order_no="1001"))
    [made] = spoken.proposals
    assert made.call.name == "cancel_order"
    assert made.call.args == {"order_no": "#1001", "reason": "changed_mind"}
    assert "$98.99" in spoken.text


def test_a_shipped_order_cannot_be_cancelled_and_a_return_is_offered(talk):
    talking = talk().prove("jane")
    spoken = talking.say("cancel 1032", meaning("cancel_order", order_no="1032"))
    assert "cannot" in spoken.text or "can no longer" in spoken.text or "can't" in spoken.text
    assert spoken.reply.citations[0]["id"] == "cancel.shipped"
    assert (
        "Which" in talking.say("yes", meaning(yes_no="yes")).text
        or "Please tell me" in talking.history[-1].text
    )


def test_a_guessed_order_is_confirmed_before_anything_is_requested(talk):
    talking = talk().prove("jane")
    asked = talking.say("cancel my order", meaning("cancel_order"))
    while "1." in asked.text:
        asked = talking.say("the first", meaning())
    assert asked.proposals[0].call.args["order_no"] == "#1001"


def test_with_two_numbers_in_one_wish_each_is_confirmed(talk):
    talking = talk().prove("jane")
    asked = talking.say("cancel #1001, or was it #1002", meaning("cancel_order", order_no=("1001", "1002")))
    assert asked.proposals == ()
    assert "#1001" in asked.text
    assert "#1002" in asked.text  # that it has left is told at once
    assert talking.say("no", meaning(yes_no="no")).proposals == ()
    assert talking.actions == []


def test_final_sale_is_refused_with_its_own_clause(talk):
    talking = talk().prove("omar")
    talking.say("return the rug of 1004", meaning("return_item", order_no="1004"))
    spoken = talking.say("changed my mind", meaning())
    assert spoken.proposals == ()
    assert spoken.reply.citations[0]["id"] == "return.final_sale"


def test_what_is_refunded_already_is_not_requested_again(talk):
    spoken = talk().prove("marco").say("refund 1011", refund(order_no="1011"))
    assert spoken.proposals == ()
    assert "$25.00" in spoken.text


def test_a_pending_refund_does_not_block_other_questions(talk):
    talking = talk().prove("jane")
    talking.say("refund the throw of 1032", refund(order_no="1032"))
    other = talking.say("and where is 1002?", meaning("track_parcel", order_no="1002"))
    assert "9400100000000000001002" in other.text
    assert "refund.where" in str(
        talking.say("where do refunds go?", meaning("return_policy")).reply.citations
    )


def test_a_request_that_cannot_be_entered_is_told_and_can_be_repeated(talk):
    shop = us_shop()
    talking = talk(shop=shop).prove("jane")
    shop.failing["issue_refund"] = "down"
    spoken = talking.say("refund the throw of 1032", refund(order_no="1032"))
    assert "nothing" in spoken.text
    del shop.failing["issue_refund"]
    again = talking.say("again", meaning())
    assert [p.decision for p in again.proposals] == ["pending"]


@pytest.mark.parametrize(("answer", "taken_back"), [("yes", True), ("no", False)])
def test_an_open_request_is_taken_back_by_a_plain_yes_alone(talk, answer, taken_back):
    talking = talk().prove("jane")
    made = talking.say("refund the throw of 1032", refund(order_no="1032")).proposals[0].action
    spoken = talking.say("never mind, forget it", meaning())
    assert made.action_id in spoken.text
    assert spoken.withdraws == ()
    spoken = talking.say(answer, meaning(yes_no=answer))
    assert spoken.withdraws == ((made.action_id,) if taken_back else ())
    assert spoken.hand_off is None


def test_the_policy_of_the_store_decides_not_the_brain(talk):
    orders = [o for o in us_orders() if o.order_no == "#1032"]
    assert stores()["demo-cn"].policy.version != stores()["demo-us"].policy.version
    talking = talk(shop=FakeShop(*orders, store=stores()["demo-cn"])).prove("jane")
    spoken = talking.say("return the lamp of 1032", meaning("return_item", order_no="1032"))
    assert spoken.tools == ["get_order", "check_return", "create_return_label"]


def test_a_delivered_order_that_is_to_be_cancelled_for_money_back_is_a_refund_request(talk):
    said = meaning("cancel_order", "refund_request", lang="zh", order_no="20261101001032")
    spoken = talk("cn").prove("zhang").say("20261101001032全部退款吧，不想要了", said)
    assert [p.call.name for p in spoken.proposals] == ["issue_refund"]


def test_a_label_without_money_back_is_only_a_return(talk):
    said = "send back the lamp of 1032, no refund question, just the label please"
    spoken = talk().prove("jane").say(said, meaning("return_item", order_no="1032"))
    assert [p.call.name for p in spoken.proposals] == ["create_return_label"]
