"""The doctor says everything, changes nothing, and answers with an exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import Ran, run_here

from xiaoer.house import lay_foundation
from xiaoer.settings import Settings
from xiaoer.storage.engine import make_engine

Doctor = Callable[..., Ran]


@pytest.fixture
def doctor(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    def run(*words: str, **env: str) -> Ran:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return run_here(monkeypatch, capsys, "doctor", *words)

    return run


def test_a_good_machine_is_told_so_and_nothing_is_made(doctor: Doctor, home: Path) -> None:
    ran = doctor()
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[-1] == "The desk can start: xiaoer serve"
    assert not any(line.startswith("✗") for line in lines)
    told = ran.out
    for word in (
        "Python 3",
        "desk database",
        "shop database",
        "brain: embedded",
        "playbooks",
        "demo-us",
        "demo-cn",
    ):
        assert word in told
    assert "XIAOER_DEMO_US_WIDGET_SECRET" in told
    assert not home.exists()


def test_after_a_start_the_same_machine_is_good_without_notes_on_databases(
    doctor: Doctor, home: Path
) -> None:
    lay_foundation(Settings()).dispose()
    ran = doctor()
    assert ran.code == 0
    assert f"✓ desk database sqlite:///{home}/xiaoer.db" in ran.out.splitlines()


def test_every_problem_has_its_line_and_the_exit_code_is_1(doctor: Doctor) -> None:
    ran = doctor(
        XIAOER_PORT="99999",
        XIAOER_API_TOKEN="changeme",
        XIAOER_BRAIN="oracle",
        XIAOER_DATABASE_URL="mysql://desk:hunter2@db/desk",
        XIAOER_SHOP_DATABASE_URL="postgresql+psycopg://desk:hunter2@127.0.0.1:1/desk",
    )
    assert ran.code == 1
    bad = [line for line in ran.out.splitlines() if line.startswith("✗")]
    wanted = (
        "XIAOER_PORT=99999",
        "XIAOER_API_TOKEN",
        "XIAOER_BRAIN=oracle",
        "XIAOER_DATABASE_URL",
        "shop database",
    )
    assert all(any(word in line for line in bad) for word in wanted), bad
    assert len(bad) == len(wanted)
    assert ran.out.splitlines()[-1] == "5 thing(s) to mend before the desk can start."
    assert "hunter2" not in ran.out


def test_a_role_is_asked_for_what_it_needs(doctor: Doctor) -> None:
    ran = doctor("--role", "executor")
    assert ran.code == 1
    assert "✗ --role executor needs a PostgreSQL XIAOER_DATABASE_URL" in ran.out
    assert "✗ XIAOER_GRANT_KEY_FILE" in ran.out


def test_a_database_of_a_newer_version_is_told(doctor: Doctor, home: Path) -> None:
    lay_foundation(Settings()).dispose()
    engine = make_engine(f"sqlite:///{home / 'xiaoer.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_desk SET version_num = 'of_tomorrow'")
    engine.dispose()
    ran = doctor()
    assert ran.code == 1
    assert "a newer version of Xiaoer has been here" in ran.out
