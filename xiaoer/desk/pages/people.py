"""The people of the desk, for admins: invite, other roles, a fresh start, out and in again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from xiaoer.approvals.desk import Staff
from xiaoer.approvals.refusals import StepUp
from xiaoer.channels.errors import problem_of
from xiaoer.desk import links, staff
from xiaoer.desk.access import Door
from xiaoer.desk.pages.door import read_form, text_of
from xiaoer.desk.pages.frame import Flash, flash_of, frame_of
from xiaoer.desk.pages.render import page_language, render, words
from xiaoer.desk.pages.welcome import PAGE as WELCOME
from xiaoer.desk.roles import RIGHTS, ROLES
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.refusals import Refusal

PAGE = "/desk/staff"
# (services, who does it, whose account, form) → a link to hand on, or nothing
Step = Callable[[DeskServices, Staff, str, FormData], "links.Made | Staff"]


@dataclass(frozen=True, slots=True)
class Handed:
    """A link as it is shown, once."""

    name: str
    url: str
    hours: int


def add_people(router: APIRouter, services: DeskServices, door: Door) -> None:
    @router.get(PAGE)
    def show(request: Request, person: SignedIn = Depends(door)) -> Response:
        return _page(services, request, person)

    @router.post(PAGE)
    async def invite(request: Request, person: SignedIn = Depends(door)) -> Response:
        return await _do(services, request, person, "invite", "", _invite)

    for what, step in _STEPS.items():
        _add_step(router, services, door, what, step)


def _add_step(router: APIRouter, services: DeskServices, door: Door, what: str, step: Step) -> None:
    @router.post(f"{PAGE}/{{person_id}}/{what}", name=f"staff {what}")
    async def change(request: Request, person_id: str, person: SignedIn = Depends(door)) -> Response:
        return await _do(services, request, person, what, person_id, step)


async def _do(
    services: DeskServices, request: Request, person: SignedIn, what: str, person_id: str, step: Step
) -> Response:
    """One change, noted in the trail; whoever makes it has given the password within the last minutes."""
    form = await read_form(request, person)
    try:
        if not person.staff.proven:
            raise StepUp("Confirm your password first.")
        done = await asyncio.to_thread(step, services, person.staff, person_id, form)
    except Refusal as refusal:
        flash = flash_of(refusal, words(page_language(request)))
        status = problem_of(refusal).status_code
        return await asyncio.to_thread(_page, services, request, person, flash, status)
    made = done if isinstance(done, links.Made) else None
    whom = made.staff if made else done
    assert isinstance(whom, Staff)
    await asyncio.to_thread(
        services.audit.note, person.staff, what, whom.id, None, name=whom.name, roles=sorted(whom.roles)
    )
    if made is None:
        return RedirectResponse(PAGE, 303)
    return await asyncio.to_thread(_page, services, request, person, handed=_handed(services, request, made))


def _handed(services: DeskServices, request: Request, made: links.Made) -> Handed:
    base = str(request.base_url).rstrip("/")
    hours = round((made.expires_at - services.clock()).total_seconds() / 3600)
    return Handed(made.staff.name, f"{base}{WELCOME}/{made.token}", hours)


def _page(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    flash: Flash | None = None,
    status: int = 200,
    handed: Handed | None = None,
) -> Response:
    rights: dict[str, Any] = {role: RIGHTS[role] for role in ROLES}
    view = {
        **frame_of(services, person),
        "here": PAGE,
        "flash": flash,
        "handed": handed,
        "colleagues": staff.colleagues(services.engine),
        "roles": rights,
    }
    return render(services, request, "staff.html", person, view, status)


def _invite(services: DeskServices, by: Staff, _: str, form: FormData) -> links.Made:
    return links.invite(services.engine, by, text_of(form, "name"), _roles(form), services.clock)


def _reset(services: DeskServices, by: Staff, person_id: str, _: FormData) -> links.Made:
    return links.reset(services.engine, by, person_id, services.clock)


def _set_roles(services: DeskServices, by: Staff, person_id: str, form: FormData) -> Staff:
    return staff.set_roles(services.engine, by, person_id, _roles(form))


def _disable(services: DeskServices, by: Staff, person_id: str, _: FormData) -> Staff:
    return staff.set_active(services.engine, by, person_id, False)


def _enable(services: DeskServices, by: Staff, person_id: str, _: FormData) -> Staff:
    return staff.set_active(services.engine, by, person_id, True)


def _roles(form: FormData) -> list[str]:
    return [str(value) for value in form.getlist("role")]


_STEPS: dict[str, Step] = {"roles": _set_roles, "reset": _reset, "disable": _disable, "enable": _enable}
