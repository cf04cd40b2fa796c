"""A model's stream → one whole answer, or nothing: no part of an unfinished answer leaves this file."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from xiaoer.agent.brains.model.errors import CUT, WHOLE, BadAnswer
from xiaoer.domain.canonical import canonical_json

# Far above any honest answer. A stream that goes on is broken off at once: LangChain tries to repair cut JSON by
# dropping one character after the other, which is quadratic (seconds for 100 kB).
MOST_CHARACTERS = 40_000
MOST_ARGUMENTS = 16_000  # of one call
MOST_CALLS = 64  # read at all; the turn's own limit is far lower
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class AskedCall:
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    calls: tuple[AskedCall, ...]
    stop_reason: str
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(slots=True)
class _RawCall:
    key: object
    name: str = ""
    args: str = ""


@dataclass(slots=True)
class _Collected:
    text: list[str] = field(default_factory=list)
    calls: list[_RawCall] = field(default_factory=list)
    stop_reason: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    size: int = 0


async def collect(chunks: AsyncGenerator[Any, None]) -> Answer:
    """The whole answer; raises BadAnswer when it is cut, refused, empty, too large or not JSON.

    The pieces are put together here and not by adding chunks: LangChain repairs cut JSON while adding
    (`{"a": [1, 2` becomes a call with `{"a": [1, 2]}`), and does so again for every piece.
    """
    got = _Collected()
    heard = False
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                heard = True
                _take(got, chunk)
                if got.size > MOST_CHARACTERS or len(got.calls) > MOST_CALLS:
                    raise BadAnswer("oversized")
        except ValueError as error:
            if heard or type(error) is not ValueError:
                raise
            raise BadAnswer("empty") from error  # LangChain's word for a stream without any event
    return _whole(got)


def _take(got: _Collected, chunk: Any) -> None:
    _take_text(got, chunk.content)
    pieces = getattr(chunk, "tool_call_chunks", None)
    if pieces is None:  # a model that does not stream hands over a finished message
        pieces = [_finished(call) for call in chunk.tool_calls]
        pieces += [dict(call) for call in chunk.invalid_tool_calls]
    for piece in pieces:
        _take_call(got, piece)
    meta = chunk.response_metadata
    stop = meta.get("stop_reason") or meta.get("finish_reason") or meta.get("done_reason")
    if isinstance(stop, str):
        got.stop_reason = stop.lower()
    if chunk.usage_metadata:
        got.usage = dict(chunk.usage_metadata)


def _take_text(got: _Collected, content: Any) -> None:
    for block in [content] if isinstance(content, str) else content:
        if isinstance(block, dict):
            block = block.get("text") if block.get("type") == "text" else ""
        if isinstance(block, str) and block:
            got.text.append(block)
            got.size += len(block)


def _finished(call: Any) -> dict[str, Any]:
    return {"id": call["id"], "name": call["name"], "args": json.dumps(call["args"])}


def _take_call(got: _Collected, piece: Any) -> None:
    """Pieces belong together by their index; one that brings a new id starts a new call."""
    key = piece.get("index")
    key = piece.get("id") if key is None else key
    call = next((call for call in got.calls if key is not None and call.key == key), None)
    if call is None and key is None and got.calls:
        call = got.calls[-1]
    if call is None:
        call = _RawCall(key)
        got.calls.append(call)
    call.name += piece.get("name") or ""
    args = piece.get("args") or ""
    call.args += args
    got.size += len(args)
    if len(call.args) > MOST_ARGUMENTS:
        raise BadAnswer("bad_arguments", "oversized")


def _whole(got: _Collected) -> Answer:
    if got.stop_reason not in WHOLE:
        # Without a stop reason the connection broke politely: seen with JSON of a tool cut in mid-stream.
        raise BadAnswer(CUT.get(got.stop_reason, "unknown_stop"))
    calls = tuple(AskedCall(raw.name, read_arguments(raw.args)) for raw in got.calls)
    text = clean("".join(got.text)).strip()
    if not calls and not text:
        raise BadAnswer("empty")
    details = got.usage.get("input_token_details") or {}
    return Answer(
        text=text,
        calls=calls,
        stop_reason=got.stop_reason,
        input_tokens=got.usage.get("input_tokens") or 0,
        cached_tokens=details.get("cache_read") or 0,
        output_tokens=got.usage.get("output_tokens") or 0,
    )


def read_arguments(text: str) -> dict[str, Any]:
    """Strict JSON of one call: an object, finite numbers, bounded size and depth, text that can be stored."""
    if len(text) > MOST_ARGUMENTS:
        raise BadAnswer("bad_arguments", "oversized")
    try:
        args = json.loads(text or "{}")
        stored = canonical_json(args)  # refuses NaN and infinities, which json.loads lets in
        stored.encode()  # refuses halves of surrogate pairs
    except (ValueError, RecursionError) as error:
        raise BadAnswer("bad_arguments", type(error).__name__) from error
    if not isinstance(args, dict) or "\\u0000" in stored or _deeper_than(args, DEEPEST):
        raise BadAnswer("bad_arguments", type(args).__name__)
    return args


def _deeper_than(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    return any(
        _deeper_than(inner, levels - 1) for inner in (value.values() if isinstance(value, dict) else value)
    )


def clean(text: str) -> str:
    """Text that every database and channel takes: whole code points, no control characters but line breaks."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(c for c in whole if c in "\n\t" or (c >= " " and c != "\x7f"))
