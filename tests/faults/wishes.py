"""What customers of the demo shop ask for in these tests, and the short way to have it asked."""

from __future__ import annotations

from typing import Any

from faults.house import House
from faults.minds import calls, script

Call = tuple[str, dict[str, Any]]


def lines(line_id: str, quantity: int = 1) -> list[dict[str, Any]]:
    return [{"line_id": line_id, "quantity": quantity}]


def refund(line_id: str = "L1", order_no: str = "#1004", **more: Any) -> Call:
    return (
        "issue_refund",
        {"order_no": order_no, "lines": lines(line_id), "reason": "damaged_or_wrong", **more},
    )


OMAR: Call = ("verify_customer", {"order_no": "#1004", "email": "omar@example.com"})
JANE: Call = ("verify_customer", {"order_no": "#1001", "email": "jane@example.com"})
PRIYA: Call = ("verify_customer", {"order_no": "#1005", "email": "priya@example.com"})
LABEL: Call = ("create_return_label", {"order_no": "#1004", "lines": lines("L2"), "reason": "changed_mind"})
COUPON: Call = ("issue_coupon", {"order_no": "#1004", "reason": "late"})
CANCEL: Call = ("cancel_order", {"order_no": "#1001", "reason": "changed_mind"})


async def ask(house: House, *wishes: Call, proof: Call | None = OMAR, thread: str = "t1", **more: Any) -> str:
    """A proven customer has a model ask for these things in one turn; the conversation's id."""
    steps = [calls(proof)] if proof else []
    return await house.say(script(*steps, calls(*wishes)), thread, **more)


async def asked(house: House, wish: Call | None = None, **more: Any) -> str:
    """The id of the action that came of it."""
    before = {row.id for row in house.actions()}
    await ask(house, wish or refund(), **more)
    (new,) = [row.id for row in house.actions() if row.id not in before]
    return new


async def approved(house: House, wish: Call | None = None, **more: Any) -> str:
    """Asked for and approved; nothing has run yet."""
    action_id = await asked(house, wish, **more)
    await house.decide(action_id)
    return action_id
