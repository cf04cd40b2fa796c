"""The truth about every parcel, and carriers by the form of a number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.servers import CN, US, World, ask

from xiaoer.mcp_servers.carriers import guess_carriers, s10_check, ups_check, usps_check


async def _track(world: World, order_no: str, store: str = US) -> dict[str, Any]:
    meta = world.context(world.customer(order_no, store))
    answer = await ask(world.servers["logistics"], "track_order", {"order_no": order_no}, meta)
    assert answer.ok, answer
    return answer.data


@pytest.mark.parametrize(
    ("suffix", "verdicts"),
    [
        ("1", []),
        ("2", ["on_its_way"]),
        ("3", ["out_for_delivery"]),
        ("4", ["delivered"]),
        ("5", ["delivered"]),
        ("6", ["stuck"]),
        ("7", ["customs_held"]),
        ("8", ["number_unknown"]),
        ("9", ["delivered", "label_only", "on_its_way"]),
        ("10", ["going_back"]),
    ],
)
async def test_every_demo_case_is_told_as_it_is_in_both_stores(
    world: World, suffix: str, verdicts: list[str]
) -> None:
    for order_no, store in ((f"#{1000 + int(suffix)}", US), (f"2026110100{1000 + int(suffix)}", CN)):
        said = await _track(world, order_no, store)
        assert sorted(parcel["verdict"] for parcel in said["parcels"]) == verdicts, order_no
        assert all(len(parcel["events"]) <= 12 for parcel in said["parcels"])
        assert all(parcel["order_no"] == order_no for parcel in said["parcels"])


async def test_a_split_order_names_the_line_that_is_in_no_parcel(world: World) -> None:
    said = await _track(world, "#1009")
    packed = {part["line_id"] for parcel in said["parcels"] for part in parcel["lines"]}
    waiting = {line["line_id"] for line in said["unshipped"]}
    order = world.platform.get_order(US, None, "#1009")
    assert order is not None
    assert len(said["parcels"]) == 3
    assert packed | waiting == {line.line_id for line in order.lines}
    assert len(waiting) == 1
    assert not packed & waiting


async def test_an_unshipped_order_lists_all_its_lines_and_when_they_leave(world: World) -> None:
    said = await _track(world, "#1001")
    assert said["parcels"] == []
    assert len(said["unshipped"]) == 2
    assert said["ship_by"] is not None


async def test_a_cancelled_order_has_nothing_left_to_send(world: World) -> None:
    assert (await _track(world, "#1011"))["unshipped"] == []


async def test_one_parcel_is_found_however_its_number_is_typed(world: World) -> None:
    number = (await _track(world, "#1002"))["parcels"][0]["tracking_no"]
    meta = world.context(world.customer("#1002"))
    for typed in (number, number.lower(), " ".join(number)):
        answer = await ask(world.servers["logistics"], "track_parcel", {"tracking_no": typed}, meta)
        assert answer.data["tracking_no"] == number
    wrong = {"tracking_no": number, "carrier": "dhl"}
    assert (await ask(world.servers["logistics"], "track_parcel", wrong, meta)).code == "not_found"


async def test_no_day_of_arrival_is_invented(world: World) -> None:
    number = (await _track(world, "#1008"))["parcels"][0]["tracking_no"]
    meta = world.context(world.customer("#1008"))
    answer = await ask(world.servers["logistics"], "estimate_arrival", {"tracking_no": number}, meta)
    assert (answer.data["estimated_at"] is None) == (answer.data["basis"] == "none")


async def test_watching_a_parcel_twice_is_watching_it_once(world: World) -> None:
    number = (await _track(world, "#1002"))["parcels"][0]["tracking_no"]
    meta = world.context(world.customer("#1002"))
    for _ in range(2):
        answer = await ask(world.servers["logistics"], "subscribe_parcel", {"tracking_no": number}, meta)
        assert answer.data == {"tracking_no": number, "subscribed": True}


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("1Z999AA10123456784", "ups"),
        ("1z 999 aa1 0123 4567 84", "ups"),
        ("9205 5901 6491 7312 7510 89", "usps"),
        ("SF1234567890123", "shunfeng"),
        ("YT1234567890123", "yuantong"),
        ("YT1234567890123456", "yunexpress"),
        ("78123456789012", "zhongtong"),
        ("RR473124829US", "usps"),
        ("JD0012345678901", "jd"),
        ("1234567890", "dhl"),
        ("9612345678901234567890", "fedex"),
    ],
)
def test_a_number_is_recognised_by_its_form(number: str, carrier: str) -> None:
    guesses = guess_carriers(number)
    assert carrier in [guess.code for guess in guesses], guesses


def test_a_wrong_check_digit_is_not_that_carrier() -> None:
    assert ups_check("1Z999AA10123456784")
    assert guess_carriers("1Z999AA10123456785") == []
    assert usps_check("9205590164917312751089")
    assert not usps_check("9205590164917312751080")
    assert s10_check("RR473124829US")
    assert not s10_check("RR473124820US")


@given(st.text(max_size=60))
def test_any_text_gives_guesses_without_a_crash_the_surest_first(text: str) -> None:
    sure = [guess.sure for guess in guess_carriers(text)]
    assert sure == sorted(sure, reverse=True)
    assert all(0 < value <= 1 for value in sure)
