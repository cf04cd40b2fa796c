"""What must not be forgotten: rows, crash points, planted bugs, attempts; and a few sequences of the hostile model."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import crashes, hostile
from faults.attacks import foreign_attempts
from faults.bugs import BUGS
from faults.matrix import CASES, NOT_HERE, ROWS, all_cases
from faults.oracle import append

from xiaoer.storage.crashpoints import POINTS

pytestmark = pytest.mark.xdist_group("faults")
all_cases()  # registers them


def test_a_hostile_model_moves_nothing_and_learns_nothing() -> None:
    try:
        counts = hostile.attack(12, start=7)
    finally:
        hostile.close()
    assert counts["sequences"] >= 12
    assert counts["turns"] > 20


def test_every_row_of_the_matrix_is_played_or_says_why_not() -> None:
    by_process = {1, 2, 3}
    played = {one.row for one in CASES} | by_process
    assert set(ROWS) - played <= set(NOT_HERE)


def test_every_crash_point_lies_on_a_road_that_is_played() -> None:
    assert {point for point, _ in crashes.pairs(quick=False)} == set(POINTS)
    assert {point for point, _ in crashes.pairs(quick=True)} == set(POINTS)


def test_a_crash_point_that_never_fires_fails_the_run() -> None:
    fired = [crashes.Crash(point, "refund", -9) for point in POINTS]
    assert crashes.verdict(fired) == []
    (missing,) = crashes.verdict([*fired[1:], crashes.Crash(fired[0].point, "refund", 0)])
    assert fired[0].point in missing


def test_every_planted_bug_names_a_test_that_exists() -> None:
    names = {one.name for one in CASES}
    root = Path(__file__).parents[2]
    for one in BUGS.values():
        file, _, test = one.test.partition("::")
        found = one.test in names or (test and f"def {test}(" in (root / file).read_text("utf-8"))
        assert found, one
    assert len(BUGS) >= 12


def test_there_are_300_attempts_at_other_peoples_orders() -> None:
    assert len(set(foreign_attempts())) >= 300


def test_the_oracles_files_only_grow(tmp_path: Path) -> None:
    path = tmp_path / "effects.jsonl"
    for number in range(3):
        append(path, {"n": number})
    assert path.read_text().splitlines() == ['{"n": 0}', '{"n": 1}', '{"n": 2}']
