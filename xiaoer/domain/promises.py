"""A promise to come back: what it is about, what was true when it was given, and what is news since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class PromiseKind(StrEnum):
    PARCEL_MOVES = "parcel_moves"  # "I write as soon as it moves"
    SUPPLIER_ANSWERS = "supplier_answers"  # "I asked the warehouse"
    REFUND_ARRIVES = "refund_arrives"  # "I write when the refund is done"
    CHECK_BACK = "check_back"  # "I look again tomorrow"


@dataclass(frozen=True, slots=True)
class Promise:
    """Given in a turn, committed with its reply. `subject`: an order's number, or an inquiry's id.

    `snapshot` is what the turn knew of the subject; None where it had not looked.
    """

    kind: PromiseKind
    subject: str
    look_at: datetime
    deadline: datetime
    order_no: str = ""
    urgent: bool = False  # told at night as well
    snapshot: dict[str, Any] | None = field(default=None, hash=False)


# The read that shows whether a promise's subject has moved, and the argument that names it.
LOOKS: Mapping[PromiseKind, tuple[str, str]] = {
    PromiseKind.PARCEL_MOVES: ("track_order", "order_no"),
    PromiseKind.CHECK_BACK: ("track_order", "order_no"),
    PromiseKind.REFUND_ARRIVES: ("get_order", "order_no"),
    PromiseKind.SUPPLIER_ANSWERS: ("get_supplier_answer", "inquiry_id"),
}
# How long until the next look when nothing has moved; the last one again and again until the deadline.
WAITS = (timedelta(hours=6), timedelta(hours=12), timedelta(hours=24))


def next_wait(tries: int) -> timedelta:
    """The pause after this many looks without news."""
    return WAITS[min(max(tries - 1, 0), len(WAITS) - 1)]


def snapshot_of(tool: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What counts as news in a tool's structured result: plain JSON, without texts, places and dates."""
    if tool == "track_order":
        parcels = {str(p["tracking_no"]): str(p["verdict"]) for p in data.get("parcels", ())}
        unshipped = sum(int(line.get("quantity", 1)) for line in data.get("unshipped", ()))
        return {"state": str(data.get("state", "")), "parcels": parcels, "unshipped": unshipped}
    if tool == "get_order":
        refunds = {str(r["refund_id"]): str(r["status"]) for r in data.get("refunds", ())}
        return {"refunds": refunds}
    return {"status": str(data.get("status", ""))}
