"""From the question to money that moves once: the main journey, in both stores, over the API."""

from __future__ import annotations

import asyncio
import re

import pytest
from support.desk import Customer, Desk
from support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def receipt(customer: Customer) -> str:
    """The message by which the customer hears the outcome."""

    async def told() -> str:
        said = [m["text"] for m in await customer.history() if m["kind"] == "receipt"]
        return said[-1] if said else ""

    return await eventually(told)


async def test_a_customer_asks_proves_sees_every_parcel_and_gets_his_money_back_once(desk: Desk) -> None:
    jane = await desk.customer()
    assert "order" in (await jane.say("Where is my parcel?")).lower()
    tracked = await jane.say("it's #1009, jane@example.com")
    assert len(re.findall(r"USPS|YunExpress|UPS", tracked)) == 3
    assert "Pet Fountain Filters" in tracked

    asked = await jane.say("I want a refund for the desk lamp, I changed my mind")
    (action,) = jane.actions
    assert (action["tool"], action["status"]) == ("issue_refund", "pending")
    assert action["id"] in asked
    assert "refunded" not in asked.lower()

    assert "working days" in (await jane.say("how long does shipping take?")).lower()

    shown = await desk.action(action["id"])
    assert shown["order_no"] == "#1009"
    decided = await desk.decide(action["id"])
    assert decided.status_code == 200
    told = await receipt(jane)
    assert "#1009" in told
    assert (await desk.action(action["id"]))["status"] == "succeeded"


async def test_the_same_in_chinese(desk: Desk) -> None:
    zhang = await desk.customer("demo-cn")
    assert "订单号" in await zhang.say("我的快递到哪了")
    assert "核对" in await zhang.say("20261101001032") or zhang.last["replies"]
    tracked = await zhang.say("尾号7752")
    assert "签收" in tracked
    asked = await zhang.say("全部退款吧，不想要了")
    (action,) = zhang.actions
    assert action["status"] == "pending"
    assert action["id"] in asked
    assert "亲" in asked
    await desk.decide(action["id"])
    assert "退款" in await receipt(zhang)


async def test_two_clicks_on_approve_refund_once_and_the_second_is_told_who_decided(desk: Desk) -> None:
    omar = await desk.customer()
    await omar.say("#1012 omar@example.com")
    await omar.say("please refund everything that is left on it, I changed my mind")
    (action,) = omar.actions
    digest = (await desk.action(action["id"]))["digest"]
    answers = await asyncio.gather(*(desk.decide(action["id"], digest=digest) for _ in range(5)))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409, 409]
    assert all(a.json()["winner"] for a in answers if a.status_code == 409)
    await receipt(omar)
    order = desk.house.foundation
    from xiaoer.mcp_servers.platforms.local import LocalPlatform

    refunds = LocalPlatform(order.shop_engine).get_order("demo-us", None, "#1012").refunds  # type: ignore[union-attr]
    assert sum(r.action_id == action["id"] for r in refunds) == 1


async def test_a_rejection_is_told_with_its_reason(desk: Desk) -> None:
    marco = await desk.customer()
    await marco.say("order #1010, tail 0108. It is going back to you, refund me please")
    (action,) = marco.actions
    refused = await desk.decide(action["id"], "reject")
    assert refused.status_code == 422
    assert (await desk.decide(action["id"], "reject", note="We wait until it is back.")).status_code == 200
    assert "We wait until it is back." in await receipt(marco)


async def test_a_clause_that_denies_is_told_and_nothing_waits_for_a_person(desk: Desk) -> None:
    priya = await desk.customer()
    answer = await priya.say(
        "I want to return everything from #1013 and get my money back, priya@example.com"
    )
    assert "30 days" in answer
    assert all(action["status"] == "rejected" for action in priya.actions)


async def test_a_cancelled_order_is_refunded_in_full(desk: Desk) -> None:
    jane = await desk.customer()
    await jane.say("please cancel my order #1001, jane@example.com")
    (action,) = jane.actions
    assert (action["tool"], action["status"]) == ("cancel_order", "pending")
    await desk.decide(action["id"])
    assert "cancel" in (await receipt(jane)).lower()
    assert "cancelled" in (await jane.say("where is order #1001?")).lower()


async def test_the_trace_shows_intents_slots_tools_and_guards(desk: Desk) -> None:
    lena = await desk.customer()
    await lena.say("where is #1007? lena@example.com")
    (turn,) = await desk.trace(lena.conversation)
    assert turn["brain"] == "embedded"
    assert turn["intents"][0]["id"] == "track_parcel"
    assert [call["tool"] for call in turn["tool_calls"]] == ["verify_customer", "track_order"]
    assert {check["verdict"] for check in turn["guard"]} == {"pass"}
    assert "lena@example.com" not in str(turn)


async def test_an_approved_return_ends_in_a_slip_that_can_be_printed(desk: Desk) -> None:
    jane = await desk.customer()
    await jane.say("#1032 jane@example.com")
    await jane.say("I changed my mind, please send me a return label for the travel pillow")
    (action,) = jane.actions
    assert (action["tool"], action["status"]) == ("create_return_label", "pending")
    await desk.decide(action["id"])
    told = await receipt(jane)
    path = re.search(r"/labels/[\w-]+", told)
    assert path, told
    page = await jane.http.get(path.group())
    assert page.status_code == 200
    assert "Cloud Travel Pillow" in page.text
    assert (await jane.http.get("/labels/L-0000")).status_code == 404


async def test_operators_see_turns_in_numbers_and_never_in_words(desk: Desk) -> None:
    lena = await desk.customer()
    await lena.say("where is #1007? lena@example.com")
    metrics = (await desk.staff.get("/metrics")).text
    assert 'xiaoer_turns_total{brain="embedded",hand_off="",store="demo-us"}' in metrics
    assert 'xiaoer_tool_calls_total{code="",tool="track_order"}' in metrics
    assert "lena" not in metrics
    assert "1007" not in metrics


async def test_the_same_wish_in_a_second_conversation_joins_the_request_that_waits(desk: Desk) -> None:
    first, second = await desk.customer(), await desk.customer()
    for customer in (first, second):
        await customer.say("#1006 priya@example.com")
    await first.say("I want my money back for everything in this order")
    (waiting,) = first.actions
    told = await second.say("please refund all items of this order")
    (joined,) = second.actions
    assert joined["id"] == waiting["id"]
    assert waiting["id"] in told
    assert (await desk.decide(waiting["id"])).status_code == 200
    assert await receipt(first) == await receipt(second)
