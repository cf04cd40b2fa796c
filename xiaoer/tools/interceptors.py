"""Everything around a tool call, each of one shape, in the order of the lists at the foot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unicodedata import category

import httpx2
import structlog
from mcp.shared.exceptions import MCPError
from mcp_types import REQUEST_TIMEOUT
from pydantic import ValidationError

from xiaoer.domain.canonical import canonical_json, sha256_hex
from xiaoer.domain.clock import Clock
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.permits import META_CONTEXT, META_KEY
from xiaoer.tools.calls import Handler, Interceptor, ToolRequest, ToolResult
from xiaoer.tools.catalog import CATALOG, Effect
from xiaoer.tools.failures import ToolTrouble, failed, turned
from xiaoer.tools.manifests import Manifests
from xiaoer.tools.scope import ContextMint

log = structlog.get_logger()

ARGS_LIMIT = 16_000
RESULT_LIMIT = 200_000
PROOF_LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Kit:
    """What interceptors may use."""

    clock: Clock
    contexts: ContextMint
    manifests: Manifests


Maker = Callable[[Kit], Interceptor]


def trace(kit: Kit) -> Interceptor:
    """How long the call took, whatever became of it."""

    async def measure(request: ToolRequest, handler: Handler) -> ToolResult:
        start = time.perf_counter()
        result = await handler(request)
        return replace(result, ms=round((time.perf_counter() - start) * 1000, 2))

    return measure


def errors(kit: Kit) -> Interceptor:
    """Trouble becomes a result with a fixed word; nothing is raised to a turn."""

    async def translate(request: ToolRequest, handler: Handler) -> ToolResult:
        try:
            return await handler(request)
        except ToolTrouble as trouble:
            return failed(request, trouble.code, str(trouble))
        except Exception as error:  # noqa: BLE001 - any trouble of a tool becomes a result, and is logged
            code = _word_for(error)
            # Type only: texts of exceptions may hold a customer's data.
            log.warning("tool call failed", tool=request.call.name, code=code, error=type(error).__name__)
            return failed(request, code)

    return translate


def _word_for(error: Exception) -> str:
    if isinstance(error, MCPError):
        return "timeout" if error.error.code == REQUEST_TIMEOUT else "down"
    return next((word for kind, word in _WORDS if isinstance(error, kind)), "down")


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (httpx2.TimeoutException, "timeout"),
    (ValidationError, "garbage"),  # the SDK could not read the server's answer
    (RecursionError, "garbage"),
)


def catalogued(kit: Kit) -> Interceptor:
    """A tool that our own list does not name is never called."""

    async def look_up(request: ToolRequest, handler: Handler) -> ToolResult:
        if (request.server, request.call.name) not in CATALOG:
            return failed(request, "unknown_tool")
        return await handler(request)

    return look_up


def reversible(kit: Kit) -> Interceptor:
    """A conversation reads and writes what can be undone; the rest is proposed elsewhere."""

    async def refuse(request: ToolRequest, handler: Handler) -> ToolResult:
        if CATALOG[request.server, request.call.name].effect is Effect.IRREVERSIBLE:
            return failed(request, "refused")
        return await handler(request)

    return refuse


def small_args(kit: Kit) -> Interceptor:
    """Arguments are plain JSON of a sane size."""

    async def weigh(request: ToolRequest, handler: Handler) -> ToolResult:
        return await handler(request) if _plain(request.call.args) else failed(request, "invalid")

    return weigh


def _plain(args: dict[str, Any]) -> bool:
    if weight(args, ARGS_LIMIT) > ARGS_LIMIT:
        return False
    try:
        return len(canonical_json(args)) <= ARGS_LIMIT
    except (TypeError, ValueError, RecursionError):
        return False  # not JSON, not a number, or nested beyond reason


def deadline(kit: Kit) -> Interceptor:
    """The caller goes on after the tool's time, even when the tool cannot be stopped."""

    async def limit(request: ToolRequest, handler: Handler) -> ToolResult:
        task = asyncio.ensure_future(handler(request))
        try:
            done, _ = await asyncio.wait({task}, timeout=request.seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done:
            return task.result()
        task.cancel()
        task.add_done_callback(_forget)
        raise TimeoutError

    return limit


def _forget(task: asyncio.Task[ToolResult]) -> None:
    """Take the abandoned task's outcome, so that the loop does not complain about it."""
    if not task.cancelled():
        task.exception()


def pinned(kit: Kit) -> Interceptor:
    """Only a tool whose manifest is still the one of the start is called, and its result must fit it."""

    async def compare(request: ToolRequest, handler: Handler) -> ToolResult:
        manifest = await kit.manifests.pinned_tool(request.server, request.call.name)
        result = await handler(request)
        if result.ok and manifest.fits is not None and not manifest.fits(result.data):
            log.warning("tool result does not fit its schema", tool=request.call.name)
            return turned(result, "garbage")
        return result

    return compare


def small_result(kit: Kit) -> Interceptor:
    async def weigh(request: ToolRequest, handler: Handler) -> ToolResult:
        result = await handler(request)
        return result if weight(result.data, RESULT_LIMIT) <= RESULT_LIMIT else turned(result, "garbage")

    return weigh


# Direction marks, zero-width and tag characters, controls but line feeds: read by models, seen by nobody.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
_SEEN = frozenset("\n\t\u200c\u200d")
LONGEST_TEXT = 20_000


def plain_text(kit: Kit) -> Interceptor:
    """Texts of a result as data: without what nobody can see, and with an end. Our servers do so themselves;
    one by URL may be anybody's."""

    async def clean(request: ToolRequest, handler: Handler) -> ToolResult:
        result = await handler(request)
        return replace(result, data=_plain_data(result.data), error=_plain_str(result.error))

    return clean


def _plain_data(value: Any) -> Any:
    if isinstance(value, str):
        return _plain_str(value)
    if isinstance(value, dict):
        return {key: _plain_data(item) for key, item in value.items()}
    return [_plain_data(item) for item in value] if isinstance(value, list) else value


def _plain_str(text: str) -> str:
    if not text.isprintable():
        text = "".join(char for char in text if char in _SEEN or category(char) not in _UNSEEN)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def scoped(kit: Kit) -> Interceptor:
    """The signed context goes in; a yes of verify_customer comes out as a raised scope."""

    async def attach(request: ToolRequest, handler: Handler) -> ToolResult:
        meta = {**request.meta, META_CONTEXT: kit.contexts.token(request.scope)}
        result = replace(await handler(replace(request, meta=meta)), scope=request.scope)
        if request.call.name == "check_code" and result.ok and result.data.get("verified") is True:
            return replace(result, scope=replace(request.scope, level=Level.CONTACT))
        if request.call.name != "verify_customer" or not result.ok:
            return result
        data = {name: value for name, value in result.data.items() if name != "customer_ref"}
        customer_ref = result.data.get("customer_ref")
        if data.get("verified") is True and customer_ref:
            return replace(result, data=data, scope=raised(request.scope, customer_ref, kit.clock))
        return replace(result, data=data)

    return attach


def raised(scope: Scope, customer_ref: str, clock: Clock) -> Scope:
    """The scope after a yes: the customer is known, for the conversation, at most a day."""
    now = clock()
    if scope.level >= Level.ORDER and scope.customer_ref == customer_ref and scope.proven(now):
        return scope  # known already: the server asks for no second proof, so the day does not begin anew
    return replace(
        scope,
        level=max(scope.level, Level.ORDER),
        customer_ref=customer_ref,
        verified_at=now,
        expires_at=now + PROOF_LASTS,
    )


def keyed(kit: Kit) -> Interceptor:
    """A reversible write carries a key, so that a turn that runs again repeats nothing."""

    async def sign(request: ToolRequest, handler: Handler) -> ToolResult:
        if CATALOG[request.server, request.call.name].effect is not Effect.WRITE:
            return await handler(request)
        parts = [request.turn_id, request.call.name, request.call.args]
        meta = {**request.meta, META_KEY: sha256_hex(canonical_json(parts))}
        return await handler(replace(request, meta=meta))

    return sign


def weight(value: Any, limit: int) -> int:
    """About how long a value is as JSON; stops counting soon after the limit."""
    total, stack = 0, [value]
    while stack and total <= limit:
        item = stack.pop()
        total += 2
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, dict):
            stack += item.keys()
            stack += item.values()
        elif isinstance(item, list | tuple):
            stack += item
        else:
            total += 4
    return total


# What a conversation's call goes through, outermost first.
INTERCEPTORS: tuple[Maker, ...] = (
    trace,
    errors,
    catalogued,
    reversible,
    small_args,
    deadline,
    scoped,
    keyed,
    plain_text,
    pinned,
    small_result,
)

# The executor's calls carry a grant instead of a context, and may be irreversible.
EXECUTOR_INTERCEPTORS: tuple[Maker, ...] = (
    trace,
    errors,
    catalogued,
    small_args,
    deadline,
    plain_text,
    pinned,
    small_result,
)
