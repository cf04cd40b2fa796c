"""The staff API: everything that the desk's pages can do, as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse

from xiaoer.channels.body import CappedRoute
from xiaoer.channels.headers import DATA_HEADERS
from xiaoer.desk import show
from xiaoer.desk.access import Door, api_door
from xiaoer.desk.acts import CONVERSATION_STEPS, Acts, Step
from xiaoer.desk.promises import add_promises, promises_of
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.desk.shapes import AnswerRequest, DecisionRequest, PauseRequest, WriteRequest
from xiaoer.domain.actions import ActionStatus
from xiaoer.inbox import views
from xiaoer.inbox.tables import Status

Limit = Annotated[int, Query(ge=1, le=200)]
Word = Annotated[str | None, Query(max_length=128)]


def build_api_router(services: DeskServices) -> APIRouter:
    """`/api/v1/…` for signed-in staff and for the bearer of the staff token."""
    router = APIRouter(prefix="/api/v1", route_class=CappedRoute, tags=["staff"])
    door, acts = api_door(services), Acts(services)
    for add in (_add_conversations, _add_actions, _add_switches, _add_suppliers, add_promises):
        add(router, services, acts, door)
    return router


def _add_conversations(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    engine = services.engine

    @router.get("/conversations", dependencies=[Depends(door)])
    def list_conversations(
        store: Word = None, status: Status | None = None, cursor: Word = None, limit: Limit = 50
    ) -> Response:
        page = views.list_conversations(engine, store, status, cursor, limit)
        rows = [show.conversation_json(row) for row in page.rows]
        return _data({"conversations": rows, "cursor": page.cursor})

    @router.get("/conversations/{conversation_id}", dependencies=[Depends(door)])
    def get_conversation(conversation_id: str) -> Response:
        return _data(_conversation(services, conversation_id))

    @router.get("/conversations/{conversation_id}/trace", dependencies=[Depends(door)])
    def get_trace(conversation_id: str) -> Response:
        views.get_conversation(engine, conversation_id)
        return _data(views.trace(engine, conversation_id))

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

    @router.get("/actions", dependencies=[Depends(door)])
    def list_actions(
        status: ActionStatus | None = None, store: Word = None, cursor: Word = None, limit: Limit = 50
    ) -> Response:
        page = approvals.list_actions(status, store, cursor, limit)
        rows = [show.summary_json(item) for item in page.items]
        return _data({"actions": rows, "cursor": page.next_cursor})

    @router.get("/actions/{action_id}", dependencies=[Depends(door)])
    def get_action(action_id: str) -> Response:
        return _data(show.detail_json(approvals.describe(action_id)))

    @router.post("/actions/{action_id}/decision")
    async def decide(action_id: str, wanted: DecisionRequest, person: SignedIn = Depends(door)) -> Response:
        edits = wanted.edits.model_dump(exclude_none=True) if wanted.edits else None
        action = await acts.decide(person, action_id, wanted.decision, wanted.digest, wanted.note, edits)
        return _data(show.detail_json(approvals.describe(action.action_id)))


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
        what: Word = None, store: Word = None, target: Word = None, cursor: Word = None, limit: Limit = 50
    ) -> Response:
        entries, following = services.audit.list(what, store, target, cursor, limit)
        return _data({"entries": [show.audit_json(entry) for entry in entries], "cursor": following})


def _add_suppliers(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    @router.get("/suppliers/inquiries", dependencies=[Depends(door)])
    def list_inquiries(store: Word = None) -> Response:
        stores = [store] if store else list(services.stores)
        found = [show.inquiry_json(item) for name in stores for item in services.list_inquiries(name)]
        return _data({"inquiries": found})

    @router.post("/suppliers/inquiries/{inquiry_id}/answer")
    def answer(inquiry_id: str, wanted: AnswerRequest, person: SignedIn = Depends(door)) -> Response:
        return _data(show.inquiry_json(acts.answer_supplier(person, inquiry_id, wanted.text)))


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
