"""A process is killed at every point of keeping a promise; the customer hears once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import promise_process
from support.promises import World

from xiaoer.storage.crashpoints import POINTS

PLACES = os.pathsep.join(str(Path(promise_process.__file__).parents[level]) for level in (1, 2))
KEEPING = [point for point in POINTS if point.startswith("followup.")] + ["outbox.sent"]


def run(url: str, sent: Path, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, promise_process.__file__, url, str(sent)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": PLACES, **environment})


def promised(url: str) -> str:
    """A promise that is open, in a conversation of an outside channel."""
    world = World(url)
    conversation = asyncio.run(world.ask(channel="telegram"))
    asyncio.run(world.inbox.outbox.send(conversation))
    world.inbox.engine.dispose()
    return conversation


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", KEEPING)
def test_a_kill_at_any_point_of_a_look_tells_the_news_once(url: str, tmp_path: Path, point: str) -> None:
    conversation = promised(url)
    sent, log = tmp_path / "sent", tmp_path / "points"
    dying = run(url, sent, XIAOER_CRASH_AT=point, XIAOER_CRASH_LOG=str(log))
    assert dying.wait(60) == -signal.SIGKILL
    assert log.read_text().split()[-1] == point  # it was really there
    assert run(url, sent).wait(60) == 0
    world = World(url)
    assert world.said(conversation)[2:] == ["news of #1006"]
    assert [(one.state, one.closed_by) for one in world.all()] == [("kept", "follow_up")]
    world.inbox.engine.dispose()
    told = [line for line in sent.read_text().splitlines() if "news" in line]
    # What was sent but not marked is sent again under the same key, never another one.
    assert len(set(told)) == 1
    assert len(told) == (2 if point == "outbox.sent" else 1)


@pytest.mark.timeout(120)
def test_two_processes_at_once_tell_the_news_once(url: str, tmp_path: Path) -> None:
    conversation = promised(url)
    sent = tmp_path / "sent"
    both = [run(url, sent), run(url, sent)]
    assert [process.wait(60) for process in both] == [0, 0]
    world = World(url)
    assert world.said(conversation)[2:] == ["news of #1006"]
    world.inbox.engine.dispose()
    assert sum("news" in line for line in sent.read_text().splitlines()) == 1
