"""People of the desk are added from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from xiaoer.cli import app
from xiaoer.desk.staff import check_password
from xiaoer.settings import Settings
from xiaoer.storage.engine import make_engine


def test_an_approver_is_hired_once_and_can_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOER_HOME", str(tmp_path))
    typed = "a-long-password-of-ann\n" * 2
    hired = CliRunner().invoke(app, ["hire", "ann", "--role", "approver"], input=typed)
    assert (hired.exit_code, "ann can log in as approver" in hired.output) == (0, True)
    engine = make_engine(Settings().database_url)
    who = check_password(engine, "ann", "a-long-password-of-ann")
    engine.dispose()
    assert who is not None
    assert who.roles == {"approver"}
    again = CliRunner().invoke(app, ["hire", "ann", "--role", "approver"], input=typed)
    assert again.exit_code == 2


def test_an_unknown_role_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOER_HOME", str(tmp_path))
    refused = CliRunner().invoke(app, ["hire", "bob", "--role", "king"], input="a-long-password-of-bob\n" * 2)
    assert refused.exit_code == 2
