"""Wishes that a person fulfils: what the record shows at once, what is asked, what the colleague is given."""

from __future__ import annotations

import pytest
from support.demo_orders import JANE, LAMP, THROW, us_shop
from support.drive import meaning
from support.fake_shop import Box, FakeOrder, FakeShop, Item


def test_before_shipping_a_new_address_is_asked_for_once_and_handed_over_word_for_word(talk):
    talking = talk().prove("jane")
    asked = talking.say("can you change the address of 1001", meaning("change_address", order_no="1001"))
    assert asked.hand_off is None
    assert "not shipped yet" in asked.text or "has left yet" in asked.text
    assert talking.memory["expecting"] == "lines"
    told = talking.say("Jane Demo, 5 New Street, 94117 San Francisco", meaning(("track_parcel", 0.7)))
    assert told.hand_off is not None
    assert told.hand_off.reason == "unsupported"
    assert "5 New Street, 94117" in told.hand_off.summary
    assert "address" in told.text


def test_an_address_given_at_once_is_not_asked_for_again(talk):
    said = "please send 1001 to 5 New Street, 94117 San Francisco instead of the old one"
    spoken = talk().prove("jane").say(said, meaning("change_address", order_no="1001"))
    assert spoken.hand_off is not None
    assert "5 New Street" in spoken.hand_off.summary


def test_on_its_way_the_parcel_is_told_and_a_redirection_is_not_promised(talk):
    talking = talk().prove("jane")
    spoken = talking.say("other address for 1002", meaning("change_address", order_no="1002"))
    assert "9400100000000000001002" in spoken.text
    assert spoken.hand_off is None
    told = talking.say("5 New Street, 94117 San Francisco", meaning())
    assert told.hand_off is not None and "5 New Street" in told.hand_off.summary


@pytest.mark.parametrize(("order_no", "customer"), [("1011", "marco"), ("1005", "priya")])
def test_an_address_is_not_changed_where_nothing_will_travel_to_it(talk, order_no, customer):
    spoken = talk().prove(customer).say("new address please", meaning("change_address", order_no=order_no))
    assert spoken.hand_off is None
    assert order_no in spoken.text


def test_no_to_the_question_for_details_ends_it(talk):
    talking = talk().prove("jane")
    talking.say("change the address of 1001", meaning("change_address", order_no="1001"))
    spoken = talking.say("no, leave it", meaning(yes_no="no"))
    assert spoken.hand_off is None
    assert "nothing" in spoken.text or "not requested" in spoken.text


def test_a_question_in_between_does_not_become_the_new_address(talk):
    talking = talk().prove("jane")
    talking.say("change the address of 1001", meaning("change_address", order_no="1001"))
    spoken = talking.say("what does shipping cost?", meaning("shipping_policy"))
    assert "$49" in spoken.text
    assert talking.say("5 New Street, 94117 San Francisco", meaning()).hand_off is not None


def test_an_order_is_changed_before_it_ships_and_not_after(talk):
    talking = talk().prove("jane")
    assert (
        "can still be changed"
        in (t := talking.say("change 1001", meaning("change_order", order_no="1001")).text)
        or "still time" in t
    )
    handed = talking.say("the lamp in black instead of white", meaning(("change_order", 0.8)))
    assert handed.hand_off is not None and "black instead of white" in handed.hand_off.summary
    late = talk().prove("jane").say("change 1002 to plum", meaning("change_order", order_no="1002"))
    assert late.hand_off is None and "exchange" in late.text


def test_an_exchange_collects_item_and_wanted_variant(talk):
    talking = talk().prove("jane")
    first = talking.say("I want to exchange something of 1032", meaning("exchange_item", order_no="1032"))
    assert "Desk lamp" in first.text and "Wool throw" in first.text
    second = talking.say("the lamp", meaning())
    assert "Desk lamp" in second.text and second.hand_off is None
    third = talking.say("a black one please", meaning())
    assert third.hand_off is not None
    assert "Desk lamp" in third.hand_off.summary and "a black one" in third.hand_off.summary


