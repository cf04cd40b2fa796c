"""`xiaoer chat`: a customer in the terminal, at a running desk or at one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import run_process
from support.serving import Server, serving

pytestmark = [pytest.mark.xdist_group("cli"), pytest.mark.timeout(400)]

TALK = "where is #1032? jane@example.com\nI want a refund for the travel pillow, I changed my mind\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("running")) as server:
        yield server


def test_lines_from_a_pipe_are_answered_by_the_running_desk(running: Server, tmp_path: Path) -> None:
    ran = run_process(["chat", "--store", "demo-us", "--url", running.url], tmp_path / "home", TALK)
    assert (ran.code, ran.err) == (0, "")
    first, *answers = ran.out.splitlines()
    assert first.startswith("demo-us · C-")
    told = "\n".join(answers)
    assert "assistant" in told
    assert "#1032" in told
    assert "A-" in told, "the proposed refund has a number"
    assert not (tmp_path / "home").exists(), "a customer's end keeps nothing"


def test_without_an_address_the_desk_of_the_settings_is_found(running: Server, tmp_path: Path) -> None:
    ran = run_process(
        ["chat", "--store", "demo-cn"], tmp_path / "home", "你好\n", XIAOER_PORT=str(running.port)
    )
    assert (ran.code, ran.err) == (0, "")
    assert "assistant" in ran.out


def test_where_no_desk_runs_one_is_started_for_the_chat(running: Server, tmp_path: Path) -> None:
    # Its classifier is trained already; its databases are its own.
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to(running.home / "cache")
    ran = run_process(["chat", "--store", "demo-us"], home, "hello\n", XIAOER_PORT="1")
    assert ran.code == 0, ran.err
    assert "No desk is running; starting one for this chat" in ran.err
    assert "assistant" in ran.out
    assert "Traceback" not in ran.err


def test_a_store_that_does_not_exist_is_told(running: Server, tmp_path: Path) -> None:
    ran = run_process(["chat", "--store", "nowhere", "--url", running.url], tmp_path / "home", "hello\n")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.strip().endswith(".")
    assert "Traceback" not in ran.err


def test_an_address_where_nobody_answers_is_told(tmp_path: Path) -> None:
    ran = run_process(["chat", "--url", "http://127.0.0.1:1"], tmp_path / "home", "hello\n")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "No desk answers at http://127.0.0.1:1.\n"
