"""A promise in the whole house: given in a reply, kept by a message, in the customer's language."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert, select, update
from support.desk import Customer, Desk
from support.waiting import eventually

from xiaoer.domain.orders import order_key
from xiaoer.mcp_servers.platforms.local.tables import ParcelRow, TrackingEventRow
from xiaoer.storage.engine import transaction

pytestmark = pytest.mark.asyncio(loop_scope="session")

PARCEL: Any = ParcelRow.__table__  # type: ignore[attr-defined]  # SQLModel hides its table
EVENT: Any = TrackingEventRow.__table__  # type: ignore[attr-defined]  # as above


@pytest_asyncio.fixture(loop_scope="session")
async def awake(desk: Desk) -> AsyncIterator[Desk]:
    """The same desk without quiet hours, whatever time it is."""
    stores = desk.house.foundation.stores
    before = dict(stores)
    for name, store in before.items():
        attention = replace(store.attention, quiet=(time(0), time(0)))
        stores[name] = replace(store, attention=attention)
    yield desk
    stores.update(before)


@contextmanager
def moved(desk: Desk, store: str, order_no: str) -> Iterator[None]:
    """The order's parcel has a new scan; taken back afterwards, for other journeys."""
    engine = desk.house.foundation.shop_engine
    with transaction(engine) as session:
        mine = (PARCEL.c.store == store, PARCEL.c.order_key == order_key(order_no))
        row = session.execute(select(PARCEL).where(*mine)).one()
        session.execute(update(PARCEL).where(*mine).values(state="out_for_delivery"))
        scan = {
            "store": store,
            "parcel_id": row.parcel_id,
            "order_key": row.order_key,
            "at": datetime.now(UTC),
            "state": "out_for_delivery",
            "text": "Out for delivery",
            "place": "",
        }
        session.execute(insert(EVENT).values(scan))
    yield
    with transaction(engine) as session:
        session.execute(update(PARCEL).where(*mine).values(state=row.state))
        session.execute(delete(EVENT).where(EVENT.c.at == scan["at"]))


async def said(customer: Customer, count: int) -> list[str]:
    """What the assistant has said, once it is so much."""

    async def enough() -> list[str]:
        texts = [m["text"] for m in await customer.history() if m["author"] == "assistant"]
        return texts if len(texts) >= count else []

    return await eventually(enough)


async def promises(desk: Desk, customer: Customer) -> dict[str, dict[str, Any]]:
    found = await desk.staff.get(f"/api/v1/conversations/{customer.conversation}")
    return {item["kind"]: item for item in found.json()["follow_ups"]}


async def test_a_stuck_parcel_that_moves_is_told_once(awake: Desk) -> None:
    priya = await awake.customer()
    answer = await priya.say("Order #1006 has not moved for days. priya@example.com")
    assert "again on" in answer
    given = await promises(awake, priya)
    assert given["parcel_moves"]["state"] == "open" and given["supplier_answers"]["state"] == "open"

    assert awake.house.follow_ups.wake("demo-us", "#1006") >= 2
    with moved(awake, "demo-us", "#1006"):
        awake.house.follow_ups.wake("demo-us", "#1006")
        awake.house.follow_ups.wake("demo-us", "#1006")
        told = await said(priya, 2)
        assert "out for delivery" in told[1] and "#1006" in told[1]
        assert (await promises(awake, priya))["parcel_moves"]["state"] == "kept"
        assert len(await said(priya, 2)) == 2


async def test_a_suppliers_answer_reaches_the_customer_at_once(awake: Desk) -> None:
    lena = await awake.customer()
    await lena.say("The tracking number of #1008 does not work. lena@example.com")
    inquiry = (await promises(awake, lena))["supplier_answers"]["subject"]
    url = f"/api/v1/suppliers/inquiries/{inquiry}/answer"
    saved = await awake.staff.post(url, json={"text": "We have given it a new label, it leaves tomorrow."})
    assert saved.status_code == 200
    told = await said(lena, 2)
    assert "“We have given it a new label, it leaves tomorrow.”" in told[1]
    trace = await awake.trace(lena.conversation)
    assert trace[-1]["brain"] == "follow_up"
    assert [check["verdict"] for check in trace[-1]["guard"]].count("fail") == 0


async def test_a_chinese_customer_hears_it_in_chinese(awake: Desk) -> None:
    zhao = await awake.customer()
    answer = await zhao.say("订单 #1006 物流卡住好几天不更新了，怎么回事？邮箱 priya@example.com")
    assert "再" in answer
    with moved(awake, "demo-us", "#1006"):
        awake.house.follow_ups.wake("demo-us", "#1006")
        told = await said(zhao, 2)
    assert "派送" in told[1]


async def test_a_colleague_sees_the_promise_and_takes_it_back(awake: Desk) -> None:
    lena = await awake.customer()
    await lena.say("#1008: the carrier does not know my number! lena@example.com")
    given = await promises(awake, lena)
    url = f"/api/v1/follow-ups/{given['parcel_moves']['id']}/cancel"
    assert (await awake.staff.post(url)).json()["state"] == "cancelled"
    assert (await awake.staff.post(url)).status_code == 409
    open_now = (
        await awake.staff.get("/api/v1/follow-ups", params={"conversation": lena.conversation})
    ).json()
    assert [item["kind"] for item in open_now["follow_ups"]] == ["supplier_answers"]


async def test_a_thank_you_is_followed_by_the_closing_question_and_its_answer_by_thanks(awake: Desk) -> None:
    jane = await awake.customer()
    await jane.say("Where is #1002? jane@example.com")
    thanked = await jane.say("thank you, bye!")
    assert "1 (poor) to 5" in thanked
    assert jane.last["replies"][-1]["cards"] == [{"type": "rating", "choices": [1, 2, 3, 4, 5]}]
    assert "Thank you" in await jane.say("5")
    shown = (await awake.staff.get(f"/api/v1/conversations/{jane.conversation}")).json()
    assert shown["rating"]["score"] == 5
    assert "1 (poor)" not in await jane.say("thanks again, bye")
    figures = (await awake.staff.get("/api/v1/ratings")).json()["ratings"]
    assert figures[0]["store"] == "demo-us" and figures[0]["answered"] >= 1


async def test_a_low_score_and_a_yes_bring_a_person(awake: Desk) -> None:
    jane = await awake.customer()
    await jane.say("Where is #1002? jane@example.com")
    await jane.say("thanks, bye")
    assert "colleague" in await jane.say("1")
    await jane.say("yes")
    assert jane.last["handed_off"] is True
