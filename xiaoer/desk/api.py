"""The staff API: everything that the desk's pages can do, as JSON."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from xiaoer.channels.headers import DATA_HEADERS
from xiaoer.desk import show
from xiaoer.desk.access import Door, api_door
from xiaoer.desk.acts import CONVERSATION_STEPS, Acts, Step
from xiaoer.desk.guesses import confirm
from xiaoer.desk.promises import add_promises, promises_of
from xiaoer.desk.route import ApiRoute
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.desk.shapes import (
    AnswerRequest,
    ConfirmRequest,
    DecisionRequest,
    PauseRequest,
    WordRequest,
    WriteRequest,
)
from xiaoer.domain.actions import ActionStatus
from xiaoer.inbox import views
from xiaoer.inbox.tables import Status

Limit = Annotated[int, Query(ge=1, le=200)]
Word = Annotated[str | None, Query(max_length=128)]
Moment = Annotated[AwareDatetime | None, Query()]


def build_api_router(services: DeskServices) -> APIRouter:
    """`/api/v1/…` for signed-in staff and for the bearer of the staff token."""
    router = APIRouter(prefix="/api/v1", route_class=ApiRoute, tags=["staff"])
    door, acts = api_door(services), Acts(services)
    for add in (_add_conversations, _add_actions, _add_switches, _add_suppliers, add_promises, _add_person):
        add(router, services, acts, door)
    return router


def _add_conversations(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    engine = services.engine

    @router.get("/conversations")
    def list_conversations(
        store: Word = None,
        status: Status | None = None,
        cursor: Word = None,
        limit: Limit = 50,
        person: SignedIn = Depends(door),
    ) -> Response:
        page = views.list_conversations(engine, store, status, cursor, limit)
        services.looks.note(person.staff, "conversations", store, ids=[row.id for row in page.rows])
        rows = [show.conversation_json(row) for row in page.rows]
        return _data({"conversations": rows, "cursor": page.cursor})

    @router.get("/conversations/{conversation_id}")
    def get_conversation(conversation_id: str, person: SignedIn = Depends(door)) -> Response:
        found = _conversation(services, conversation_id)
        services.looks.note(person.staff, conversation_id, found["store"])
        return _data(found)

    @router.get("/conversations/{conversation_id}/trace")
    def get_trace(conversation_id: str, person: SignedIn = Depends(door)) -> Response:
        row = views.get_conversation(engine, conversation_id)
        services.looks.note(person.staff, conversation_id, row.store)
        return _data(views.trace(engine, conversation_id))

    @router.get("/conversations/{conversation_id}/cases")
    def get_cases(conversation_id: str, person: SignedIn = Depends(door)) -> Response:
        row = views.get_conversation(engine, conversation_id)
        services.looks.note(person.staff, conversation_id, row.store)
        found = services.cases.of_conversation(conversation_id)
        return _data({"cases": [show.matter_json(matter) for matter in found]})

    @router.post("/conversations/{conversation_id}/messages", status_code=201)
    def write(conversation_id: str, message: WriteRequest, person: SignedIn = Depends(door)) -> Response:
        message_id = acts.write(person, conversation_id, message.text)
        return _data({"message_id": message_id, "conversation_id": conversation_id}, 201)

    for name, step in CONVERSATION_STEPS.items():
        _add_step(router, services, acts, door, name, step)


def _add_step(
    router: APIRouter, services: DeskServices, acts: Acts, door: Door, name: str, step: Step
) -> None:
    @router.post(f"/conversations/{{conversation_id}}/{name}", name=name)
    def change(conversation_id: str, person: SignedIn = Depends(door)) -> Response:
        step(acts, person, conversation_id)
        return _data(_conversation(services, conversation_id))


def _add_actions(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    approvals = services.approvals

    @router.get("/actions")
    def list_actions(
        status: ActionStatus | None = None,
        store: Word = None,
        cursor: Word = None,
        limit: Limit = 50,
        person: SignedIn = Depends(door),
    ) -> Response:
        page = approvals.list_actions(status, store, cursor, limit)
        ids = [item.action.action_id for item in page.items]
        services.looks.note(person.staff, "actions", store, ids=ids)
        rows = [show.summary_json(item) for item in page.items]
        return _data({"actions": rows, "cursor": page.next_cursor})

    @router.get("/actions/{action_id}")
    def get_action(action_id: str, person: SignedIn = Depends(door)) -> Response:
        return _action(services, person, action_id)

    @router.post("/actions/{action_id}/decision")
    async def decide(action_id: str, wanted: DecisionRequest, person: SignedIn = Depends(door)) -> Response:
        edits = wanted.edits.model_dump(exclude_none=True) if wanted.edits else None
        action = await acts.decide(person, action_id, wanted.decision, wanted.digest, wanted.note, edits)
        return await asyncio.to_thread(_action, services, person, action.action_id)

    @router.post("/actions/{action_id}/look")
    def look_again(action_id: str, person: SignedIn = Depends(door)) -> Response:
        acts.look_again(person, action_id)
        return _action(services, person, action_id)

    @router.post("/actions/{action_id}/close")
    def close(action_id: str, wanted: WordRequest, person: SignedIn = Depends(door)) -> Response:
        acts.close_unknown(person, action_id, wanted.outcome, wanted.reference, wanted.note)
        return _action(services, person, action_id)


def _add_switches(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    def paused() -> Response:
        return _data({"paused": [show.pause_json(pause) for pause in services.pauses.list()]})

    @router.get("/pause", dependencies=[Depends(door)])
    def list_pauses() -> Response:
        return paused()

    @router.post("/pause")
    def pause(wanted: PauseRequest, person: SignedIn = Depends(door)) -> Response:
        acts.pause(person, wanted.what, wanted.store)
        return paused()

    @router.post("/resume")
    def resume(wanted: PauseRequest, person: SignedIn = Depends(door)) -> Response:
        acts.resume(person, wanted.what, wanted.store)
        return paused()

    @router.get("/audit", dependencies=[Depends(door)])
    def list_audit(
        what: Word = None,
        store: Word = None,
        target: Word = None,
        who: Word = None,
        since: Moment = None,
        until: Moment = None,
        cursor: Word = None,
        limit: Limit = 50,
    ) -> Response:
        entries, following = services.audit.list(what, store, target, cursor, limit, who, since, until)
        return _data({"entries": [show.audit_json(entry) for entry in entries], "cursor": following})


def _add_suppliers(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    @router.get("/suppliers/inquiries")
    def list_inquiries(store: Word = None, person: SignedIn = Depends(door)) -> Response:
        stores = [store] if store else list(services.stores)
        found = [show.inquiry_json(item) for name in stores for item in services.list_inquiries(name)]
        services.looks.note(person.staff, "inquiries", store, ids=[item["inquiry_id"] for item in found])
        return _data({"inquiries": found})

    @router.post("/suppliers/inquiries/{inquiry_id}/answer")
    def answer(inquiry_id: str, wanted: AnswerRequest, person: SignedIn = Depends(door)) -> Response:
        return _data(show.inquiry_json(acts.answer_supplier(person, inquiry_id, wanted.text)))


def _add_person(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    @router.post("/confirm", status_code=204)
    async def confirm_password(
        request: Request, wanted: ConfirmRequest, person: SignedIn = Depends(door)
    ) -> Response:
        """The password again, for five minutes: what moves much money asks for it."""
        await confirm(services, request, person, wanted.password)
        return Response(status_code=204, headers=DATA_HEADERS)


def _action(services: DeskServices, person: SignedIn, action_id: str) -> Response:
    detail = services.approvals.describe(action_id, person.staff)
    services.looks.note(person.staff, action_id, detail.summary.store)
    return _data(show.detail_json(detail))


def _conversation(services: DeskServices, conversation_id: str) -> dict[str, Any]:
    row = views.get_conversation(services.engine, conversation_id)
    thread = views.thread(services.engine, conversation_id)
    actions = services.approvals.actions_of(conversation_id)
    return {
        **show.conversation_json(row),
        "messages": [show.message_json(item) for item in thread],
        "actions": [show.action_json(action) for action in actions],
        **promises_of(services, conversation_id),
    }


def _data(body: Any, status: int = 200) -> JSONResponse:
    return JSONResponse(body, status, DATA_HEADERS)
