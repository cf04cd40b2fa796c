"""The web channel's addresses."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from xiaoer.channels.body import CappedRoute
from xiaoer.channels.errors import Problem
from xiaoer.channels.headers import DATA_HEADERS
from xiaoer.channels.services import WebServices
from xiaoer.channels.web import pages
from xiaoer.channels.web.events import Cursor, news, stream
from xiaoer.channels.web.sessions import WebSession, check_signature, read_session, seal_session
from xiaoer.channels.web.shapes import (
    MessageAnswer,
    MessageRequest,
    SessionAnswer,
    SessionRequest,
    TurnAnswer,
)
from xiaoer.channels.web.turns import await_turn
from xiaoer.domain.messages import InboundMessage
from xiaoer.domain.stores import Store

CHANNEL = "web"
MAX_WAIT = 60.0


def build_web_router(services: WebServices) -> APIRouter:
    """`/channels/web/{store}/…`, `/chat/{store}`, `/widget.js` and their assets."""
    router = APIRouter(route_class=CappedRoute, tags=["web channel"])
    _add_channel(router, services)
    _add_pages(router, services)
    return router


def _add_channel(router: APIRouter, services: WebServices) -> None:
    def signed_in(store: str, authorization: Annotated[str, Header()] = "") -> WebSession:
        found = find_store(services, store)
        scheme, _, token = authorization.partition(" ")
        return read_session(
            services.secret_key, token.strip() if scheme.lower() == "bearer" else "", found.id
        )

    @router.post("/channels/web/{store}/sessions", status_code=201, response_model=SessionAnswer)
    async def open_session(store: str, wanted: SessionRequest, request: Request) -> Response:
        found = find_store(services, store)
        services.limiter.hit("session", services.rates.sessions, _address(request))
        session = await _open(services, found, wanted)
        token = seal_session(services.secret_key, session)
        return _data({"session": token, "conversation_id": session.conversation_id}, 201)

    @router.post(
        "/channels/web/{store}/messages",
        status_code=202,
        response_model=MessageAnswer,
        responses={200: {"model": TurnAnswer}},
    )
    async def send_message(
        message: MessageRequest,
        request: Request,
        session: WebSession = Depends(signed_in),
        wait: Annotated[float | None, Query(ge=0, le=MAX_WAIT)] = None,
    ) -> Response:
        services.limiter.hit("message", services.rates.messages, session.conversation_id)
        services.limiter.hit("address", services.rates.address_messages, _address(request))
        accepted = await services.intake.accept(_inbound(session, message))
        answer = {"message_id": accepted.message_id, "conversation_id": accepted.conversation_id}
        if wait:
            turn = await await_turn(services, session, accepted.message_id, wait)
            if turn is not None:
                return _data(turn)
        return _data(answer, 202)

    @router.get("/channels/web/{store}/events", response_model=None)
    async def listen(
        request: Request,
        # A default that names a local: postponed annotations could not see it.
        session: WebSession = Depends(signed_in),
        after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        last_event_id: Annotated[str, Header()] = "",
    ) -> Response:
        start = after if after is not None else _number(last_event_id)
        if "application/json" in request.headers.get("accept", ""):
            return _data(await asyncio.to_thread(news, services, session, Cursor(start)))
        services.streams.require_place(session.conversation_id)
        return stream(services, session, start)


def _add_pages(router: APIRouter, services: WebServices) -> None:
    @router.get("/chat/{store}", include_in_schema=False)
    def chat_page(store: str, request: Request) -> Response:
        return pages.render_chat(services, find_store(services, store), request)

    @router.get("/widget.js", include_in_schema=False)
    def widget() -> Response:
        return pages.serve_widget()

    @router.get("/assets/web/{version}/{name:path}", include_in_schema=False)
    def asset(version: str, name: str) -> Response:
        return pages.ASSETS.serve(version, name)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def find_store(services: WebServices, store: str) -> Store:
    found = services.stores.get(store)
    if found is None:
        raise Problem(404, "There is no such store.", "unknown_store")
    return found


async def _open(services: WebServices, store: Store, wanted: SessionRequest) -> WebSession:
    """Signed visitors come back to their own thread; everybody else gets a new one."""
    external_id = None
    if wanted.external_id is not None and wanted.signature is not None:
        check_signature(services.widget_secret(store), wanted.external_id, wanted.signature)
        external_id = wanted.external_id
    # An unsigned id proves nothing, so it may not lead to anybody's thread.
    thread = f"u:{external_id}" if external_id else f"s:{secrets.token_urlsafe(18)}"
    name = wanted.name or ""
    conversation_id = await services.intake.open_conversation(
        store.id, CHANNEL, thread, external_id=external_id, name=name
    )
    return WebSession(store.id, conversation_id, thread, external_id, name)


def _inbound(session: WebSession, message: MessageRequest) -> InboundMessage:
    return InboundMessage(
        store=session.store,
        channel=CHANNEL,
        thread=session.thread,
        # The client's id is only unique to the client: another session may choose the same.
        event_id=f"{session.conversation_id}:{message.id}",
        text=message.text,
        external_id=session.external_id,
        sender_name=session.name,
        raw={"id": message.id},
    )


def _number(last_event_id: str) -> int:
    return int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < 16 else 0


def _data(body: Any, status: int = 200) -> JSONResponse:
    return JSONResponse(body, status, DATA_HEADERS)
