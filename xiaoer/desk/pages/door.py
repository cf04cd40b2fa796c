"""Who may open a page, and where the others are sent."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request
from starlette.datastructures import FormData

from xiaoer.channels.errors import Problem
from xiaoer.desk.access import (
    CSRF_FIELD,
    CSRF_HEADER,
    Door,
    check_csrf,
    find_person,
    refuse_foreign,
    require_route,
)
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn


def page_door(services: DeskServices) -> Door:
    """For pages: whoever is not signed in is sent to the log-in, and back afterwards."""

    def enter(request: Request) -> SignedIn:
        person = find_person(services, request)
        if person is None:
            raise _sent_to_login(request)
        require_route(person, request)
        return person

    return enter


async def read_form(request: Request, person: SignedIn) -> FormData:
    """The posted form, after the checks that it comes from our own page."""
    refuse_foreign(request)
    form = await request.form(max_fields=300, max_files=0)
    if person.csrf is not None:
        check_csrf(person, request.headers.get(CSRF_HEADER) or text_of(form, CSRF_FIELD))
    return form


def text_of(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def local_path(wanted: str, otherwise: str = "/desk/approvals") -> str:
    """An address of this desk to go on to; anything that leads elsewhere is dropped."""
    tame = wanted.startswith("/desk") and not any(c in wanted for c in "\\\r\n\t") and "//" not in wanted
    return wanted if tame else otherwise


def _sent_to_login(request: Request) -> Problem:
    here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    if request.headers.get("hx-request"):
        return Problem(401, headers={"HX-Redirect": "/desk/login"})
    back = f"?next={quote(here)}" if request.method == "GET" else ""
    return Problem(303, "Sign in first.", "sign_in", headers={"Location": f"/desk/login{back}"})
