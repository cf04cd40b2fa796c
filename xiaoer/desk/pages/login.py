"""Signing in and out, and the switch of language."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from xiaoer.approvals.desk import Staff
from xiaoer.channels.errors import Problem
from xiaoer.desk.access import cookie_name, drop_cookie, find_person, refuse_foreign, set_cookie
from xiaoer.desk.pages.door import local_path, read_form, text_of
from xiaoer.desk.pages.render import LANG_COOKIE, LANGS, page_language, render, words
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import close_session, open_session
from xiaoer.desk.staff import check_password


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
        address = request.client.host if request.client else "unknown"
        # Counted before the slow check, so that guesses side by side do not slip through.
        services.limiter.hit("sign in", services.address_rate, address)
        form = await request.form(max_fields=10, max_files=0)
        name, following = text_of(form, "name").strip(), local_path(text_of(form, "next"))
        # One's own log-in clears the tries at this account only, not those at a colleague's.
        services.limiter.hit("login", services.login_rate, address, name)
        staff = await asyncio.to_thread(check_password, services.engine, name, text_of(form, "password"))
        if staff is None:
            nobody = Staff("", name[:64], frozenset())
            await asyncio.to_thread(services.audit.note, nobody, "sign_in_failed", address)
            refused = words(page_language(request))["login"]["refused"]
            view = {"refused": refused, "name": name, "next": following}
            return render(services, request, "login.html", None, view, 401)
        services.limiter.forgive("login", services.login_rate, address, name)
        token = await asyncio.to_thread(open_session, services.engine, staff, services.clock)
        await asyncio.to_thread(services.audit.note, staff, "sign_in", address)
        answer = RedirectResponse(following, 303)
        set_cookie(services, answer, token)
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
