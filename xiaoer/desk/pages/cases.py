"""Timelines of long matters, as a piece of the request's and the conversation's page; what has arrived."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request, Response

from xiaoer.approvals.matters import MatterView
from xiaoer.channels.errors import problem_of
from xiaoer.desk.access import Door
from xiaoer.desk.acts import Acts
from xiaoer.desk.pages.door import read_form
from xiaoer.desk.pages.frame import Flash, flash_of
from xiaoer.desk.pages.render import page_language, render, words
from xiaoer.desk.roles import rights_of
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.refusals import Refusal

_BOOKED = ("received", "stopped", "not-stopped")


def add_cases(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    @router.get("/desk/cases")
    def show(
        request: Request, action: str = "", conversation: str = "", person: SignedIn = Depends(door)
    ) -> Response:
        cases = services.cases
        found = cases.of_action(action) if action else cases.of_conversation(conversation)
        services.looks.note(person.staff, action or conversation, None, part="case timeline")
        return _piece(services, request, person, found)

    for what in _BOOKED:
        _add_booking(router, services, acts, door, what)


def _add_booking(router: APIRouter, services: DeskServices, acts: Acts, door: Door, what: str) -> None:
    @router.post(f"/desk/cases/{{matter_id}}/{what}")
    async def book(request: Request, matter_id: str, person: SignedIn = Depends(door)) -> Response:
        await read_form(request, person)
        t = words(page_language(request))
        status, flash = 200, Flash("good", t["cases"]["booked"])
        try:
            await asyncio.to_thread(acts.book_case, person, matter_id, what)
        except Refusal as refusal:
            status, flash = problem_of(refusal).status_code, flash_of(refusal, t)
        found = await asyncio.to_thread(services.cases.get, matter_id)
        return _piece(services, request, person, (found,), flash, status)


def _piece(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    found: tuple[MatterView, ...],
    flash: Flash | None = None,
    status: int = 200,
) -> Response:
    view = {"matters": found, "flash": flash, "may": rights_of(person.staff.roles)}
    return render(services, request, "cases.html", person, view, status)
