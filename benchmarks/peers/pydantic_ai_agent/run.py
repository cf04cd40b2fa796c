"""pydantic-ai with its MCP toolset (one persistent session), history kept in SQLite."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

sys.path.insert(0, str(Path(__file__).parents[1]))
import harness

calls = 0


def scripted(delay: float) -> FunctionModel:
    async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        global calls
        calls += 1
        await asyncio.sleep(delay)
        parts = [part for message in messages for part in message.parts]
        last = max(i for i, part in enumerate(parts) if isinstance(part, UserPromptPart))
        done = [part for part in parts[last:] if isinstance(part, ToolReturnPart)]
        if len(done) < 2:
            name = ("get_order", "track_order")[len(done)]
            return ModelResponse(parts=[ToolCallPart(name, {"order_no": "#1002"})])
        return ModelResponse(parts=[TextPart(f"Your parcel is on its way. {harness.ANSWER_MARK}")])

    return FunctionModel(answer)


@asynccontextmanager
async def contender(asked: argparse.Namespace) -> AsyncIterator[harness.Turn]:
    database = sqlite3.connect(asked.database, isolation_level=None, check_same_thread=False)
    database.execute("pragma journal_mode=WAL")
    database.execute("create table if not exists history(conversation text primary key, messages blob)")
    agent = Agent(scripted(asked.delay), toolsets=[MCPToolset(asked.url)])

    def load(conversation: str) -> list[ModelMessage]:
        row = database.execute(
            "select messages from history where conversation=?", (conversation,)
        ).fetchone()
        return ModelMessagesTypeAdapter.validate_json(row[0]) if row else []

    async with agent:

        async def turn(conversation: str, text: str) -> str:
            result = await agent.run(text, message_history=load(conversation))
            database.execute(
                "insert or replace into history values(?,?)", (conversation, result.all_messages_json())
            )
            return str(result.output)

        yield turn
    database.close()


if __name__ == "__main__":
    harness.run(contender, lambda: calls)
