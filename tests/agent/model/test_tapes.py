"""A tape written from one conversation answers the same conversation again, and says where another differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.scripted_model import ScriptedChatModel, calling
from support.views import BOOKS, result, schemas, tracked_view, view

from xiaoer.agent.brains.model.brain import ModelBrain
from xiaoer.agent.brains.protocol import Brain, Plan, TurnView
from xiaoer.agent.brains.recorded.chat_models import RecordingChatModel
from xiaoer.agent.brains.recorded.tape import Divergence, Tape, TapeWriter
from xiaoer.agent.brains.select import recorded_brain


def conversation(turn: str) -> list[TurnView]:
    """Two steps of one turn, then a second turn; ids differ from run to run as in life."""
    found = result(f"{turn}_100", "get_order", {"order_no": "#1002", "state": "shipped"})
    return [
        view(turn_id=turn),
        view(turn_id=turn, results=(found,), step=1),
        tracked_view(turn_id=f"{turn}b", results=()),
    ]


async def play(brain: Brain, turn: str) -> list[Plan]:
    return [await brain.plan(one) for one in conversation(turn)]


def recording(tape: Path) -> ModelBrain:
    from langchain_core.messages import AIMessage

    answers = [
        calling(("get_order", {"order_no": "#1002"}), text="Let me look."),
        AIMessage("It has shipped. [[refund.window]]"),
        AIMessage("还在路上"),
    ]
    return ModelBrain(
        lambda: RecordingChatModel(inner=ScriptedChatModel(answers=answers), writer=TapeWriter(tape)),
        schemas(),
        BOOKS,
        "anthropic:claude-demo",
    )


async def test_a_replayed_tape_gives_the_same_plans_whatever_the_turns_are_called(tmp_path: Path) -> None:
    tape = tmp_path / "demo.jsonl"
    then = await play(recording(tape), "T-AAAA")
    now = await play(recorded_brain(tape, schemas(), BOOKS), "T-ZZZZ")

    assert [[(c.name, c.args) for c in plan.calls] for plan in now] == [
        [(c.name, c.args) for c in plan.calls] for plan in then
    ]
    assert [plan.reply for plan in now] == [plan.reply for plan in then]
    assert now[0].calls[0].id == "T-ZZZZ_100"
    assert {plan.brain for plan in now} == {"recorded"}


async def test_a_tape_keeps_the_prefix_once(tmp_path: Path) -> None:
    tape = tmp_path / "demo.jsonl"
    await play(recording(tape), "T-AAAA")
    await play(recording(tape), "T-BBBB")

    kinds = [json.loads(line)["kind"] for line in tape.read_text().splitlines()]
    assert kinds.count("prefix") == 1 and kinds.count("answer") == 6


async def test_another_question_is_a_divergence_with_a_diff(tmp_path: Path) -> None:
    tape = tmp_path / "demo.jsonl"
    await play(recording(tape), "T-AAAA")
    brain = recorded_brain(tape, schemas(), BOOKS)

    with pytest.raises(Divergence) as raised:
        await brain.plan(view("Where is my order #1003?"))
    assert "-" in raised.value.difference
    assert any(line.startswith("+") and "#1003" in line for line in raised.value.difference.splitlines())


async def test_changed_instructions_are_a_divergence(tmp_path: Path) -> None:
    tape = tmp_path / "demo.jsonl"
    await play(recording(tape), "T-AAAA")

    with pytest.raises(Divergence) as raised:
        await play(recorded_brain(tape, schemas(), BOOKS[:1]), "T-AAAA")
    assert "Never name an amount" in raised.value.difference


async def test_a_broken_stream_is_not_recorded(tmp_path: Path) -> None:
    tape = tmp_path / "demo.jsonl"
    model = RecordingChatModel(
        inner=ScriptedChatModel(answers=[ConnectionResetError("gone")]), writer=TapeWriter(tape)
    )
    with pytest.raises(ConnectionResetError):
        async for _ in model.astream("hello"):
            pass
    assert not tape.exists()


def test_a_file_that_is_no_tape_is_refused_with_its_line(tmp_path: Path) -> None:
    tape = tmp_path / "demo.jsonl"
    tape.write_text('{"kind": "prefix", "hash": "x"}\nnonsense\n')
    with pytest.raises(ValueError, match=r"demo\.jsonl:2: not a line of a tape"):
        Tape.read(tape)