def test_an_exchange_with_item_and_size_needs_no_question(talk):
    said = "swap the lamp of 1032 for a black one"
    spoken = talk().prove("jane").say(said, meaning("exchange_item", order_no="1032"))
    assert spoken.hand_off is not None and "Desk lamp" in spoken.hand_off.summary


def test_an_exchange_of_what_has_not_come_waits_for_its_arrival(talk):
    spoken = talk().prove("jane").say("exchange 1002", meaning("exchange_item", order_no="1002"))
    assert spoken.hand_off is None and "way" in spoken.text


def test_an_invoice_needs_its_data_and_then_a_person(talk):
    talking = talk()
    asked = talking.say("I need an invoice", meaning("invoice_request"))
    assert asked.hand_off is None and "tax" in asked.text
    told = talking.say(
        "#1005, Example GmbH, DE123456789, billing@example.com",
        meaning(order_no="1005", email="billing@example.com"),
    )
    assert told.hand_off is not None and "Example GmbH" in told.hand_off.summary


def test_an_exchange_instead_of_the_offered_refund_is_about_the_same_item(talk):
    talking = talk().prove("jane")
    talking.say("the lamp of 1032 is cracked", meaning("damaged_or_wrong_item", order_no="1032"))
    spoken = talking.say("exchange", meaning("exchange_item"))
    assert "Desk lamp" in spoken.text and "Wool throw" not in spoken.text


def test_where_the_rule_refuses_every_item_alike_nobody_is_asked_to_choose(talk):
    shop = us_shop()
    spoken = talk(shop=shop).prove("jane").say("refund 1001", meaning("refund_request", order_no="1001"))
    assert "1." in spoken.text  # these may be refunded, so it is asked which
    travelling = FakeOrder(
        "#1099", "jane", "shipped", (LAMP, THROW), (Box("9400100000000000001099", "on_its_way"),), proof=JANE
    )
    shop = FakeShop(travelling, store=shop.store)
    spoken = talk(shop=shop).prove("jane").say("refund 1099", meaning("refund_request", order_no="1099"))
    assert "30 days" in spoken.text and "1." not in spoken.text
    assert spoken.proposals == ()


def test_damage_names_the_item_that_the_words_tell(talk):
    spoken = (
        talk()
        .prove("jane")
        .say("the lamp of 1032 is cracked", meaning("damaged_or_wrong_item", order_no="1032"))
    )
    assert "Desk lamp" in spoken.text and "photo" in spoken.text
    assert spoken.proposals == ()


def test_a_cancellation_that_the_rules_refuse_never_becomes_an_action(talk):
    talking = talk().prove("jane")
    for _ in range(2):
        spoken = talking.say("cancel 1002", meaning("cancel_order", order_no="1002"))
        assert spoken.proposals == ()
        assert "left the warehouse" in spoken.text
        assert spoken.reply.citations[0]["id"] == "cancel.shipped"


def test_the_others_too_are_what_the_first_request_left_out(talk):
    talking = talk().prove("jane")
    [first] = talking.say("refund the lamp of 1032", meaning("refund_request", order_no="1032")).proposals
    [second] = talking.say("ok then the others too", meaning(("refund_request", 0.5))).proposals
    assert {line["line_id"] for line in first.call.args["lines"]} == {"L1"}
    assert {line["line_id"] for line in second.call.args["lines"]} == {"L2"}


def test_going_back_asks_for_the_items_anew(talk):
    talking = talk().prove("jane")
    talking.say("refund something of 1032", meaning("refund_request", order_no="1032"))
    spoken = talking.say("go back", meaning())
    assert "Desk lamp" in spoken.text and spoken.proposals == ()


def test_a_question_without_a_name_is_about_the_product_in_talk(talk):
    talking = talk()
    talking.say("do you have the desk lamp", meaning("stock_question"))
    spoken = talking.say("how long does it last", meaning("product_question"))
    queries = [c.args["query"] for c in (*spoken.fetched, *spoken.calls)]
    assert any(query.startswith("Desk lamp") for query in queries)
    assert "dims" in spoken.text or "lamp" in spoken.text


