"""Routes of the desk: bodies capped, nothing kept by caches, unknown parameters refused."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query

from xiaoer.channels.body import CappedRoute
from xiaoer.channels.errors import Problem

_SHARED = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class DeskRoute(CappedRoute):
    """Whatever a page answers, redirects too, is for this person alone."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            answer = await handle(request)
            for name, value in _SHARED.items():
                answer.headers.setdefault(name, value)
            return answer

        return guarded


class ApiRoute(DeskRoute):
    """A misspelt parameter is told, not ignored: a filter that does not filter would show too much."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        fields = get_flat_params(self.dependant)
        known = {field.alias for field in fields if isinstance(field.field_info, Query)}

        async def strict(request: Request) -> Response:
            strange = sorted(set(request.query_params) - known)
            if strange:
                raise Problem(422, f"{strange[0][:64]}: unknown parameter.")
            return await handle(request)

        return strict
