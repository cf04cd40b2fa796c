"""Bodies are counted while they arrive: nobody makes us hold more than we asked for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from xiaoer.channels.errors import Problem

BODY_LIMIT = 64 * 1024
_TOO_LARGE = f"The request body may have at most {BODY_LIMIT // 1024} kB."


class CappedRoute(APIRoute):
    """A route that answers 413 as soon as a body passes the limit, announced or not."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def capped(request: Request) -> Response:
            refuse_announced(request)
            return await handle(Request(request.scope, _counted(request.receive)))

        return capped


def refuse_announced(request: Request) -> None:
    """413 by the Content-Length alone, before a byte is read."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > BODY_LIMIT:
        raise Problem(413, _TOO_LARGE)


def _counted(receive: Receive) -> Receive:
    seen = 0

    async def count() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_LIMIT:
            raise Problem(413, _TOO_LARGE)
        return message

    return count
