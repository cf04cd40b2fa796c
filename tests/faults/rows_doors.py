"""Rows about doors and floors: database, disk, channel, configuration, and many customers at once."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faults.house import House
from faults.matrix import Stage, case
from faults.minds import calls, script
from faults.wishes import COUPON, OMAR, approved, refund
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from xiaoer.prompts.playbooks import BadPlaybook, read_playbooks
from xiaoer.stores.loader import BUILT_IN, StoreRefused, load_stores


@contextmanager
def impatient(house: House) -> Iterator[None]:
    """A tenth of a second instead of thirty: what is tested is what happens after it."""

    def hurry(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=100")

    event.listen(house.desk_engine, "connect", hurry)
    house.desk_engine.dispose()
    try:
        yield
    finally:
        event.remove(house.desk_engine, "connect", hurry)
        house.desk_engine.dispose()


@contextmanager
def locked(house: House) -> Iterator[None]:
    """Another program holds the desk's database."""
    other = sqlite3.connect(house.home / "desk.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@case(15, "the database is locked for longer than anybody waits", short=True)
async def locked_out(stage: Stage) -> str:
    house = stage.house
    words = script(calls(OMAR), calls(refund()))
    with impatient(house):
        with locked(house):
            for _ in range(2):
                try:
                    await house.write(words, event_id="e1")
                except OperationalError:
                    continue
                raise AssertionError("the door said yes with the database locked")
        await house.say(words, event_id="e1")  # the platform delivers again
    assert len(house.texts("customer")) == 1
    return "refused twice, stored once"


@case(15, "the database is locked for a moment while a refund runs")
async def locked_a_moment(stage: Stage) -> str:
    house = stage.house
    action_id = await approved(house)

    async def lock_for_a_while() -> None:
        with locked(house):
            await asyncio.sleep(0.6)

    await asyncio.gather(lock_for_a_while(), house.work())
    await house.settle()
    assert house.status(action_id) == "succeeded"
    return "waited, then once"


@case(15, "the database is locked when the answer of the shop is to be recorded", short=True)
async def locked_after(stage: Stage) -> str:
    house = stage.house
    action_id = await approved(house)
    plain, holding = house.toolbox.execute, []

    async def then_locked(server: str, tool: str, *rest: Any) -> Any:
        result = await plain(server, tool, *rest)
        if tool == "issue_refund":
            context = locked(house)
            context.__enter__()
            holding.append(context)
        return result

    house.toolbox.execute = then_locked  # type: ignore[method-assign]  # a seam of this test
    with impatient(house):
        await house.work()
        house.toolbox.execute = plain  # type: ignore[method-assign]  # put back
        for context in holding:
            context.__exit__(None, None, None)
        assert holding and house.status(action_id) == "executing"
        await house.settle(300)
    assert house.status(action_id) == "succeeded"
    return "stayed executing, looked up after its lease"


@contextmanager
def full_disk(house: House) -> Iterator[None]:
    """The desk's file cannot grow by a page."""

    def no_more(connection: Any, _record: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    house.desk_engine.dispose()
    with house.desk_engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("VACUUM")
    house.desk_engine.dispose()
    event.listen(house.desk_engine, "connect", no_more)
    try:
        yield
    finally:
        event.remove(house.desk_engine, "connect", no_more)
        house.desk_engine.dispose()


@case(16, "the disk is full: no message is accepted that is not stored", short=True)
async def full_for_messages(stage: Stage) -> str:
    house, refused = stage.house, 0
    await house.say("hello")
    with full_disk(house):
        for at in range(40):
            try:
                await house.write("x" * 3_000, "t1", f"big{at}")
            except OperationalError:
                refused += 1
    assert refused
    await house.work()
    for one in [sent for sent in house.sent if not sent.accepted]:
        await house.write(one.text, one.thread, one.event_id)
    return f"{refused} of 40 refused and delivered again"


@case(16, "the disk is full: no effect begins that cannot be recorded", short=True)
async def full_for_money(stage: Stage) -> str:
    house = stage.house
    ids = [await approved(house, refund(f"L{n}"), thread=f"t{n}") for n in (1, 2, 3)]
    ids.append(await approved(house, COUPON, thread="t4"))
    with full_disk(house):
        for _ in range(3):
            await house.work()
            house.clock.forward(60)
        during = {house.status(action_id) for action_id in ids}
    await house.settle(600)
    assert {house.status(action_id) for action_id in ids} == {"succeeded"}
    return f"meanwhile {', '.join(sorted(during))}; then all once"


@case(32, "the channel refuses for a while", short=True)
async def channel_refuses(stage: Stage) -> str:
    house = stage.house
    house.channel.faults = ["lost"] * 3
    await house.say("hello")
    await house.settle()
    assert len(house.channel.sent()) == 1
    return "3 tries lost, delivered once"


@case(32, "the channel delivers a receipt and does not answer", short=True)
async def channel_late(stage: Stage) -> str:
    house = stage.house
    await approved(house)
    house.channel.faults = ["late"]
    await house.settle()
    told = [one for one in house.channel.sent() if one["key"].endswith(":succeeded")]
    assert len({(one["key"], one["text"]) for one in told}) == 1
    house.deaths += len(told) - 1  # the channel's own key tells the copies apart; one may be repeated
    return f"sent {len(told)} times under one key"


@case(32, "the channel is away for good: a person sees it")
async def channel_dead(stage: Stage) -> str:
    house = stage.house
    house.channel.faults = ["lost"] * 100
    await house.say("hello")
    await house.settle(400)
    assert not house.channel.sent()
    assert not house.loose_ends()
    return "given up, marked as failed"


@case(34, "store files: missing, not YAML, a clause that contradicts another", short=True)
async def bad_stores(stage: Stage) -> str:
    folder = Path(tempfile.mkdtemp(prefix="xiaoer-stores-"))
    plain = (BUILT_IN / "demo-us.yaml").read_text("utf-8")
    bad = {
        "nothing": None,
        "not YAML": "id: [",
        "no policy": plain.split("policy:")[0],
        "a gap": plain.replace("days_since_delivery: { max: 30 }", "days_since_delivery: { max: 29 }", 1),
        "an unknown field": plain + "\nrefund_everything: true\n",
    }
    for name, text in bad.items():
        for old in folder.glob("*"):
            old.unlink()
        if text is not None:
            (folder / "demo-us.yaml").write_text(text, "utf-8")
        try:
            load_stores(folder)
        except StoreRefused:
            continue
        raise AssertionError(f"a store with {name} was taken")
    return f"{len(bad)} refused with file and line"


@case(34, "playbooks: missing, broken")
async def bad_playbooks(stage: Stage) -> str:
    folder = Path(tempfile.mkdtemp(prefix="xiaoer-books-"))
    for text in (None, "intent: ["):
        if text is not None:
            (folder / "track_parcel.yaml").write_text(text, "utf-8")
        try:
            read_playbooks(folder)
        except (BadPlaybook, OSError):
            continue
        raise AssertionError("broken playbooks were taken")
    return "refused"


@case(34, "an empty knowledge base: nothing is invented")
async def empty_shelf(stage: Stage) -> str:
    async with stage.other() as house:
        for entries in house.shelf.entries.values():
            entries.clear()
        await house.say(script(calls(("search_knowledge", {"query": "opening hours"}))))
        assert house.texts("assistant")
    return "answered without it"


@case(35, "200 conversations at once", short=False)
async def two_hundred(stage: Stage) -> str:
    house = stage.house
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    people = (OMAR, ("verify_customer", {"order_no": "#1005", "email": "priya@example.com"}))
    texts = [script(calls(people[at % 2]), calls(refund("L1"))) for at in range(200)]
    accepted = await asyncio.gather(*(house.write(text, f"t{at}", f"e{at}") for at, text in enumerate(texts)))
    gate = asyncio.Semaphore(8)

    async def turn(conversation_id: str) -> None:
        async with gate:
            await house.worker.run_turn(conversation_id)

    await asyncio.gather(*(turn(one.conversation_id) for one in accepted if one))
    for row in house.actions():
        await house.decide(row.id)
    await house.settle(600)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert len(house.texts("assistant")) >= 200 and grown < 200
    return f"{200 / (time.monotonic() - begun):.0f} turns a second, {grown:.0f} MB more"
