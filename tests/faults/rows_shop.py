"""Rows about the shop and the carrier behind the servers, and about commits that power took away."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from faults.house import House
from faults.matrix import Stage, case
from faults.wishes import CANCEL, COUPON, JANE, LABEL, Call, approved, refund

from xiaoer.domain.understanding import IntentScore, Slots, Understanding
from xiaoer.mcp_servers.platforms.protocol import Effect


class ShopFault(RuntimeError):
    """What a client of a shop raises: a status, a time-out."""


def broken_shop(house: House, method: str, plan: list[str]) -> list[str]:
    """The shop's next calls go wrong in this order: `before` it does anything, `after` it has done it."""
    plain: Callable[..., Any] = getattr(house.platform, method)
    happened: list[str] = []

    def call(store: str, effect: Effect) -> Any:
        fault = plan.pop(0) if plan else ""
        happened.append(fault)
        if fault == "before":
            raise ShopFault("429 Too Many Requests")
        receipt = plain(store, effect)
        if fault == "after":
            raise ShopFault("500 Internal Server Error")
        return receipt

    setattr(house.platform, method, call)
    return happened


WISHES: dict[str, tuple[Call, Call]] = {
    "issue_refund": (refund()[0:2], ("verify_customer", {"order_no": "#1004", "email": "omar@example.com"})),
    "create_return_label": (LABEL, ("verify_customer", {"order_no": "#1004", "email": "omar@example.com"})),
    "issue_coupon": (COUPON, ("verify_customer", {"order_no": "#1004", "email": "omar@example.com"})),
    "cancel_order": (CANCEL, JANE),
}


def _after(tool: str) -> None:
    @case(12, f"the shop fails after {tool}, and once before it", short=tool == "issue_refund")
    async def after(stage: Stage) -> str:
        async with stage.other() as house:
            wish, proof = WISHES[tool]
            action_id = await approved(house, wish, proof=proof)
            happened = broken_shop(house, tool, ["before", "after"])
            await house.settle(600)
            assert house.status(action_id) == "succeeded", house.action(action_id).last_error
        return f"{len(happened)} calls, 1 effect"


for _tool in WISHES:
    _after(_tool)


@case(13, "the shop has done it and answers every further call with the old 500")
async def old_error_done(stage: Stage) -> str:
    async with stage.other() as house:
        action_id = await approved(house)
        happened = broken_shop(house, "issue_refund", ["after"] * 50)
        await house.settle(900)
        assert house.status(action_id) == "succeeded"
    return f"{len(happened)} call, found by reading back"


@case(13, "the shop has not done it and answers every call with 500")
async def old_error_not_done(stage: Stage) -> str:
    async with stage.other() as house:
        action_id = await approved(house)
        happened = broken_shop(house, "issue_refund", ["before"] * 50)
        await house.settle(900)
        assert house.status(action_id) == "failed"
        assert len(happened) <= 3
        assert any("not" in said for said in house.texts("event"))
    return f"{len(happened)} calls, then failed and told"


class Tracking:
    """Understands every message as a question about one parcel, with its proof."""

    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding:
        slots = Slots(order_no=("#1002",), email=("jane@example.com",))
        return Understanding("en", (IntentScore("track_parcel", 0.97),), slots=slots)


def _stale(order: Any) -> Any:
    long_ago = timedelta(days=40)
    parcels = tuple(
        replace(p, events=tuple(replace(e, at=e.at - long_ago) for e in p.events)) for p in order.parcels
    )
    return replace(order, parcels=parcels)


def _silent(order: Any) -> Any:
    return replace(order, parcels=tuple(replace(p, events=(), state=None) for p in order.parcels))


def _gone(_order: Any) -> Any:
    return None


def _raises(_order: Any) -> Any:
    raise ShopFault("500")


def _contradicts(order: Any) -> Any:
    """Delivered, says a scan that is older than the one that has it on its way."""
    from xiaoer.domain.parcels import ParcelState

    def twisted(parcel: Any) -> Any:
        events = list(parcel.events)
        events[-1] = replace(events[-1], state=ParcelState.DELIVERED, text="Delivered")
        return replace(parcel, events=tuple(events))

    return replace(order, parcels=tuple(map(twisted, order.parcels)))


CARRIER = {"404": _gone, "500": _raises, "stale": _stale, "silent": _silent, "contradictory": _contradicts}


def _carrier(name: str, change: Callable[[Any], Any]) -> None:
    @case(14, f"what the carrier knows is: {name}", short=name in ("500", "stale"))
    async def carrier(stage: Stage) -> str:
        from faults.house import playbooks

        from xiaoer.agent.brains.embedded import EmbeddedBrain

        async with stage.other(brain=EmbeddedBrain(playbooks()), understander=Tracking()) as house:
            plain = house.platform.get_order
            house.platform.get_order = lambda *asked: change(plain(*asked))  # type: ignore[method-assign]  # a seam
            await house.say("where is #1002? jane@example.com")
            said = " ".join(house.texts("assistant")).lower()
            assert said
            invented = ("arrives today", "will arrive tomorrow", "has been delivered", "out for delivery")
            assert name == "contradictory" or not any(word in said for word in invented), said
        return said[:60].replace("\n", " ")


for _name, _change in CARRIER.items():
    _carrier(_name, _change)


@case(17, "power takes the desk's last commits: the shop has done it, the ledger forgot", short=True)
async def desk_forgets(stage: Stage) -> str:
    house = stage.house
    action_id = await approved(house)
    kept = _copy(house)
    await house.work()
    assert house.status(action_id) == "succeeded"
    _put_back(house, kept)
    assert house.status(action_id) == "approved"
    (house.home / "channel.jsonl").unlink(
        missing_ok=True
    )  # what the customer heard is not what is judged here
    house.restart()
    await house.settle(300)
    assert house.status(action_id) == "succeeded"
    return "executed again under its id: the first receipt"


@case(17, "power takes the commit that said `executing`")
async def desk_forgets_the_beginning(stage: Stage) -> str:
    house = stage.house
    action_id = await approved(house)
    kept = _copy(house)
    house.switch.armed = "receipt.unrecorded"
    await house.work()
    _put_back(house, kept)
    house.restart()
    await house.settle(300)
    assert house.status(action_id) == "succeeded"
    return "one effect"


@case(17, "the ledger is on disk at every commit")
async def on_disk(stage: Stage) -> str:
    from xiaoer.storage.engine import make_engine

    engine = make_engine(f"sqlite:///{stage.house.home / 'probe.db'}")
    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    engine.dispose()
    assert mode == 2, mode
    return "synchronous = FULL"


def _copy(house: House) -> Any:
    house.desk_engine.dispose()
    with house.desk_engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    house.desk_engine.dispose()
    kept = house.home / "kept.db"
    shutil.copy(house.home / "desk.db", kept)
    return kept


def _put_back(house: House, kept: Any) -> None:
    house.lost_commits = True
    house.desk_engine.dispose()
    for stale in house.home.glob("desk.db-*"):
        stale.unlink()
    shutil.copy(kept, house.home / "desk.db")
