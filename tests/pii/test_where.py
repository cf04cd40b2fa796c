"""Where the mask stands: logs, tracebacks, traces, tapes, the history of actions."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from support.scripted_model import ScriptedChatModel, calling
from support.views import BOOKS, result, schemas, view

from xiaoer.agent.brains.model.brain import ModelBrain
from xiaoer.agent.brains.recorded.chat_models import RecordingChatModel
from xiaoer.agent.brains.recorded.tape import TapeWriter
from xiaoer.agent.brains.select import recorded_brain
from xiaoer.agent.trace import tool_call
from xiaoer.commands.serve import configure_logs
from xiaoer.domain.pii import Masker

MAIL, PHONE = "jane.doe@example.com", "+1 415 555 0132"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], logging.getLogger("procrastinate").level
    root.handlers.clear()
    configure_logs()
    yield said
    structlog.configure(**before)
    root.handlers[:] = handlers
    logging.getLogger("procrastinate").setLevel(level)


def test_a_careless_event_reaches_the_log_without_personal_data(log: io.StringIO) -> None:
    structlog.get_logger().warning(
        f"wrote to {MAIL}", phone=PHONE, body={"ship_to": "12 Sample Road"}, order_no="#1001", job=4155550132
    )
    said = json.loads(log.getvalue())
    assert said["event"] == "wrote to <email:1>"
    assert said["phone"] == "<phone:1>"
    assert said["body"] == {"ship_to": "<address:1>"}
    assert (said["order_no"], said["job"], said["level"]) == ("#1001", 4155550132, "warning")


def test_the_text_of_an_exception_is_masked_too(log: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot send to {MAIL}")
    except ValueError:
        structlog.get_logger().exception("outbox.failed")
    assert "ValueError: cannot send to <email:1>" in log.getvalue()
    assert MAIL not in log.getvalue()


def test_a_library_that_logs_an_address_is_masked_with_its_traceback(log: io.StringIO) -> None:
    try:
        raise ValueError(MAIL)
    except ValueError:
        logging.getLogger("some.library").exception("refused by %s", PHONE)
    assert "<phone:1>" in log.getvalue() and "<email:1>" in log.getvalue()
    assert MAIL not in log.getvalue() and PHONE not in log.getvalue()


def test_a_trace_says_what_was_called_and_what_was_found_but_not_of_whom() -> None:
    found = result(
        "T-1_1",
        "get_order",
        {"order_no": "#1002", "customer_name": "Jane Doe", "ship_to": "12 Sample Road", "state": "shipped"},
    )
    masker = Masker()
    masker.learn_from(found.data)
    told = tool_call(found, masker)
    assert told["result"] == {
        "order_no": "#1002",
        "customer_name": "<name:1>",
        "ship_to": "<address:1>",
        "state": "shipped",
    }


def asks(text: str) -> object:
    found = result(
        "T-1_100", "get_order", {"order_no": "#1002", "customer_name": "Jane Doe", "state": "shipped"}
    )
    return view(turn_id="T-1", messages=(text,), results=(found,), step=1)


async def test_a_tape_holds_tokens_and_its_replay_speaks_of_the_one_who_asks_then(tmp_path: Path) -> None:
    tape = tmp_path / "demo.jsonl"
    answers = [
        calling(("verify_customer", {"order_no": "#1002", "email": MAIL})),
    ]
    recording = ModelBrain(
        lambda: RecordingChatModel(inner=ScriptedChatModel(answers=answers), writer=TapeWriter(tape)),
        schemas(),
        BOOKS,
        "anthropic:claude-demo",
    )
    said = f"It's Jane Doe, {MAIL}, {PHONE}"
    await recording.plan(asks(said))  # type: ignore[arg-type]  # a view
    written = tape.read_text()
    for personal in (MAIL, PHONE, "Jane Doe"):
        assert personal not in written
    assert "#1002" in written and "<email:1>" in written

    other = said.replace(MAIL, "sam@example.org").replace(PHONE, "+44 20 7946 0958")
    replayed = await recorded_brain(tape, schemas(), BOOKS).plan(asks(other))  # type: ignore[arg-type]  # a view
    assert replayed.calls[0].args == {"order_no": "#1002", "email": "sam@example.org"}
