from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.demo_orders import us_shop
from support.drive import meaning


def test_two_needs_are_answered_in_one_reply_in_their_order(talk):
    talking = talk().prove("jane")
    spoken = talking.say(
        "where is 1002, and do I pay for shipping?",
        meaning("track_parcel", "shipping_policy", order_no="1002"),
    )
    assert spoken.text.index("9400100000000000001002") < spoken.text.index("free from $49")
    assert spoken.reply.citations[0]["id"] == "shipping.cost"


def test_a_policy_question_is_answered_while_another_need_waits_for_proof(talk):
    spoken = talk().say(
        "where is my parcel? and what does shipping cost?", meaning("track_parcel", "shipping_policy")
    )
    assert "free from $49" in spoken.text
    assert "order" in spoken.text


def test_a_topic_in_between_does_not_lose_the_open_question(talk):
    talking = talk().prove("jane")
    talking.say("refund something of 1032", meaning("refund_request", order_no="1032"))
    talking.say("what does shipping cost?", meaning("shipping_policy"))
    assert talking.say("the lamp", meaning()).proposals != ()


def test_greeting_beside_a_need_is_not_answered_for_itself(talk):
    talking = talk().prove("jane")
    spoken = talking.say("hi, where is 1002", meaning("greeting", "track_parcel", order_no="1002"))
    assert "Hello" not in spoken.text and "Hi," not in spoken.text


def test_greeting_and_thanks_are_short(talk):
    talking = talk("cn")
    assert "小晴" in talking.say("在吗", meaning("greeting", lang="zh")).text
    assert len(talking.say("谢谢", meaning("thanks_bye", lang="zh")).text) < 30


def test_three_misses_lead_to_a_person_by_a_question_and_two_choices(talk):
    talking = talk()
    first, second = (talking.say(text, meaning()) for text in ("blorp", "zzz"))
    assert first.text.endswith("?")
    assert "1." in second.text and "2." in second.text
    third = talking.say("brr", meaning())
    assert third.hand_off is not None and third.hand_off.reason == "missed"


def test_a_choice_of_two_is_taken(talk):
    talking = talk().prove("yusuf")
    talking.say("blorp", meaning())
    talking.say("zzz", meaning())
    assert "#W2378156" in talking.say("1", meaning()).text


def test_an_open_question_is_asked_again_in_other_words_and_then_given_up(talk):
    talking = talk()
    first = talking.say("where is my parcel", meaning("track_parcel"))
    second = talking.say("blorp", meaning())
    third = talking.say("zzz", meaning())
    assert second.hand_off is None and first.text != second.text != third.text
    assert talking.say("brr", meaning()).hand_off is not None


def test_the_wish_for_a_person_is_met_at_once(talk):
    spoken = talk().say("a human please", meaning("human_agent"))
    assert spoken.tools == []
    assert spoken.hand_off is not None
    assert (spoken.hand_off.reason, spoken.hand_off.urgent) == ("asked", False)


def test_outside_opening_hours_the_customer_hears_when_people_are_back(talk):
    talking = talk()
    talking.now = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)  # Saturday night in Los Angeles
    assert "Monday 09:00" in talking.say("a human please", meaning("human_agent")).text
    talking.now = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
    assert "Monday" not in talking.say("a human please", meaning("human_agent")).text


def test_anger_goes_to_a_person_first_in_the_queue_with_the_facts_that_are_there(talk):
    talking = talk().prove("priya")
    said = meaning("delivery_overdue", sentiment="angry", order_no="1006")
    spoken = talking.say("WHERE IS 1006!!!", said)
    assert spoken.hand_off is not None
    assert (spoken.hand_off.reason, spoken.hand_off.urgent) == ("angry", True)
    assert "no scan since Nov 14" in spoken.text
    assert "1006" in spoken.hand_off.summary


def test_risk_words_go_to_a_person_without_bargaining(talk):
    said = meaning("refund_request", risk=("chargeback",), sentiment="unhappy")
    spoken = talk().prove("jane").say("refund or chargeback", said)
    assert spoken.tools == [] and spoken.proposals == ()
    assert spoken.hand_off is not None
    assert (spoken.hand_off.reason, spoken.hand_off.urgent) == ("risk", True)
    assert "chargeback" in spoken.hand_off.summary


