"""One call of a tool: the request, the result, and the signature that every interceptor shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from xiaoer.domain.identity import Scope


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a brain asks for. `id` is unique in its conversation: `<turn>_<n>`, `pf_<turn>_<n>`."""

    id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolRequest:
    server: str
    call: ToolCall
    scope: Scope
    turn_id: str = ""
    seconds: float = 5.0
    meta: dict[str, Any] = field(default_factory=dict)  # what travels in MCP `_meta`


@dataclass(frozen=True, slots=True)
class ToolResult:
    """`data` is the structured result; `error` is a sentence that the caller can act on.

    `scope` is what the conversation's scope is after the call: verify_customer's yes raises it.
    """

    call: ToolCall
    server: str
    ok: bool
    data: dict[str, Any]
    error: str = ""
    code: str = (
        ""  # "not_found", "refused", "timeout", "down", "garbage", "invalid", "locked", "unknown_tool"
    )
    ms: float = 0.0
    scope: Scope | None = None


Handler = Callable[[ToolRequest], Awaitable[ToolResult]]
Interceptor = Callable[[ToolRequest, Handler], Awaitable[ToolResult]]
Runner = Callable[[ToolCall, Scope, str], Awaitable[ToolResult]]  # (call, scope, turn_id)
