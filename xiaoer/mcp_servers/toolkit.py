"""How a method becomes a published tool: strict arguments, one thread, errors that can be acted on.

The SDK's own tool class ignores unknown arguments, serialises every result twice and puts
exceptions of pydantic before the caller. Ours refuses what its schema does not name, answers
refusals as `{"code", "message"}`, and gives up waiting for a thread when the call is cancelled.
"""

from __future__ import annotations

import functools
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from xiaoer.domain.permits import PermitRefused
from xiaoer.domain.refusals import Refusal

log = structlog.get_logger()

# More threads than this only wait for each other and for the database's connections.
_THREADS = 8
_limiter: RunVar[CapacityLimiter] = RunVar("xiaoer_tool_threads")

# The places of an error that go into its sentence; a hostile caller could make thousands.
_SHOWN_ERRORS = 3

# Hints for any MCP client. Our own rules never read them: effects stand in tools.catalog.
READ = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
WRITE = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
IRREVERSIBLE = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
)
OUTSIDE = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)


@dataclass(frozen=True, slots=True)
class Published:
    """One row of a server's table: the method's name, a title for people, what it does to the world."""

    name: str
    title: str
    annotations: ToolAnnotations


Meta = Mapping[str, Any]


def publish(
    name: str, instructions: str, methods: object, table: Sequence[Published], version: str = "1"
) -> MCPServer:
    """An MCP server whose tools are these methods; docstrings are what a model reads."""
    tools: list[Tool] = [_tool(getattr(methods, row.name), row) for row in table]
    return MCPServer(
        name=f"xiaoer-{name}", instructions=instructions, version=version, tools=tools, log_level="WARNING"
    )


class _Strict(ArgModelBase):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class StrictTool(Tool):
    """A tool whose method takes `meta` first, runs in a thread, and may raise Refusal or PermitRefused."""

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:
        try:
            values = self.fn_metadata.arg_model.model_validate(arguments).model_dump_one_level()
        except ValidationError as error:
            return failure("invalid", _what_is_wrong(error))
        call = functools.partial(self.fn, context.request_context.meta or {}, **values)
        try:
            shape: BaseModel = await to_thread.run_sync(call, abandon_on_cancel=True, limiter=_threads())
        except (Refusal, PermitRefused) as error:
            return failure(error.code, str(error))
        except Exception as error:  # noqa: BLE001 - the caller hears a fixed sentence, we hear where
            # Frames without values: texts of database errors hold the customer's data.
            frames = traceback.format_tb(error.__traceback__)[-4:]
            log.error("tool failed", tool=self.name, error=type(error).__name__, frames=frames)
            return failure("failed", "The tool failed. Trying again later may help.")
        return _success(shape)


def _threads() -> CapacityLimiter:
    """One limit for all servers of this event loop."""
    limiter = _limiter.get(None)
    if limiter is None:
        limiter = CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    return limiter


def failure(code: str, message: str) -> CallToolResult:
    text = json.dumps({"code": code, "message": message}, ensure_ascii=False)
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _success(shape: BaseModel) -> CallToolResult:
    text = TextContent(type="text", text=shape.model_dump_json())
    return CallToolResult(content=[text], structured_content=shape.model_dump(mode="json"))


def _tool(method: Callable[..., BaseModel], row: Published) -> Tool:
    tool = StrictTool.from_function(
        method,
        name=row.name,
        title=row.title,
        description=_paragraph(method.__doc__ or ""),
        context_kwarg="meta",
        annotations=row.annotations,
        structured_output=True,
    )
    base = tool.fn_metadata.arg_model
    strict: type[ArgModelBase] = create_model(base.__name__, __base__=(_Strict, base))
    tool.fn_metadata.arg_model = strict
    tool.parameters = plain_schema(strict.model_json_schema(by_alias=True))
    if tool.fn_metadata.output_schema:
        tool.fn_metadata.output_schema = plain_schema(tool.fn_metadata.output_schema)
    return tool


def plain_schema(schema: Any, names: bool = False) -> Any:
    """The same JSON schema without pydantic's titles, which repeat the names and cost tokens.

    `names` is set while the keys are property names: a property may itself be called "title".
    """
    if isinstance(schema, list):
        return [plain_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if names or key != "title"}
    return {
        key: plain_schema(value, names=not names and key in {"properties", "$defs"})
        for key, value in kept.items()
    }


def _paragraph(doc: str) -> str:
    return " ".join(doc.split())


def _what_is_wrong(error: ValidationError) -> str:
    """Which arguments are wrong and why, without repeating what was sent."""
    shown = [f"{'.'.join(map(str, e['loc']))[:60]}: {e['msg']}" for e in error.errors()[:_SHOWN_ERRORS]]
    return f"The arguments do not fit: {'; '.join(shown)}."
