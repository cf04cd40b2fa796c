"""Xiaoer under the same measuring: its real inbox, queue, guards and durable commits around a scripted model.

Run from the root of the project.

`--home DIR`         the shop, the keys and the caches to use; a fresh one by default
`--server NAME=URL`  this tool server is asked over HTTP; may be given several times
`--embedded`         the embedded brain answers, without any model
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

sys.path.extend(["tests", "benchmarks/peers"])
import harness
from support.scripted_model import ScriptedChatModel

from xiaoer.agent.brains.model.brain import ModelBrain
from xiaoer.agent.brains.select import build_brain
from xiaoer.commands.serve import configure_logs
from xiaoer.domain.messages import InboundMessage
from xiaoer.house import House, open_house
from xiaoer.inbox.waiting import TurnResult, wait_for_turn
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
    configure_logs()
    with tempfile.TemporaryDirectory() as fresh:
        os.environ.update(XIAOER_HOME=asked.home or fresh, XIAOER_BRAIN="embedded")
        if asked.database != harness.IN_MEMORY:
            os.environ["XIAOER_DATABASE_URL"] = f"sqlite:///{asked.database}"
        for name, _, url in (server.partition("=") for server in asked.server):
            os.environ[f"XIAOER_MCP_{name.upper()}_URL"] = url
        make_brain = build_brain if asked.embedded else _maker(asked)
        async with open_house(Settings(), Role.ALL, make_brain=make_brain) as house:
            yield _turns(house, asked.embedded)


def _maker(asked: argparse.Namespace) -> Any:
    def make(
        settings: Any, embedded: Any, schemas: Any, playbooks: Any, stores: Any, words: Any
    ) -> ModelBrain:
        global _model
        _model = ScriptedChatModel(answers=script, seconds=asked.delay)
        return ModelBrain(lambda: _model, schemas, playbooks, "scripted:model", words=words)

    return make


def _turns(house: House, embedded: bool) -> harness.Turn:
    engine, live = house.foundation.desk_engine, house.live
    run = uuid4().hex[:8]  # a second run on the same database is no repeated delivery of the first

    async def turn(conversation: str, text: str) -> str:
        thread = f"{run}-{conversation}"
        message = InboundMessage("demo-us", "web", thread, f"event-{thread}", text)
        accepted = await house.intake.accept(message)
        done = await wait_for_turn(engine, live, accepted.conversation_id, accepted.message_id, 60)
        return _answer(done, embedded)

    return turn


def _answer(done: TurnResult | None, embedded: bool) -> str:
    if done is None or not done.replies:
        return "no answer"
    reply = done.replies[-1]
    # The embedded brain says no script: what counts is that it shows the parcels of this order.
    tracked = any(card["type"] == "parcels" and card["order_no"] == "#1002" for card in reply.cards)
    return f"{reply.text} {harness.ANSWER_MARK}" if embedded and tracked else reply.text


def _options() -> argparse.Namespace:
    parser = harness.parser()
    parser.add_argument("--home", default="")
    parser.add_argument("--server", action="append", default=[])
    parser.add_argument("--embedded", action="store_true")
    return parser.parse_args()


def _loop() -> Any:
    """uvloop, as `xiaoer serve` runs it where it is to be had."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    harness.run(contender, calls, _options(), _loop())
