"""A loopback server that speaks Anthropic's Messages API: recorded streams, and faults after the documents.

    async with FakeAnthropic() as api:
        api.will(say("Hello"), error(529, "overloaded_error"))
        ...  # point base_url at api.url
        assert api.requests[0].body["model"] == "…"

Each request takes the next answer; the last one stands for all that follow. Streams are sent as Anthropic sends
them: message_start → blocks → message_delta → message_stop, with a ping in between.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "anthropic"


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]  # lower-case names
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    def part(self, name: str) -> bytes:
        """The bytes of one top-level value, exactly as they were sent."""
        text = self.raw.decode()
        start = text.index(f'"{name}":') + len(name) + 3
        _, end = json.JSONDecoder().raw_decode(text[start:].lstrip())
        return text[start:].lstrip()[:end].encode()


@dataclass(frozen=True)
class Answer:
    """What the server does with one request."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    cut: int | None = None  # bytes of the body after which the connection breaks
    hang: bool = False  # nothing comes until the client gives up
    hang_after: int | None = None  # bytes of the body after which nothing comes any more
    first_byte_after: float = 0.0
    drip: float = 0.0  # seconds between events

    @property
    def streamed(self) -> bool:
        return self.status == 200 and self.body.lstrip().startswith((b"event:", b"data:"))