@pytest.mark.parametrize("intent", ["price_promotion", "payment_issue"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_is_not_ours_to_do_goes_to_a_colleague_with_a_summary(talk, intent, lang):
    spoken = talk().say("please do this", meaning(intent, lang=lang))
    assert spoken.hand_off is not None
    assert spoken.hand_off.reason == "unsupported"
    assert intent in spoken.hand_off.summary and "please do this" in spoken.hand_off.summary
    assert ("colleague" in spoken.text) if lang == "en" else ("同事" in spoken.text)


def test_a_complaint_is_urgent(talk):
    spoken = talk().say("your service is bad", meaning("complaint", sentiment="unhappy"))
    assert spoken.hand_off is not None and spoken.hand_off.urgent


@pytest.mark.parametrize("code", ["timeout", "down", "garbage"])
def test_a_tool_that_fails_gives_an_honest_sentence_and_a_way_on(talk, code):
    shop = us_shop()
    talking = talk(shop=shop).prove("jane")
    if code == "garbage":
        shop.garbage.add("track_order")
    else:
        shop.failing["track_order"] = code
    spoken = talking.say("where is 1002", meaning("track_parcel", order_no="1002"))
    assert "again" in spoken.text and "agent" in spoken.text
    shop.failing.clear()
    shop.garbage.clear()
    assert "9400100000000000001002" in talking.say("again", meaning()).text


def test_a_tool_that_fails_twice_brings_a_person(talk):
    shop = us_shop()
    shop.failing["track_order"] = "timeout"
    talking = talk(shop=shop).prove("jane")
    talking.say("where is 1002", meaning("track_parcel", order_no="1002"))
    spoken = talking.say("again", meaning())
    assert spoken.hand_off is not None and spoken.hand_off.reason == "tool_down"


def test_one_failing_tool_does_not_silence_the_other_need(talk):
    shop = us_shop()
    shop.failing["track_order"] = "down"
    said = meaning("track_parcel", "shipping_policy", order_no="1002")
    assert "free from $49" in talk(shop=shop).prove("jane").say("where, and costs?", said).text


def test_a_proof_that_cannot_be_checked_is_not_taken_as_wrong(talk):
    shop = us_shop()
    shop.failing["verify_customer"] = "timeout"
    said = meaning("track_parcel", order_no="1002", email="jane@example.com")
    talking = talk(shop=shop)
    assert "again" in talking.say("#1002 jane@example.com", said).text
    shop.failing.clear()
    assert "9400100000000000001002" in talking.say("again", meaning()).text


def test_product_questions_are_answered_from_knowledge_with_its_id(talk):
    spoken = talk().say("is the lamp dimmable", meaning("product_question"))
    assert "dims steplessly" in spoken.text
    assert spoken.reply.citations[0]["id"] == "lamp.light"


def test_what_nobody_knows_is_said_noted_without_personal_data_and_offered_to_a_colleague(talk):
    talking = talk()
    said = "jane@example.com asks: waterproof to 1000 m, tel 4155550142?"
    spoken = talking.say(said, meaning("product_question"))
    [gap] = [c for c in spoken.calls if c.name == "report_gap"]
    assert "jane@" not in gap.args["question"] and "4155550142" not in gap.args["question"]
    assert "don't know" in spoken.text or "no reliable answer" in spoken.text
    assert talking.say("yes please", meaning(yes_no="yes")).hand_off is not None


def test_stock_is_told_from_the_catalogue(talk):
    spoken = talk().say("do you have the desk lamp", meaning("stock_question"))
    assert "white $39.99 (available)" in spoken.text


def test_no_to_an_offer_ends_it(talk):
    talking = talk().prove("priya")
    talking.say("1006 stuck", meaning("delivery_overdue", order_no="1006"))
    spoken = talking.say("no thanks", meaning("thanks_bye", yes_no="no"))
    assert spoken.hand_off is None and spoken.tools == []
    assert "ask" not in talking.memory


def test_memory_is_small_plain_json_with_a_version(talk):
    import json

    talking = talk()
    talking.say(
        "where is it #1003 x@example.com" * 40,
        meaning("track_parcel", order_no="1003", email="x@example.com"),
    )
    kept = json.dumps(talking.memory)
    assert talking.memory["v"] == 1
    assert len(kept) < 4_000
    assert talking.memory["expecting"] == "proof"


def test_memory_of_another_version_is_forgotten(talk):
    talking = talk()
    talking.memory = {"v": 99, "needs": "nonsense"}
    assert talking.say("hello", meaning("greeting")).reply is not None


def test_the_time_limit_of_a_return_is_told_as_the_policy_has_it(talk):
    spoken = talk().say("how long do I have to return something?", meaning("return_policy"))
    assert "30 days" in spoken.text
    assert "return.window" in {c["id"] for c in spoken.reply.citations}


def test_an_offer_is_taken_by_its_own_words_too(talk):
    talking = talk("us").prove("priya")
    talking.say("1005 never came", meaning("not_received", order_no="1005"))
    spoken = talking.say("yes please send the money back", meaning(("return_item", 0.33)))
    assert [p.call.args["reason"] for p in spoken.proposals] == ["not_received"]
    assert "return instructions" not in spoken.text


def test_a_bare_tail_beside_an_order_number_is_a_proof(talk):
    said = meaning("when_ship", lang="zh", order_no="20261101001001")
    spoken = talk("cn").say("20261101001001什么时候发货 7752", said)
    assert spoken.tools == ["verify_customer", "track_order"]


def test_who_declines_the_money_gets_a_label_and_no_refund(talk):
    talking = talk().prove("jane")
    spoken = talking.say(
        "I'd like to send back the lamp of 1032, I changed my mind. No refund question, just the label please",
        meaning("return_item", ("refund_request", 0.51), ("exchange_item", 0.72), order_no="1032"),
    )
    assert [p.call.name for p in spoken.proposals] == ["create_return_label"]
    assert spoken.hand_off is None
