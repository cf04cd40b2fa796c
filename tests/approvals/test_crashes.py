"""kill −9 at every point of a case; what starts next ends it with exactly one effect."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from xiaoer.approvals import ledger
from xiaoer.approvals.history import verify_chain
from xiaoer.storage.crashpoints import POINTS
from xiaoer.storage.engine import make_engine, reading

ROOT = Path(__file__).parents[2]
OURS = ["decision.committed", "case.executing", "effect.done", "receipt.unrecorded", "receipt.recorded"]


def start(url: str, home: Path, crash_at: str | None = None) -> int:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "LANGGRAPH_STRICT_MSGPACK": "true"}
    environment.pop("XIAOER_CRASH_AT", None)
    if crash_at:
        environment["XIAOER_CRASH_AT"] = crash_at
    command = [sys.executable, "-m", "support.case_process", url, str(home)]
    return subprocess.run(command, env=environment, cwd=ROOT, timeout=60, check=False).returncode


@pytest.mark.parametrize("point", OURS)
def test_killed_anywhere_the_refund_happens_once_and_is_told_once(database_url, tmp_path, point):
    assert point in POINTS
    assert start(database_url, tmp_path, crash_at=point) == -9
    assert start(database_url, tmp_path) == 0
    effects = [json.loads(line) for line in (tmp_path / "effects.jsonl").read_text().splitlines()]
    assert [effect["action_id"] for effect in effects] == ["A-1"]
    engine = make_engine(database_url)
    with reading(engine) as session:
        row = ledger.get(session, "A-1")
        told = session.execute(text("SELECT dedupe FROM told")).scalars().all()
        assert verify_chain(session) == []
    engine.dispose()
    assert (row.status, row.receipt["reference"]) == ("succeeded", "RF-1")
    assert told == ["A-1:succeeded"]


def test_killed_at_one_point_after_another_it_still_happens_once(sqlite_url, tmp_path):
    for point in OURS:
        assert start(sqlite_url, tmp_path, crash_at=point) in (-9, 0)
    assert start(sqlite_url, tmp_path) == 0
    assert len((tmp_path / "effects.jsonl").read_text().splitlines()) == 1
