"""Where a link of an admin leads: a new colleague, or one who starts afresh, chooses a password."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from xiaoer.channels.errors import problem_of
from xiaoer.desk import links
from xiaoer.desk.access import refuse_foreign
from xiaoer.desk.guesses import address_of
from xiaoer.desk.pages.door import text_of
from xiaoer.desk.pages.frame import flash_of
from xiaoer.desk.pages.login import admit
from xiaoer.desk.pages.render import page_language, render, words
from xiaoer.desk.passwords import MIN_PASSWORD
from xiaoer.desk.services import DeskServices
from xiaoer.domain.refusals import Refusal

PAGE = "/desk/welcome"


def add_welcome(router: APIRouter, services: DeskServices) -> None:
    @router.get(f"{PAGE}/{{token}}")
    def show(request: Request, token: str) -> Response:
        """Only looks: programs that open links before people do use nothing up."""
        return _page(services, request, token)

    @router.post(f"{PAGE}/{{token}}")
    async def choose(request: Request, token: str) -> Response:
        refuse_foreign(request)
        services.limiter.hit("sign in", services.address_rate, address_of(request))
        form = await request.form(max_fields=10, max_files=0)
        password = text_of(form, "password")
        try:
            staff = await asyncio.to_thread(links.use, services.engine, token, password, services.clock)
        except Refusal as refusal:
            return await asyncio.to_thread(_page, services, request, token, refusal)
        await asyncio.to_thread(services.audit.note, staff, "welcome")
        answer = RedirectResponse("/desk/approvals", 303)
        await admit(services, request, staff, answer)
        return answer


def _page(services: DeskServices, request: Request, token: str, why: Refusal | None = None) -> Response:
    t, status = words(page_language(request)), problem_of(why).status_code if why else 200
    try:
        name = links.look_up(services.engine, token, services.clock).name
    except links.DeadLink as dead:
        name, why, status = "", dead, 404
    view = {"name": name, "flash": flash_of(why, t) if why else None, "least": MIN_PASSWORD}
    return render(services, request, "welcome.html", None, view, status)
