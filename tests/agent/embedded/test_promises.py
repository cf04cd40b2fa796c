"""A reply that says it comes back names the day, and the plan carries what it says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.drive import meaning

from xiaoer.domain.promises import PromiseKind


@pytest.mark.parametrize(
    ("order_no", "who", "intent", "kind", "hours"),
    [
        ("#1006", "priya", "delivery_overdue", PromiseKind.PARCEL_MOVES, 24),
        ("#1007", "lena", "delivery_overdue", PromiseKind.PARCEL_MOVES, 48),
        ("#1008", "lena", "tracking_invalid", PromiseKind.PARCEL_MOVES, 24),
        ("#1009", "jane", "partial_delivery", PromiseKind.PARCEL_MOVES, 24),
    ],
)
def test_a_late_parcel_is_promised_another_look(talk, order_no, who, intent, kind, hours):
    talking = talk().prove(who)
    spoken = talking.say(f"what about {order_no}?", meaning(intent, order_no=order_no))
    (promise,) = talking.last_plan.promises
    assert (promise.kind, promise.subject, promise.order_no) == (kind, order_no, order_no)
    assert promise.look_at - talking.now == timedelta(hours=hours)
    day = promise.look_at.astimezone(talking.shop.store.zone)
    assert f"{day:%b} {day.day}" in spoken.text


def test_a_parcel_that_moves_in_time_is_promised_nothing(talk):
    talking = talk().prove("jane")
    talking.say("where is #1002?", meaning("track_parcel", order_no="#1002"))
    assert talking.last_plan.promises == ()


def test_what_an_angry_customer_is_told_on_the_way_to_a_person_is_kept_too(talk):
    talking = talk().prove("priya")
    said = meaning("delivery_overdue", order_no="#1006", sentiment="angry")
    spoken = talking.say("#1006 is a joke, where is it!!", said)
    assert spoken.hand_off is not None
    assert [promise.subject for promise in talking.last_plan.promises] == ["#1006"]
    assert "again on Nov 21" in spoken.text
