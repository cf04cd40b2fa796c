"""A chat model that says what a test tells it to: a list of messages, or a function of the request.

`ScriptedChatModel(answers=[AIMessage("Hi")])` says each in turn, then the last for ever;
`ScriptedChatModel(answers=lambda messages: …)` decides by the request; an exception is raised instead of said.
`seconds` is its latency before the first piece. It streams, counts `calls`, and keeps the last request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field

Script = Sequence[AIMessage | Exception] | Callable[[list[BaseMessage]], AIMessage | Exception]


class ScriptedChatModel(BaseChatModel):
    answers: Any  # Script; pydantic would copy a list of messages
    seconds: float = 0.0
    calls: int = 0
    last_messages: list[BaseMessage] = Field(default_factory=list)
    last_tools: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        return self.bind(tools=list(tools), **kwargs)

    def _next(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> AIMessage:
        self.calls += 1
        self.last_messages = messages
        self.last_tools = list(kwargs.get("tools", ()))
        if callable(self.answers):
            answer = self.answers(messages)
        else:
            answer = self.answers[min(self.calls, len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._next(messages, kwargs))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        await asyncio.sleep(self.seconds)
        return self._generate(messages, stop, None, **kwargs)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        await asyncio.sleep(self.seconds)
        for chunk in _chunks(self._next(messages, kwargs)):
            yield ChatGenerationChunk(message=chunk)


def _chunks(message: AIMessage) -> Iterator[AIMessageChunk]:
    """The message in pieces as a provider would send them; its own stop reason wins."""
    if message.content:
        yield AIMessageChunk(content=message.content)
    for index, call in enumerate(message.tool_calls):
        args = json.dumps(call["args"])
        head = tool_call_chunk(index=index, id=call["id"], name=call["name"], args=args[:5])
        rest = tool_call_chunk(index=index, id=None, name=None, args=args[5:])
        yield AIMessageChunk(content="", tool_call_chunks=[head])
        yield AIMessageChunk(content="", tool_call_chunks=[rest])
    stop = "tool_use" if message.tool_calls else "end_turn"
    yield AIMessageChunk(
        content="",
        response_metadata={"stop_reason": stop, **message.response_metadata},
        usage_metadata=message.usage_metadata,
        chunk_position="last",
    )


def calling(*calls: tuple[str, dict[str, Any]], text: str = "") -> AIMessage:
    """A message that asks for tools: `calling(("get_order", {"order_no": "#1001"}))`."""
    return AIMessage(
        content=text,
        tool_calls=[
            {"type": "tool_call", "id": f"c{n}", "name": name, "args": args}
            for n, (name, args) in enumerate(calls)
        ],
    )
