"""The public shop of a thousand orders is taken whole, and its customers are served (data: tests/data/NOTICE)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.desk import Desk
from support.waiting import eventually

from xiaoer.mcp_servers.platforms.importers import import_orders
from xiaoer.mcp_servers.platforms.local import LocalPlatform

pytestmark = pytest.mark.asyncio(loop_scope="session")

SMALL = Path(__file__).parents[1] / "data" / "tau2_small.json"
SHARED = os.environ.get("XIAOER_SHARED_DATA")


@pytest.fixture(scope="module", autouse=True)
def public_shop(desk: Desk) -> int:
    """The whole shop where it is at hand, else the extract that stands in the repository."""
    file = Path(SHARED) / "tau2_retail" / "db.json" if SHARED else SMALL
    report = import_orders(file, "demo-us", "tau2", desk.house.foundation.shop_engine, currency="USD")
    assert report.errors == ()
    assert report.rows == len(json.loads(file.read_text())["orders"])
    return report.rows


@pytest.mark.skipif(not SHARED, reason="XIAOER_SHARED_DATA is not set: the full public shop is not here")
async def test_all_thousand_orders_are_taken(public_shop: int) -> None:
    assert public_shop == 1000


async def test_its_customer_proves_himself_and_gets_one_item_back_on_his_card(desk: Desk) -> None:
    yusuf = await desk.customer()
    assert "W2378156" in await yusuf.say("Where is my order #W2378156?")
    assert "843053632392: delivered" in await yusuf.say("Yusuf Rossi, 19122")
    answer = await yusuf.say("return the mechanical keyboard, money back to my card")
    (action,) = yusuf.actions
    assert (action["tool"], action["status"]) == ("issue_refund", "pending")
    assert "$272.33" in answer

    shown = await desk.action(action["id"])
    assert [line["title"] for line in shown["facts"]["lines"]] == ["Mechanical Keyboard"]
    assert shown["amount"] == {"amount_minor": 27233, "currency": "USD"}
    # The record has no date of delivery, so the clause that needs it leads to a person.
    assert shown["facts"]["missing"] == ["days_since_delivery"]
    assert "Mastercard" in shown["destination"]

    assert (await desk.decide(action["id"])).status_code == 200

    async def succeeded() -> bool:
        return (await desk.action(action["id"]))["status"] == "succeeded"

    await eventually(succeeded)
    order = LocalPlatform(desk.house.foundation.shop_engine).get_order("demo-us", None, "#W2378156")
    assert order is not None
    assert [(r.action_id, r.amount.amount_minor) for r in order.refunds] == [(action["id"], 27233)]


async def test_a_stranger_with_another_customers_name_learns_nothing(desk: Desk) -> None:
    foreign, missing = await desk.customer(), await desk.customer()
    for customer, number in ((foreign, "#W2378156"), (missing, "#W9999999")):
        await customer.say(f"Where is my order {number}?")
        await customer.say("Noah Brown, 80279")
        await customer.say("noah.brown7922@example.com")
    told = [await foreign.history(), await missing.history()]
    answers = [[len(m["cards"]) for m in history if m["author"] == "assistant"] for history in told]
    assert answers[0] == answers[1]
    everything = " ".join(m["text"] for m in told[0] if m["author"] == "assistant")
    for secret in ("Keyboard", "Headphones", "843053632392", "Philadelphia", "delivered", "2478", "Rossi"):
        assert secret not in everything
    assert not foreign.actions
