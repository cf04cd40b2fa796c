"""One's own account: the password, the browsers that are signed in, and the password once more."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from xiaoer.channels.errors import problem_of
from xiaoer.desk.access import Door, cookie_name, drop_cookie
from xiaoer.desk.guesses import confirm
from xiaoer.desk.pages.door import local_path, read_form, text_of
from xiaoer.desk.pages.frame import Flash, flash_of, frame_of
from xiaoer.desk.pages.login import admit
from xiaoer.desk.pages.render import page_language, render, words
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn, end_sessions, sessions_of
from xiaoer.desk.staff import set_password
from xiaoer.domain.refusals import Refusal
from xiaoer.storage.engine import transaction

PAGE = "/desk/account"
# The first that a browser says of itself counts: Edge and Opera also call themselves Chrome, Chrome also Safari.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Mac OS": "Mac",
    "Windows": "Windows",
    "Linux": "Linux",
}
EVERYWHERE = "everywhere"


def add_account(router: APIRouter, services: DeskServices, door: Door) -> None:
    @router.get(PAGE)
    def show(request: Request, person: SignedIn = Depends(door)) -> Response:
        return _page(services, request, person)

    @router.post(f"{PAGE}/password")
    async def change(request: Request, person: SignedIn = Depends(door)) -> Response:
        """The old password, then the new one; every other browser has to sign in again."""
        form = await read_form(request, person)
        try:
            await confirm(services, request, person, text_of(form, "password"))
            new = text_of(form, "new")
            await asyncio.to_thread(set_password, services.engine, person.staff.name, new)
        except Refusal as refusal:
            return await _refused(services, request, person, refusal)
        await asyncio.to_thread(services.audit.note, person.staff, "password")
        answer = RedirectResponse(PAGE, 303)
        await admit(services, request, person.staff, answer)
        return answer

    @router.post(f"{PAGE}/sessions")
    async def end(request: Request, person: SignedIn = Depends(door)) -> Response:
        """End one browser's session, or all of them, this one too."""
        form = await read_form(request, person)
        which = text_of(form, "session")
        only = None if which == EVERYWHERE else which
        ended = await asyncio.to_thread(_end, services, person, only)
        await asyncio.to_thread(services.audit.note, person.staff, "end_sessions", ended=ended)
        if only is not None and only != person.session_id:
            return RedirectResponse(PAGE, 303)
        answer = RedirectResponse("/desk/login", 303)
        drop_cookie(services, answer)
        return answer

    @router.post("/desk/confirm")
    async def confirm_password(request: Request, person: SignedIn = Depends(door)) -> Response:
        form = await read_form(request, person)
        try:
            await confirm(services, request, person, text_of(form, "password"))
        except Refusal as refusal:
            return await _refused(services, request, person, refusal)
        return RedirectResponse(local_path(text_of(form, "next"), PAGE), 303)


def browser_name(agent: str) -> str:
    """`Chrome · Linux` for what a browser says of itself; its own words where they are of another kind."""
    kinds = (_BROWSERS, _SYSTEMS)
    found = [next((name for word, name in kind.items() if word in agent), "") for kind in kinds]
    return " · ".join(name for name in found if name) or agent


async def _refused(services: DeskServices, request: Request, person: SignedIn, refusal: Refusal) -> Response:
    flash = flash_of(refusal, words(page_language(request)))
    status = problem_of(refusal).status_code
    return await asyncio.to_thread(_page, services, request, person, flash, status)


def _end(services: DeskServices, person: SignedIn, only: str | None) -> int:
    with transaction(services.engine) as session:
        return end_sessions(session, person.staff.id, only=only)


def _page(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    flash: Flash | None = None,
    status: int = 200,
) -> Response:
    view = {
        **frame_of(services, person),
        "here": PAGE,
        "flash": flash,
        "sessions": sessions_of(services.engine, person.staff.id, services.clock),
        "everywhere": EVERYWHERE,
        "browser_name": browser_name,
        "has_password": cookie_name(services) in request.cookies,
    }
    return render(services, request, "account.html", person, view, status)
