"""Signing in and out, and the switch of language."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from xiaoer.approvals.desk import Staff
from xiaoer.channels.errors import Problem
from xiaoer.desk import devices
from xiaoer.desk.access import (
    cookie_name,
    drop_cookie,
    find_person,
    refuse_foreign,
    set_cookie,
    set_device_cookie,
)
from xiaoer.desk.guesses import address_of, try_password
from xiaoer.desk.pages.door import local_path, read_form, text_of
from xiaoer.desk.pages.render import LANG_COOKIE, LANGS, page_language, render, words
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import close_session, open_session


def add_login(router: APIRouter, services: DeskServices) -> None:
    @router.get("/desk/login")
    def login_page(request: Request, next: str = "") -> Response:
        if find_person(services, request) is not None:
            return RedirectResponse(local_path(next), 303)
        view = {"refused": "", "name": "", "next": local_path(next)}
        return render(services, request, "login.html", None, view)

    @router.post("/desk/login")
    async def sign_in(request: Request) -> Response:
        refuse_foreign(request)
        form = await request.form(max_fields=10, max_files=0)
        name, following = text_of(form, "name").strip(), local_path(text_of(form, "next"))
        staff = await try_password(services, request, name, text_of(form, "password"))
        if staff is None:
            refused = words(page_language(request))["login"]["refused"]
            view = {"refused": refused, "name": name, "next": following}
            return render(services, request, "login.html", None, view, 401)
        answer = RedirectResponse(following, 303)
        await admit(services, request, staff, answer)
        return answer

    @router.post("/desk/logout")
    async def sign_out(request: Request) -> Response:
        person = await asyncio.to_thread(find_person, services, request)
        answer = RedirectResponse("/desk/login", 303)
        if person is not None:
            await read_form(request, person)
            token = request.cookies.get(cookie_name(services), "")
            await asyncio.to_thread(close_session, services.engine, token)
            await asyncio.to_thread(services.audit.note, person.staff, "sign_out")
        drop_cookie(services, answer)
        return answer

    @router.get("/desk/lang/{lang}")
    def switch_language(lang: str, next: str = "") -> Response:
        if lang not in LANGS:
            raise Problem(404)
        answer = RedirectResponse(local_path(next), 303)
        answer.set_cookie(LANG_COOKIE, lang, max_age=31_536_000, samesite="lax", httponly=True, path="/")
        return answer


async def admit(services: DeskServices, request: Request, staff: Staff, answer: Response) -> None:
    """Open a session of its own for this browser; an older one of its cookie ends."""
    old = request.cookies.get(cookie_name(services), "")
    if old:
        await asyncio.to_thread(close_session, services.engine, old)
    address, browser = address_of(request), request.headers.get("user-agent", "")
    token = await asyncio.to_thread(open_session, services.engine, staff, services.clock, address, browser)
    device = await asyncio.to_thread(devices.remember, services.engine, staff.id, services.clock)
    await asyncio.to_thread(services.audit.note, staff, "sign_in", address)
    set_cookie(services, answer, token)
    set_device_cookie(services, answer, device)
