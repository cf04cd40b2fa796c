"""LangChain `create_agent` with langchain-mcp-adapters, both at their defaults, memory in SQLite."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_mcp_adapters.client import MultiServerMCPClient
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

sys.path.insert(0, str(Path(__file__).parents[1]))
import harness

calls = 0


class ScriptedModel(BaseChatModel):
    delay: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> ScriptedModel:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        global calls
        calls += 1
        await asyncio.sleep(self.delay)
        last = len(messages) - 1 - next(i for i, m in enumerate(reversed(messages)) if m.type == "human")
        done = [m for m in messages[last:] if isinstance(m, ToolMessage)]
        if len(done) < 2:
            name = ("get_order", "track_order")[len(done)]
            call = {"name": name, "args": {"order_no": "#1002"}, "id": f"call_{calls}", "type": "tool_call"}
            message = AIMessage("", tool_calls=[call])
        else:
            message = AIMessage(f"Your parcel is on its way. {harness.ANSWER_MARK}")
        return ChatResult(generations=[ChatGeneration(message=message)])


@asynccontextmanager
async def contender(asked: argparse.Namespace) -> AsyncIterator[harness.Turn]:
    client = MultiServerMCPClient({"shop": {"transport": "streamable_http", "url": asked.url}})
    tools = await client.get_tools()
    async with AsyncSqliteSaver.from_conn_string(asked.database) as saver:
        agent = create_agent(ScriptedModel(delay=asked.delay), tools, checkpointer=saver)

        async def turn(conversation: str, text: str) -> str:
            config = {"configurable": {"thread_id": conversation}}
            end = await agent.ainvoke({"messages": [{"role": "user", "content": text}]}, config)
            return str(end["messages"][-1].content)

        yield turn


if __name__ == "__main__":
    harness.run(contender, lambda: calls)
