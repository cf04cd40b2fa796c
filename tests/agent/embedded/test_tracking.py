from __future__ import annotations

import itertools

import pytest
from support.drive import meaning

TRACKED = [
    ("#1001", "jane", ["not shipped", "Nov 22"], []),
    ("#1002", "jane", ["9400100000000000001002", "on its way", "Nov 19", "Reno, NV", "expected Nov 23"], []),
    ("#1003", "omar", ["out for delivery", "Nov 20"], []),
    ("#1004", "omar", ["delivered on Nov 17"], []),
    ("#1006", "priya", ["no scan since Nov 14", "6 days ago", "Louisville, KY", "colleague"], []),
    ("#1007", "lena", ["in customs since Nov 18"], []),
    ("#1008", "lena", ["does not know this number", "colleague"], []),
    ("#1010", "marco", ["on its way back to the sender", "colleague"], []),
    ("#1011", "marco", ["cancelled"], ["9400"]),
]


@pytest.mark.parametrize(("order_no", "customer", "told", "untold"), TRACKED)
def test_every_state_of_an_order_is_told_in_words(talk, order_no, customer, told, untold):
    talking = talk().prove(customer)
    spoken = talking.say(f"where is {order_no}", meaning("track_parcel", order_no=order_no))
    assert spoken.tools[:1] == ["track_order"]
    for words in told:
        assert words.lower() in spoken.text.lower()
    assert not any(words in spoken.text for words in untold)


def test_every_parcel_of_a_split_order_is_named_with_its_contents_and_what_is_not_shipped(talk):
    spoken = talk().prove("jane").say("where is 1009", meaning("track_parcel", order_no="1009"))
    for number in ("9400100000000000100901", "YT1000000000100902", "YT1000000000100903"):
        assert number in spoken.text
    assert "(Wool throw)" in spoken.text
    card = spoken.card("parcels")
    assert [p["verdict"] for p in card["parcels"]] == ["delivered", "on_its_way", "label_only"]
    assert [m["title"] for m in card["unshipped"]] == ["Rug"]


def test_unshipped_rest_of_a_partial_delivery_is_named_and_the_supplier_is_asked_once(talk):
    talking = talk().prove("jane")
    first = talking.say("only the lamp came from 1009", meaning("partial_delivery", order_no="1009"))
    assert first.tools == ["track_order", "ask_supplier"]
    assert "asked the warehouse" in first.text and "Nov 22" in first.text
    assert "Rug" in first.text
    again = talking.say("so where is the rest?", meaning("partial_delivery"))
    assert "ask_supplier" not in again.tools
    assert "asked the warehouse" not in again.text


def test_one_apology_is_enough_for_a_conversation(talk):
    talking = talk().prove("priya")
    first = talking.say("1006 is stuck", meaning("delivery_overdue", order_no="1006", sentiment="unhappy"))
    second = talking.say("still stuck?", meaning("delivery_overdue", sentiment="unhappy"))
    assert "sorry" in first.text.lower()
    assert "sorry" not in second.text.lower()


def test_a_chinese_store_answers_in_chinese_and_calls_its_customer(talk):
    talking = talk("cn").prove("zhang")
    spoken = talking.say("我的快递到哪了", meaning("track_parcel", lang="zh", order_no="20261101001002"))
    assert spoken.text.startswith("亲，")
    for words in ("顺丰速运 SF1000000001002", "运输中", "杭州", "11月22日"):
        assert words in spoken.text


def test_language_follows_the_customer_in_mid_conversation(talk):
    talking = talk().prove("jane")
    talking.say("where is 1002", meaning("track_parcel", order_no="1002"))
    spoken = talking.say("现在到哪了", meaning("track_parcel", lang="zh"))
    assert "运输中" in spoken.text


def test_the_same_question_twice_is_not_answered_in_the_same_sentence(talk):
    talking = talk().prove("jane")
    texts = [talking.say("where is it", meaning("track_parcel", order_no="1002")).text for _ in range(4)]
    assert all(one != other for one, other in itertools.pairwise(texts))


def test_a_delivered_parcel_that_did_not_arrive_leads_to_a_refund_request_after_a_yes(talk):
    talking = talk().prove("priya")
    first = talking.say("never got 1005", meaning("not_received", order_no="1005"))
    assert "front porch" in first.text
    spoken = talking.say("yes", meaning(yes_no="yes"))
    [made] = spoken.proposals
    assert (made.call.name, made.call.args["reason"]) == ("issue_refund", "not_received")


def test_a_tracking_number_of_the_customer_leads_to_its_order(talk):
    talking = talk(ahead=False).prove("jane")
    spoken = talking.say(
        "9400100000000000001002?", meaning("track_parcel", tracking_no="9400100000000000001002")
    )
    assert spoken.tools == ["track_parcel", "track_order"]
    assert "#1002" in spoken.text


def test_what_was_read_ahead_is_not_read_again(talk):
    spoken = talk().prove("jane").say("where is 1002", meaning("track_parcel", order_no="1002"))
    assert [c.name for c in spoken.fetched] == ["track_order"]
    assert not spoken.calls
    assert spoken.steps == 1
