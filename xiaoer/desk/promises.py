"""Promises and ratings in the staff API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse

from xiaoer.channels.headers import DATA_HEADERS
from xiaoer.desk import show
from xiaoer.desk.access import Door
from xiaoer.desk.acts import Acts
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.inbox.followups.tables import FollowUpState

Word = Annotated[str | None, Query(max_length=128)]
Limit = Annotated[int, Query(ge=1, le=200)]


def add_promises(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    """`/follow-ups`, `/follow-ups/{id}/cancel`, `/ratings`."""
    follow_ups = services.follow_ups

    @router.get("/follow-ups")
    def list_follow_ups(
        store: Word = None,
        conversation: Word = None,
        state: FollowUpState = FollowUpState.OPEN,
        limit: Limit = 50,
        person: SignedIn = Depends(door),
    ) -> Response:
        found = follow_ups.list(store, conversation, state.value, limit)
        services.looks.note(person.staff, "follow-ups", store, ids=[item.id for item in found])
        return _data({"follow_ups": [show.follow_up_json(item) for item in found]})

    @router.post("/follow-ups/{follow_up_id}/cancel")
    def cancel(follow_up_id: str, person: SignedIn = Depends(door)) -> Response:
        return _data(show.follow_up_json(acts.cancel_follow_up(person, follow_up_id)))

    @router.get("/ratings", dependencies=[Depends(door)])
    def ratings(store: Word = None) -> Response:
        return _data({"ratings": [show.figure_json(figure) for figure in follow_ups.figures(store)]})


def promises_of(services: DeskServices, conversation_id: str) -> dict[str, Any]:
    """What one conversation's JSON says of them."""
    found = services.follow_ups.list(conversation_id=conversation_id, state=None)
    rating = services.follow_ups.rating(conversation_id)
    return {
        "follow_ups": [show.follow_up_json(item) for item in found],
        "rating": show.rating_json(rating) if rating else None,
    }


def _data(body: Any) -> JSONResponse:
    return JSONResponse(body, 200, DATA_HEADERS)
