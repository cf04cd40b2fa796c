"""Passwords as they are tried: counted before they are looked at, told alike, and noted."""

from __future__ import annotations

import asyncio

from fastapi import Request

from xiaoer.approvals.desk import Staff
from xiaoer.channels.errors import Problem
from xiaoer.desk import devices
from xiaoer.desk.access import cookie_name
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn, note_proof
from xiaoer.desk.staff import check_password
from xiaoer.domain.refusals import Refusal


class WrongPassword(Refusal):
    code = "wrong_password"


async def try_password(services: DeskServices, request: Request, name: str, password: str) -> Staff | None:
    """Who signs in with this, or None; raises 429 when there were too many wrong tries.

    Three walls: one address at any account, one address at this account, and anybody at this account. The
    first and the last would let strangers lock a person out; a browser from which he has signed in before has
    a wall of its own instead.
    """
    limiter, address = services.limiter, address_of(request)
    device = request.cookies.get(cookie_name(services, "device"), "")
    known = bool(device) and await asyncio.to_thread(
        devices.is_known, services.engine, device, name, services.clock
    )
    # Counted before the slow check, so that guesses side by side do not slip through.
    walls: list[tuple[str, str, tuple[str, ...]]] = [
        ("login", services.login_rate, (device if known else address, name))
    ]
    if not known:
        limiter.hit("sign in", services.address_rate, address)
        walls.append(("account", services.account_rate, (name.casefold(),)))
    for what, rate, who in walls:
        limiter.hit(what, rate, *who)
    staff = await asyncio.to_thread(check_password, services.engine, name, password)
    if staff is None:
        nobody = Staff("", name[:64], frozenset(), proven=False)
        await asyncio.to_thread(services.audit.note, nobody, "sign_in_failed", address)
        return None
    # One's own log-in clears the tries at this account only, not those at a colleague's.
    for what, rate, who in walls:
        limiter.forgive(what, rate, *who)
    return staff


async def confirm(services: DeskServices, request: Request, person: SignedIn, password: str) -> None:
    """The password again, for what asks for it; counts for some minutes. Raises WrongPassword or 429."""
    token = request.cookies.get(cookie_name(services), "")
    if person.session_id is None:
        raise Problem(403, "A token has no password to confirm.")
    services.limiter.hit("confirm", services.confirm_rate, person.staff.id)
    found = await asyncio.to_thread(check_password, services.engine, person.staff.name, password)
    if found is None:
        await asyncio.to_thread(services.audit.note, person.staff, "confirm_failed")
        raise WrongPassword("The password is not right.")
    services.limiter.forgive("confirm", services.confirm_rate, person.staff.id)
    await asyncio.to_thread(note_proof, services.engine, token, services.clock)
    await asyncio.to_thread(services.audit.note, person.staff, "confirm")


def address_of(request: Request) -> str:
    """As the server saw it. Forwarded addresses count only from proxies that the server trusts."""
    return request.client.host if request.client else "unknown"
