"""Two chat models around a tape: one replays it, one writes it while another model answers.

Importing this file imports LangChain; do it where a model is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, PrivateAttr

from xiaoer.agent.brains.recorded.tape import Tape, TapeWriter, masked, plain_request
from xiaoer.domain.pii import Masker


class _TapedModel(BaseChatModel):
    """Streams only: the model brain asks in no other way."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        return self.bind(tools=list(tools), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("a tape is streamed: use astream")


class RecordedChatModel(_TapedModel):
    """Answers as the tape did; raises Divergence with a diff where the request is another."""

    tape: Tape
    _seen: Counter[str] = PrivateAttr(default_factory=Counter)

    @property
    def _llm_type(self) -> str:
        return "recorded"

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        tools: Sequence[Any] = (),
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        asked, masker = masked(plain_request(messages, tools))
        row = _restored(self.tape.find(asked, self._seen[asked.key]), masker)
        self._seen[asked.key] += 1
        for chunk in _replayed(row):
            yield ChatGenerationChunk(message=chunk)


def _restored(row: dict[str, Any], masker: Masker) -> dict[str, Any]:
    """The taped answer about the values that are asked about now."""
    calls = [[name, masker.restore(args, in_json=True)] for name, args in row["calls"]]
    return {**row, "text": masker.restore(row["text"]), "calls": calls}


def _replayed(row: dict[str, Any]) -> Iterator[AIMessageChunk]:
    yield AIMessageChunk(content=row["text"])
    for index, (name, args) in enumerate(row["calls"]):
        piece = tool_call_chunk(index=index, id=f"taped_{index}", name=name, args=args)
        yield AIMessageChunk(content="", tool_call_chunks=[piece])
    usage = row.get("usage")
    yield AIMessageChunk(
        content="",
        response_metadata={"stop_reason": row["stop_reason"]},
        usage_metadata=usage or None,
        chunk_position="last",
    )


class RecordingChatModel(_TapedModel):
    """Another model with a tape running; a stream that breaks is not recorded."""

    inner: BaseChatModel
    writer: TapeWriter

    @property
    def _llm_type(self) -> str:
        return "recording"

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        tools: Sequence[Any] = (),
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        got = _Heard()
        model = self.inner.bind_tools(tools) if tools else self.inner
        async for chunk in model.astream(messages, stop=stop, **kwargs):
            got.take(chunk)
            if isinstance(chunk, AIMessageChunk):
                yield ChatGenerationChunk(message=chunk)
            else:
                yield ChatGenerationChunk(message=AIMessageChunk(**chunk.model_dump(exclude={"type"})))
        if got.stop_reason:
            self.writer.write(plain_request(messages, tools), got.row())


class _Heard:
    """What a stream has said so far, in the tape's form."""

    def __init__(self) -> None:
        self.text = ""
        self.calls: dict[Any, list[str]] = {}
        self.stop_reason = ""
        self.usage: dict[str, Any] | None = None

    def take(self, chunk: AIMessage) -> None:
        self.text += chunk.text
        for piece in getattr(chunk, "tool_call_chunks", None) or ():
            call = self.calls.setdefault(piece["index"], ["", ""])
            call[0] += piece["name"] or ""
            call[1] += piece["args"] or ""
        meta = chunk.response_metadata
        self.stop_reason = meta.get("stop_reason") or meta.get("finish_reason") or self.stop_reason
        if chunk.usage_metadata:
            self.usage = dict(chunk.usage_metadata)

    def row(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "calls": list(self.calls.values()),
            "stop_reason": self.stop_reason,
            "usage": self.usage,
        }
