from __future__ import annotations

import itertools

import pytest
from support.drive import meaning

from xiaoer.domain.identity import Level

PARTS = {
    "order": ("#1002", meaning(order_no="1002")),
    "name": ("Jane Demo", meaning(name="Jane Demo")),
    "postcode": ("94110", meaning(postcode="94110")),
}


def test_nothing_about_an_order_is_told_without_proof(talk):
    spoken = talk().say("Where is my order #1002?", meaning("track_parcel", order_no="1002"))
    assert spoken.tools == []
    assert "#1002" in spoken.text
    assert "e-mail" in spoken.text


@pytest.mark.parametrize("order", list(itertools.permutations(PARTS)))
def test_proof_is_taken_in_any_order_over_several_turns(talk, order):
    talking = talk()
    talking.say("where is my parcel", meaning("track_parcel"))
    for part in order[:-1]:
        spoken = talking.say(*PARTS[part])
        assert spoken.tools == []
    spoken = talking.say(*PARTS[order[-1]])
    assert spoken.tools == ["verify_customer", "track_order"]
    assert "9400100000000000001002" in spoken.text


def test_order_and_mail_in_one_breath_are_enough(talk):
    talking = talk()
    talking.say("where's my parcel?", meaning("track_parcel"))
    spoken = talking.say("it's #1032, jane@example.com", meaning(order_no="1032", email="jane@example.com"))
    assert spoken.tools == ["verify_customer", "track_order"]


def test_four_digits_beside_a_long_number_are_its_proof(talk):
    said = meaning("track_parcel", lang="zh", order_no=("20261101001002", "7752"))
    assert "SF1000000001002" in talk("cn").say("20261101001002 7752 到哪了", said).text


def test_only_what_is_missing_is_asked_for(talk):
    talking = talk()
    assert (
        "order number"
        in talking.say("jane@example.com", meaning("track_parcel", email="jane@example.com")).text
    )
    named = talk()
    named.say("order 1002", meaning("track_parcel", order_no="1002"))
    assert "postcode" in named.say("Jane Demo", meaning(name="Jane Demo")).text


def test_a_bare_answer_is_read_by_what_was_asked(talk):
    talking = talk("cn")
    talking.say("20261101001002到哪了", meaning("track_parcel", lang="zh", order_no="20261101001002"))
    spoken = talking.say("7752", meaning(lang="zh"))
    assert spoken.tools == ["verify_customer", "track_order"]


def test_a_wrong_proof_gets_one_answer_that_does_not_say_which_part(talk):
    unknown = talk().say("#9999 jane@example.com", meaning(order_no="9999", email="jane@example.com"))
    foreign = talk().say("#1003 jane@example.com", meaning(order_no="1003", email="jane@example.com"))
    assert unknown.text == foreign.text
    assert "4" in foreign.text


def test_the_same_wrong_proof_is_not_tried_again_by_another_message(talk):
    talking = talk()
    talking.say("#1003 jane@example.com", meaning(order_no="1003", email="jane@example.com"))
    assert talking.say("where is it?", meaning("track_parcel")).tools == []
    corrected = talking.say("sorry, 1002", meaning(order_no="1002"))
    assert corrected.tools == ["verify_customer", "track_order"]


def test_five_wrong_tries_lock_the_proof_and_bring_a_person(talk):
    talking = talk()
    for tail in ("1111", "2222", "3333", "4444"):
        assert talking.say(tail, meaning("track_parcel", order_no="1002", phone_tail=tail)).hand_off is None
    spoken = talking.say("5555", meaning(phone_tail="5555"))
    assert spoken.hand_off is not None
    assert spoken.hand_off.reason == "locked"
    assert "hour" in spoken.text


def test_what_was_wanted_before_the_proof_is_answered_after_it_all_of_it(talk):
    talking = talk()
    first = talking.say(
        "where is #1002 and when does #1001 ship?",
        meaning("track_parcel", "when_ship", order_no=("1002", "1001")),
    )
    assert first.tools == []
    spoken = talking.say("jane@example.com", meaning(email="jane@example.com"))
    assert spoken.text.index("9400100000000000001002") < spoken.text.index("#1001")
    assert "Nov 22" in spoken.text


def test_a_proven_customer_is_not_asked_again(talk):
    talking = talk()
    talking.say("#1002 jane@example.com", meaning(order_no="1002", email="jane@example.com"))
    spoken = talking.say("and 1032?", meaning("track_parcel", order_no="1032"))
    assert spoken.tools == ["track_order"]
    assert "#1032" in spoken.text


def test_a_foreign_order_and_a_missing_one_are_told_alike_after_proof(talk):
    def ask(number: str) -> str:
        return talk().prove("jane").say(f"where is {number}", meaning("track_parcel", order_no=number)).text

    assert ask("1003").replace("1003", "") == ask("9999").replace("9999", "")


def test_several_orders_are_offered_as_a_short_list_and_chosen_by_words(talk):
    talking = talk().prove("jane", Level.CHANNEL)
    first = talking.say("where is my parcel", meaning("track_parcel"))
    assert first.tools == ["find_orders"]
    assert "#1001" in first.text and "#1032" not in first.text  # delivered ones are not likely meant
    assert "9400100000000000001002" in talking.say("the second one", meaning()).text


def test_an_only_order_is_taken_without_a_question(talk):
    talking = talk().prove("yusuf", Level.CHANNEL)
    assert "#W2378156" in talking.say("where is my parcel", meaning("track_parcel")).text


def test_the_end_of_a_long_number_is_enough_for_a_proven_customer(talk):
    talking = talk("cn").prove("zhang")
    spoken = talking.say("1032那单呢", meaning("track_parcel", lang="zh", order_no="1032"))
    assert "20261101001032" in spoken.text


def test_proof_for_another_customers_order_changes_who_is_served(talk):
    talking = talk().prove("jane")
    said = meaning("track_parcel", order_no="1003", email="omar@example.com")
    spoken = talking.say("#1003, omar@example.com", said)
    assert "out for delivery" in spoken.text
