"""The stream that makes every desk page look again: kinds and ids, never content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Depends, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from xiaoer.desk.access import EVENTS, Door, find_person
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.canonical import canonical_json
from xiaoer.inbox.live import DESK

# News of other processes do not arrive here, and spans of time grow: so pages look again anyway.
TICK_SECONDS = 20.0
PING_SECONDS = 15


def add_live(router: APIRouter, services: DeskServices, door: Door) -> None:
    @router.get(EVENTS, response_model=None)
    async def listen(request: Request, person: SignedIn = Depends(door)) -> Response:
        services.streams.require_place(person.staff.id)
        return EventSourceResponse(_news(services, request, person), ping=PING_SECONDS, sep="\n")

    @router.get("/desk/here", status_code=204)
    def here(_person: SignedIn = Depends(door)) -> Response:
        """Somebody types or reads: asked by the page when it sees a hand, never by itself."""
        return Response(status_code=204)


async def _news(services: DeskServices, request: Request, person: SignedIn) -> AsyncIterator[ServerSentEvent]:
    with services.streams.place(person.staff.id) as placed, services.live.subscribe(DESK) as subscription:
        # A session that was ended elsewhere, or left alone for too long, hears no more.
        while placed and await asyncio.to_thread(find_person, services, request) is not None:
            event = await subscription.next(TICK_SECONDS) or {"kind": "tick"}
            if event["kind"] != "typing":
                yield ServerSentEvent(data=canonical_json(event), event="news")
    if placed:
        yield ServerSentEvent(data="{}", event="ended")
