"""Changes of orders, exchanges, pickups and interceptions, from approval to read-back, on real servers."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from support.case_world import MAYA, NOEL
from support.changes import CHANGING, US
from support.real_shop import open_shop

from xiaoer.approvals import ledger
from xiaoer.approvals.history import verify_chain
from xiaoer.approvals.read_back import what_differs
from xiaoer.approvals.rows import quote_of, terms_of
from xiaoer.storage.engine import make_engine, reading

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("tool", CHANGING)
async def test_what_was_approved_is_done_once_read_back_and_told(database_url, tmp_path, tool):
    async with open_shop(database_url, tmp_path) as world:
        call = world.call(tool)
        case_id = await world.propose(call)
        await world.approve()
        await world.run_jobs()
        row = world.row()
        assert (row.status, row.last_error, row.attempts) == ("succeeded", "", 1)
        receipt = world.platform.get_effect(US, "A-1")
        assert (receipt.reference, receipt.destination) == (row.receipt["reference"], row.destination)
        (said,) = world.outbox.texts()
        assert call.order_no in said
        before = world.platform.get_order(US, None, call.order_no)
        await world.runner.run_case(case_id)
        assert world.platform.get_order(US, None, call.order_no) == before


async def test_a_new_payment_method_needs_two_people(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await world.propose(world.call("change_payment"))
        await world.desk.decide("A-1", "approve", world.row().digest, MAYA)
        await world.run_jobs()
        assert world.row().status == "pending"
        await world.desk.decide("A-1", "approve", world.row().digest, NOEL)
        await world.run_jobs()
        assert world.row().status == "succeeded"


@pytest.mark.parametrize("tool", CHANGING)
async def test_an_order_that_moved_on_is_left_as_it_is(sqlite_url, tmp_path, tool):
    async with open_shop(sqlite_url, tmp_path) as world:
        call = world.call(tool)
        await world.propose(call)
        await world.approve()
        with world.shop_engine.begin() as connection:
            connection.execute(text("update shop_orders set version = version + 1"))
        before = world.platform.get_order(US, None, call.order_no)
        await world.run_jobs()
        assert world.row().status == "superseded"
        assert world.platform.get_order(US, None, call.order_no) == before
        assert world.platform.get_effect(US, "A-1") is None


async def test_the_person_who_decides_sees_every_change(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await world.propose(world.call("change_address"))
        shown = {change.what: change.new for change in quote_of(world.row()).changes}
        assert shown["street"] == "12 Fixture Road, Flat 3"
        assert {"city", "postcode"} <= shown.keys()


async def test_a_receipt_for_other_arguments_is_not_believed(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        await world.propose(world.call("change_items"))
        await world.approve()
        await world.run_jobs()
        terms, receipt = terms_of(world.row()), world.platform.get_effect(US, "A-1")
        assert what_differs(terms, receipt) is None
        other = {**terms.args, "changes": [{**terms.args["changes"][0], "quantity": 3}]}
        assert what_differs(replace(terms, args=other), receipt) == "args"


async def test_two_parcels_of_an_order_can_be_stopped_side_by_side(sqlite_url, tmp_path):
    async with open_shop(sqlite_url, tmp_path) as world:
        first = world.call("intercept_parcel")
        boxes = world.platform.get_order(US, None, "#1009").parcels[1:]
        calls = [
            replace(first, order_no="#1009", args={"tracking_no": box.tracking_no, "kind": "return"})
            for box in boxes
        ]
        cases = {await world.propose(call, f"A-{at}") for at, call in enumerate(calls)}
        assert len(cases) == 2
        again = await world.propose(calls[0], "A-9")
        assert again in cases


def start(url: str, home: Path, tool: str, crash_at: str | None = None) -> int:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "LANGGRAPH_STRICT_MSGPACK": "true"}
    environment.pop("XIAOER_CRASH_AT", None)
    if crash_at:
        environment["XIAOER_CRASH_AT"] = crash_at
    command = [sys.executable, "-m", "support.real_shop", url, str(home), tool]
    return subprocess.run(command, env=environment, cwd=ROOT, timeout=120, check=False).returncode


CRASHES = [
    *((tool, "effect.done") for tool in CHANGING),
    *(("exchange_items", point) for point in ("case.executing", "receipt.unrecorded", "receipt.recorded")),
]


@pytest.mark.parametrize(("tool", "point"), CRASHES)
def test_killed_before_or_after_the_effect_it_happens_once(sqlite_url, tmp_path, tool, point):
    assert start(sqlite_url, tmp_path, tool, crash_at=point) == -9
    assert start(sqlite_url, tmp_path, tool) == 0
    shop = make_engine(f"sqlite:///{tmp_path}/shop.db")
    with shop.connect() as connection:
        done = connection.execute(
            text("select action_id from shop_effects where action_id != 'A-LABEL'")
        ).all()
    shop.dispose()
    assert [row.action_id for row in done] == ["A-1"]
    engine = make_engine(sqlite_url)
    with reading(engine) as session:
        assert ledger.get(session, "A-1").status == "succeeded"
        assert verify_chain(session) == []
    engine.dispose()
