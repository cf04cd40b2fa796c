"""Xiaoer under the same measuring: its real inbox, queue, guards and durable commits around a scripted model.

`--url` set: the tool servers orders and logistics are asked over HTTP at `URL/<server>/mcp`.
`--plain`: without the prefetch, so that the model asks for every tool itself, as the peers' does.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

sys.path[:0] = ["tests", "benchmarks/peers"]
import harness
from support.scripted_model import ScriptedChatModel

from xiaoer.agent.brains.model.brain import ModelBrain
from xiaoer.domain.messages import InboundMessage
from xiaoer.house import House, open_house
from xiaoer.inbox.waiting import wait_for_turn
from xiaoer.settings import Role, Settings

_model: ScriptedChatModel | None = None


def calls() -> int:
    return _model.calls if _model else 0


def script(messages: list[BaseMessage]) -> AIMessage:
    """The peers' script; where the results stand in the messages already there is nothing left to ask."""
    last = (
        len(messages) - 1 - next(i for i, m in enumerate(reversed(messages)) if isinstance(m, HumanMessage))
    )
    done = [m.name or "" for m in messages[last:] if isinstance(m, ToolMessage)]
    if len(done) < 2:
        name, args = (
            ("verify_customer", {"order_no": "#1002", "email": "jane@example.com"}),
            ("track_order", {"order_no": "#1002"}),
        )[len(done)]
        return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call_{len(messages)}"}])
    return AIMessage(f"Your parcel is on its way. {harness.ANSWER_MARK}")


@asynccontextmanager
async def contender(asked: argparse.Namespace) -> AsyncIterator[harness.Turn]:
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(XIAOER_HOME=home, XIAOER_BRAIN="embedded")
        for server in ("orders", "logistics") if asked.url else ():
            os.environ[f"XIAOER_MCP_{server.upper()}_URL"] = f"{asked.url}/{server}/mcp"
        async with open_house(Settings(), Role.ALL, make_brain=_maker(asked)) as house:
            yield _turns(house)


def _maker(asked: argparse.Namespace) -> Any:
    def make(
        settings: Any, embedded: Any, schemas: Any, playbooks: Any, stores: Any, words: Any
    ) -> ModelBrain:
        global _model
        _model = ScriptedChatModel(answers=script, seconds=asked.delay)
        return ModelBrain(lambda: _model, schemas, playbooks, "scripted:model", words=words)

    return make


def _turns(house: House) -> harness.Turn:
    engine, live = house.foundation.desk_engine, house.live

    async def turn(conversation: str, text: str) -> str:
        message = InboundMessage("demo-us", "web", conversation, f"event-{conversation}", text)
        accepted = await house.intake.accept(message)
        done = await wait_for_turn(engine, live, accepted.conversation_id, accepted.message_id, 60)
        return done.replies[-1].text if done and done.replies else "no answer"

    return turn


if __name__ == "__main__":
    harness.run(contender, calls)