def test_words_that_fit_two_items_narrow_the_choice_to_these(talk):
    shop = us_shop()
    items = (LAMP, Item("L2", "Tea set green", 2500), Item("L3", "Tea set blue", 2500))
    order = FakeOrder("#1098", "jane", "delivered", items, (Box("1", "delivered"),), proof=JANE, delivered=3)
    talking = talk(shop=FakeShop(order, store=shop.store)).prove("jane")
    talking.say("refund 1098", meaning("refund_request", order_no="1098"))
    spoken = talking.say("the tea set", meaning())
    assert "green" in spoken.text and "blue" in spoken.text and "Desk lamp" not in spoken.text
    assert talking.say("blue", meaning()).proposals != ()


def test_thanks_and_a_change_of_mind_are_no_details(talk):
    talking = talk().prove("jane")
    talking.say("change the address of 1001", meaning("change_address", order_no="1001"))
    assert talking.say("thanks", meaning("thanks_bye")).hand_off is None
    assert talking.say("never mind, keep it", meaning(("change_order", 0.9))).hand_off is None


def test_a_question_that_is_unsure_is_about_the_open_request(talk):
    talking = talk().prove("jane")
    [made] = talking.say("refund the lamp of 1032", meaning("refund_request", order_no="1032")).proposals
    spoken = talking.say("how long will it take?", meaning(("when_ship", 0.41), ("product_question", 0.2)))
    assert made.action.action_id in spoken.text


def test_an_item_alone_asks_on_about_the_last_topic(talk):
    talking = talk().prove("jane")
    talking.say("where is 1009", meaning("track_parcel", order_no="1009"))
    assert "#1009" in talking.say("and the tea set?", meaning()).text


def test_ok_with_a_wish_for_money_is_that_wish_and_not_a_yes_to_something_else(talk):
    talking = talk().prove("marco")
    talking.say("where is 1010", meaning("track_parcel", order_no="1010"))
    spoken = talking.say("ok refund please", meaning(yes_no="yes"))
    assert "$25.00" in spoken.text and spoken.hand_off is None
    assert [p.call.name for p in talking.say("yes", meaning(yes_no="yes")).proposals] == ["issue_refund"]


def test_a_deed_that_is_only_half_heard_beside_a_need_is_left_out(talk):
    spoken = (
        talk()
        .prove("priya")
        .say("I never got 1005", meaning(("not_received", 0.5), ("cancel_order", 0.3), order_no="1005"))
    )
    assert "cancel" not in spoken.text


def test_a_return_with_a_reason_is_no_exchange_beside_it(talk):
    said = meaning("return_item", ("exchange_item", 0.97), order_no="1032")
    spoken = talk().prove("jane").say("send back the lamp of 1032, too small", said)
    assert [p.call.name for p in spoken.proposals] == ["create_return_label"]
    assert "instead" not in spoken.text


def test_another_deed_is_not_taken_for_the_details_that_were_asked_for(talk):
    talking = talk().prove("jane")
    talking.say("exchange the lamp of 1032", meaning("exchange_item", order_no="1032"))
    spoken = talking.say("1009 refund the tea set", meaning("refund_request", order_no="1009"))
    assert spoken.hand_off is None
    assert "Tea set" in spoken.text


def test_numbers_of_an_address_are_no_orders(talk):
    said = meaning("change_address", order_no=("1001", "94117"))
    spoken = talk().prove("jane").say("change 1001 to 5 New Street, San Francisco 94117 please", said)
    assert spoken.hand_off is not None
    assert "find" not in spoken.text


def test_what_was_just_told_is_not_told_again_beside_the_answer(talk):
    talking = talk().prove("priya")
    talking.say("1005 never came", meaning("not_received", order_no="1005"))
    spoken = talking.say("no, nobody has it, not received", meaning("not_received"))
    assert spoken.text.count("1005") == 1


def test_a_guessed_deed_is_confirmed_first(talk):
    talking = talk().prove("marco")
    spoken = talking.say("1010 hm back", meaning(("refund_request", 0.3), order_no="1010"))
    assert spoken.proposals == () and "$25.00" in spoken.text
