"""A process is killed at every named point of a turn, and at random; the customer is answered once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select
from support import inbox_process
from support.inbox import Inbox, message

from xiaoer.inbox.tables import MESSAGE
from xiaoer.storage.engine import make_engine, reading

POINTS = ("intake.stored", "turn.loaded", "turn.planned", "turn.committed", "outbox.sent")
TESTS = str(Path(inbox_process.__file__).parents[1])


def run(url: str, sent: Path, *words: str, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, inbox_process.__file__, url, str(sent), *words]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": TESTS, **environment})


def rows(url: str, author: str) -> list[tuple[str, str, str]]:
    engine = make_engine(url)
    query = select(MESSAGE.c.conversation_id, MESSAGE.c.text, MESSAGE.c.state)
    with reading(engine) as session:
        found = session.execute(query.where(MESSAGE.c.author == author).order_by(MESSAGE.c.seq)).all()
    engine.dispose()
    return [tuple(row) for row in found]


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_of_a_turn_leaves_one_answer(url: str, tmp_path: Path, point: str) -> None:
    sent, log = tmp_path / "sent", tmp_path / "points"
    words = "t1:e1:where is my parcel?"
    dying = run(url, sent, words, XIAOER_CRASH_AT=point, XIAOER_CRASH_LOG=str(log))
    assert dying.wait(60) == -signal.SIGKILL
    assert log.read_text().split()[-1] == point  # it was really there
    # The platform has had no answer, or is not sure: it delivers again.
    assert run(url, sent, words).wait(60) == 0
    assert [text for _, text, _ in rows(url, "customer")] == ["where is my parcel?"]
    answers = rows(url, "assistant")
    assert [(text, state) for _, text, state in answers] == [("answer to: where is my parcel?", "sent")]
    told = sent.read_text().splitlines()
    assert len(set(told)) == 1
    # A channel that has the message but was not marked gets it again under the same key, never another one.
    assert len(told) == (2 if point == "outbox.sent" else 1)


async def test_workers_that_die_again_and_again_lose_nothing_and_answer_in_order(
    url: str, tmp_path: Path
) -> None:
    """60 messages in 6 conversations, a third delivered twice, 4 × kill −9, a tenth of the runs raise."""
    sent = tmp_path / "sent"
    inbox = Inbox(url, senders={})
    picker = random.Random(7)
    expected = {f"t{n}": [f"t{n}-{number}" for number in range(10)] for n in range(6)}

    async def write(thread: str) -> None:
        for text in expected[thread]:
            one = message(text, thread=thread, channel="telegram")
            copies = 1 + (picker.random() < 0.34)
            await asyncio.gather(*(inbox.intake.accept(one) for _ in range(copies)))
            await asyncio.sleep(picker.uniform(0, 0.4))

    async def kill_again_and_again() -> None:
        for _ in range(4):
            worker = run(url, sent, "--serve", "--hiccups")
            await asyncio.sleep(picker.uniform(1.2, 2.2))
            worker.send_signal(signal.SIGKILL)
            await asyncio.to_thread(worker.wait)

    await asyncio.gather(kill_again_and_again(), *(write(thread) for thread in expected))
    await inbox.stop()
    started = time.monotonic()
    last = run(url, sent, "--hiccups")
    assert await asyncio.to_thread(last.wait, 90) == 0
    assert time.monotonic() - started < 60
    assert {state for _, _, state in rows(url, "customer")} == {"handled"}
    assert _handled(url) == expected
    told = Counter(line.split("\t")[0] for line in sent.read_text().splitlines())
    assert len(told) == len(rows(url, "assistant"))


def _handled(url: str) -> dict[str, list[str]]:
    """By thread, every message that an answer speaks of, in the order of the answers."""
    by_conversation: dict[str, list[str]] = {}
    for conversation, text, _ in rows(url, "assistant"):
        handled = text.removeprefix("answer to: ").split(" | ")
        by_conversation.setdefault(conversation, []).extend(handled)
    return {texts[0].split("-")[0]: texts for texts in by_conversation.values()}
