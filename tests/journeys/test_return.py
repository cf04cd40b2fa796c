"""A return from the chat to the money, with nobody pushing it along but the one who decides."""

from __future__ import annotations

import pytest
from support.desk import Desk
from support.waiting import eventually

from xiaoer.approvals.case_files import CaseFiles
from xiaoer.mcp_servers.platforms.local import LocalPlatform, LocalShop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_return_runs_from_the_label_to_the_refund_by_itself(desk: Desk) -> None:
    base = desk.house.foundation
    omar = await desk.customer()
    await omar.say("#1004 omar@example.com")
    await omar.say("I would like to send the kitchen scale back, I changed my mind")
    if not omar.actions:
        await omar.say("yes please, the scale")
    (action,) = omar.actions
    assert action["tool"] == "create_return_label"
    await desk.decide(action["id"])

    async def receipts(count: int) -> list[str]:
        async def told() -> list[str]:
            said = [m["text"] for m in await omar.history() if m["kind"] == "receipt"]
            return said if len(said) >= count else []

        return await eventually(told)

    assert "label" in (await receipts(1))[0]
    order = LocalPlatform(base.shop_engine).get_order("demo-us", None, "#1004")
    assert order is not None
    LocalShop(base.shop_engine, base.clock).receive_return("demo-us", order.returns[0].return_id)
    cases = CaseFiles(base.desk_engine, base.clock)
    assert cases.look_soon("demo-us", "#1004") == 1
    assert "has reached us" in (await receipts(2))[1]
    (matter,) = cases.of_conversation(omar.conversation)
    refund = next(one for one in matter.happenings if one.tool == "issue_refund")
    assert (await desk.action(refund.action_id))["status"] == "pending"
    await desk.decide(refund.action_id)
    assert "refunded" in (await receipts(3))[2]
    (matter,) = cases.of_conversation(omar.conversation)
    assert (matter.kind, matter.stage) == ("return", "finished")
