"""`xiaoer shop`: the warehouse and the carrier speak on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.changes import ARRIVED, MOVING, US, label
from support.command import run_here

from xiaoer.house import Foundation, lay_foundation, seed_demo_stores
from xiaoer.mcp_servers.platforms.local import LocalPlatform
from xiaoer.mcp_servers.platforms.protocol import Effect
from xiaoer.settings import Settings


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Foundation:
    monkeypatch.setenv("XIAOER_HOME", str(tmp_path / "home"))
    made = lay_foundation(Settings())
    seed_demo_stores(made)
    return made


def test_returned_goods_are_booked_in_once(base: Foundation, monkeypatch, capsys) -> None:
    platform = LocalPlatform(base.shop_engine, base.clock)
    return_id = label(platform)
    done = run_here(monkeypatch, capsys, "shop", "returned", return_id.lower(), "--store", US)
    assert (done.code, done.err) == (0, "")
    assert "has arrived" in done.out
    order = platform.get_order(US, None, ARRIVED)
    assert order is not None and order.returns[0].status == "received"
    again = run_here(monkeypatch, capsys, "shop", "returned", return_id, "--store", US)
    assert again.code == 2 and "already" in again.err
    unknown = run_here(monkeypatch, capsys, "shop", "returned", "R-NONE", "--store", US)
    assert unknown.code == 2 and "no such return" in unknown.err


def test_the_carriers_answer_is_booked_only_where_it_was_asked(base: Foundation, monkeypatch, capsys) -> None:
    platform = LocalPlatform(base.shop_engine, base.clock)
    order = platform.get_order(US, None, MOVING)
    assert order is not None
    number = order.parcels[0].tracking_no
    words = ("shop", "stopped", MOVING, number, "--store", US)
    unasked = run_here(monkeypatch, capsys, *words)
    assert unasked.code == 2 and "Nobody waits" in unasked.err
    args = {"tracking_no": number, "kind": "return"}
    platform.intercept_parcel(US, Effect("A-1", MOVING, (), "other", None, "shop", order.version, args))
    done = run_here(monkeypatch, capsys, *words, "--not-stopped")
    assert done.code == 0 and "could not be stopped" in done.out
    order = platform.get_order(US, None, MOVING)
    assert order is not None and order.parcels[0].interception.value == "failed"
