"""The page of open promises, with what customers thought of each store."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from xiaoer.channels.errors import problem_of
from xiaoer.desk.access import Door
from xiaoer.desk.acts import Acts
from xiaoer.desk.pages.door import local_path, read_form, text_of
from xiaoer.desk.pages.frame import Flash, flash_of, frame_of
from xiaoer.desk.pages.render import page_language, render, words
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.refusals import Refusal

PAGE = "/desk/follow-ups"


def add_promises(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    @router.get(PAGE)
    def show(request: Request, store: str = "", person: SignedIn = Depends(door)) -> Response:
        return _page(services, request, person, store)

    @router.post(f"{PAGE}/{{follow_up_id}}/cancel")
    async def cancel(request: Request, follow_up_id: str, person: SignedIn = Depends(door)) -> Response:
        form = await read_form(request, person)
        try:
            await asyncio.to_thread(acts.cancel_follow_up, person, follow_up_id)
        except Refusal as refusal:
            flash = flash_of(refusal, words(page_language(request)))
            status = problem_of(refusal).status_code
            return await asyncio.to_thread(_page, services, request, person, "", flash, status)
        return RedirectResponse(local_path(text_of(form, "next"), PAGE), 303)


def _page(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    store: str,
    flash: Flash | None = None,
    status: int = 200,
) -> Response:
    found = services.follow_ups.list(store or None)
    services.looks.note(person.staff, "follow-ups", store or None, ids=[item.id for item in found])
    view = {
        **frame_of(services, person),
        "store": store,
        "flash": flash,
        "here": f"{PAGE}?{urlencode({'store': store})}",
        "follow_ups": found,
        "figures": services.follow_ups.figures(store or None),
    }
    return render(services, request, "follow_ups.html", person, view, status)