def sse(events: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def message_start(model: str = "claude-haiku-5-5", **usage: int) -> dict[str, Any]:
    spent = {"input_tokens": 25, "output_tokens": 1, **usage}
    message = {
        "id": "msg_demo",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": spent,
    }
    return {"type": "message_start", "message": message}


def text_block(index: int, text: str, pieces: int = 3) -> list[dict[str, Any]]:
    size = max(1, -(-len(text) // pieces))
    deltas = [text[i : i + size] for i in range(0, len(text), size)]
    return [
        {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {
                "type": "content_block_delta",
                "index": index,
                "delta": {"type": "text_delta", "text": piece},
            }
            for piece in deltas
        ),
        {"type": "content_block_stop", "index": index},
    ]


def tool_block(index: int, name: str, args: Any, size: int = 7) -> list[dict[str, Any]]:
    """A tool_use block whose JSON comes in pieces cut anywhere; `args` may be raw text."""
    text = args if isinstance(args, str) else json.dumps(args)
    block = {"type": "tool_use", "id": f"toolu_{index:04d}", "name": name, "input": {}}
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *(
            {
                "type": "content_block_delta",
                "index": index,
                "delta": {"type": "input_json_delta", "partial_json": text[i : i + size]},
            }
            for i in range(0, len(text), size)
        ),
        {"type": "content_block_stop", "index": index},
    ]


def ending(stop_reason: str, **usage: int) -> list[dict[str, Any]]:
    spent = {"input_tokens": 25, "output_tokens": 12, **usage}
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": spent}, {"type": "message_stop"}]


def say(text: str, stop_reason: str = "end_turn", **usage: int) -> Answer:
    return Answer(sse([message_start(**usage), *text_block(0, text), *ending(stop_reason, **usage)]))


def use_tools(
    *calls: tuple[str, Any], text: str = "", stop_reason: str = "tool_use", size: int = 7
) -> Answer:
    events = [message_start()]
    events += text_block(0, text) if text else []
    first = 1 if text else 0
    for index, (name, args) in enumerate(calls, first):
        events += tool_block(index, name, args, size)
    return Answer(sse([*events, *ending(stop_reason)]))


def error(status: int, kind: str, retry_after: str | None = None, **details: str) -> Answer:
    """An error response in the documents' shape; `error_code="…"` goes into its details."""
    inner: dict[str, Any] = {"type": kind, "message": kind.replace("_", " ")}
    if details:
        inner["details"] = details
    headers = (("retry-after", retry_after),) if retry_after is not None else ()
    body = {"type": "error", "error": inner, "request_id": "req_demo"}
    return Answer(json.dumps(body).encode(), status, headers)


def error_event_after(answer: Answer, kind: str, keep_events: int) -> Answer:
    """The stream begins well, then an error event comes, with HTTP 200 long sent."""
    kept = b"\n\n".join(answer.body.split(b"\n\n")[:keep_events]) + b"\n\n"
    event = {"type": "error", "error": {"type": kind, "message": kind}}
    return Answer(kept + sse([event]))


def cut_at(answer: Answer, mark: bytes) -> Answer:
    """The connection breaks right after the first occurrence of `mark`."""
    return replace(answer, cut=answer.body.index(mark) + len(mark))


def ends_after(answer: Answer, mark: bytes) -> Answer:
    """The stream ends politely, but too early: after the event that holds `mark`."""
    end = answer.body.index(b"\n\n", answer.body.index(mark)) + 2
    return replace(answer, body=answer.body[:end])


def recorded(name: str) -> Answer:
    """One of the raw streams under tests/data/anthropic."""
    return Answer((DATA / f"{name}.txt").read_bytes() + b"\n\n")


def recordings(path: Path = DATA / "recordings.jsonl") -> list[dict[str, Any]]:
    """Recorded exchanges: `{"repo", "path", "licence", "request", "status", "headers", "sse" | "json"}`."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def replayed(row: dict[str, Any]) -> Answer:
    body = row["sse"].encode() if "sse" in row else json.dumps(row["json"]).encode()
    return Answer(body, row["status"])


@dataclass
class FakeAnthropic:
    answers: list[Answer] = field(default_factory=lambda: [say("Hello.")])
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def will(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests.clear()

    async def __aenter__(self) -> FakeAnthropic:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**24)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """After this, connections are refused."""
        assert self._server is not None
        self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append(Request(head[0].split(" ")[1], headers, raw))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await _send(answer, json.loads(raw), reader, writer)


async def _send(
    answer: Answer, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    if answer.hang:
        await reader.read()
        return False
    await asyncio.sleep(answer.first_byte_after)
    if answer.streamed and not request.get("stream"):
        answer = replace(answer, body=json.dumps(assembled(answer.body)).encode())
    kind = "text/event-stream; charset=utf-8" if answer.streamed else "application/json"
    writer.write(_head(answer, kind))
    for piece in _pieces(answer):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(answer.drip)
    if answer.hang_after is not None:
        await reader.read()
    return answer.cut is None and answer.hang_after is None


def _head(answer: Answer, kind: str) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} X",
        f"content-type: {kind}",
        f"content-length: {len(answer.body)}",  # a cut body is then a broken one, not a short one
        "request-id: req_demo",
        *(f"{name}: {value}" for name, value in answer.headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _pieces(answer: Answer) -> Sequence[bytes]:
    limits = [limit for limit in (answer.cut, answer.hang_after) if limit is not None]
    body = answer.body[: min(limits)] if limits else answer.body
    if not answer.drip:
        return [body]
    return [part + b"\n\n" for part in body.split(b"\n\n") if part]


def assembled(stream: bytes) -> dict[str, Any]:
    """The message that a stream adds up to, for requests that do not stream."""
    events = [json.loads(line[5:]) for line in stream.splitlines() if line.startswith(b"data:")]
    message: dict[str, Any] = {}
    partial: dict[int, str] = {}
    for event in events:
        kind = event["type"]
        if kind == "message_start":
            message = event["message"]
        elif kind == "content_block_start":
            message["content"].append(event["content_block"])
        elif kind == "content_block_delta":
            _add_delta(message["content"][event["index"]], event, partial)
        elif kind == "message_delta":
            message.update(event["delta"])
            message["usage"].update(event["usage"])
    for index, text in partial.items():
        message["content"][index]["input"] = json.loads(text or "{}")
    return message


def _add_delta(block: dict[str, Any], event: dict[str, Any], partial: dict[int, str]) -> None:
    delta = event["delta"]
    if delta["type"] == "text_delta":
        block["text"] += delta["text"]
    elif delta["type"] == "input_json_delta":
        partial[event["index"]] = partial.get(event["index"], "") + delta["partial_json"]


async def refused_url() -> str:
    """An address at which nobody listens."""
    async with FakeAnthropic() as api:
        pass
    return api.url
