"""Every address × every role × a stranger: what the table of rights says is what happens, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute
from support.inbox import message
from support.staff import Desk, Person, Question

from xiaoer.desk.roles import RIGHTS, ROLES, ROUTES, Right, rights_of

# For whoever has not signed in yet; none of them shows or changes anything of the shops.
OPEN = {
    "GET /desk",
    "GET /desk/login",
    "POST /desk/login",
    "POST /desk/logout",
    "GET /desk/lang/{lang}",
    "GET /desk/welcome/{token}",
    "POST /desk/welcome/{token}",
    "GET /assets/desk/{version}/{name:path}",
}
STREAMS = {"GET /desk/events"}  # they answer for ever: see test_streams
# The table as people read it; a change of the code's table has to be wanted here too.
WANTED = {
    "viewer": {"own", "look"},
    "agent": {"own", "look", "trace", "talk", "stop"},
    "approver": {"own", "look", "trace", "talk", "stop", "resume", "decide"},
    "prompt_engineer": {"own", "look", "trace", "stop"},
    "admin": {"own", "look", "trace", "talk", "stop", "resume", "decide", "audit", "staff"},
}


def routes_of(desk: Desk) -> Iterator[str]:
    """`GET /path` of every route that the desk has, however deep it was included."""
    waiting: list[Any] = [(route, "") for route in desk.app.router.routes]
    while waiting:
        route, prefix = waiting.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            waiting += [(one, prefix + route.include_context.prefix) for one in inner.routes]
        elif isinstance(route, APIRoute):
            yield from (f"{method} {prefix}{route.path}" for method in route.methods)


def filled(path: str, desk: Desk) -> str:
    ids = {
        "{conversation_id}": desk.conversation,  # type: ignore[attr-defined]
        "{action_id}": "A-1",
        "{inquiry_id}": "Q-1",
        "{follow_up_id}": "F-1",
        "{person_id}": "U-Nobody",
        "{matter_id}": "M-1",
    }
    for name, value in ids.items():
        path = path.replace(name, value)
    assert "{" not in path, path
    return path


@pytest.fixture
def furnished(desk: Desk) -> Desk:
    desk.digest = desk.propose()  # type: ignore[attr-defined]
    found = desk.inbox.intake.accept_now(message("hello", "ev-here", thread="t9"))
    desk.conversation = found.conversation_id  # type: ignore[attr-defined]
    desk.questions["Q-1"] = Question()
    return desk


async def call(person: Person, route: str, desk: Desk, csrf: str) -> httpx2.Response:
    method, path = route.split(" ")
    url = filled(path, desk)
    headers = {"accept": "application/json"}
    if method == "GET":
        return await person.http.get(url, headers=headers)
    headers["x-csrf-token"] = csrf
    if path.startswith("/api"):
        return await person.http.post(url, json={}, headers=headers)
    return await person.http.post(url, data={"x": "1"}, headers=headers)


def test_the_table_of_roles_is_the_one_that_was_agreed_on() -> None:
    assert {role: set(rights) for role, rights in RIGHTS.items()} == WANTED
    assert set(WANTED["admin"]) == set(Right)
    assert (
        rights_of(["agent", "viewer"]) == RIGHTS["agent"]
        and rights_of(["a role of yesterday"]) == frozenset()
    )


def test_every_route_stands_in_the_table_and_nothing_else_does(desk: Desk) -> None:
    known = set(routes_of(desk))
    assert len(known) > 40
    assert known - OPEN == set(ROUTES)


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_may_call_what_the_table_gives_and_nothing_else(furnished: Desk, role: str) -> None:
    """Refused exactly where the right is missing; where it is there the empty call meets what comes after the door."""
    wrong, person = [], await furnished.sign_in("Somebody", role)
    csrf = await person.csrf("/desk/account")  # everybody's own page
    for route, right in sorted(ROUTES.items()):
        if route in STREAMS:
            continue
        answer = await call(person, route, furnished, csrf)
        refused = answer.status_code == 401 or '"code":"forbidden"' in answer.text
        if refused == (right in RIGHTS[role]) or answer.status_code >= 500:
            wrong.append((route, answer.status_code, answer.text[:80]))
    assert wrong == []


async def test_a_stranger_may_call_nothing(furnished: Desk) -> None:
    for route in sorted(ROUTES):
        method, path = route.split(" ")
        url = filled(path, furnished)
        answer = await furnished.http.request(method, url, headers={"accept": "application/json"})
        assert answer.status_code in (401, 303), (route, answer.status_code)
        assert furnished.conversation not in answer.text  # type: ignore[attr-defined]


async def test_a_route_that_stands_in_no_table_is_nobodys(furnished: Desk, monkeypatch: Any) -> None:
    admin = await furnished.sign_in("Ada", "admin")
    monkeypatch.delitem(ROUTES, "GET /api/v1/actions")
    assert (await admin.http.get("/api/v1/actions")).status_code == 403


async def test_pages_offer_only_what_the_person_may_do(furnished: Desk) -> None:
    viewer, agent = await furnished.sign_in("Vera", "viewer"), await furnished.sign_in("Gus", "agent")
    talk = f"/desk/conversations/{furnished.conversation}"  # type: ignore[attr-defined]
    seen, served = await viewer.page(talk), await agent.page(talk)
    assert "You may look here, not write." in seen and 'name="text"' not in seen and "Take over" not in seen
    assert "What the assistant did" not in seen
    assert 'name="text"' in served and "What the assistant did" in served
    for page in (await viewer.page("/desk/approvals/A-1"), await agent.page("/desk/approvals/A-1")):
        assert 'value="approve"' not in page
    assert "/desk/staff" not in served and "/desk/audit" not in served


async def test_a_new_role_counts_at_once_and_ends_the_sessions_of_the_old_one(desk: Desk) -> None:
    from xiaoer.desk.staff import set_roles

    boss, agent = desk.hire("Ada", "admin"), await desk.sign_in("Gus", "agent")
    assert (await agent.http.get("/api/v1/actions")).status_code == 200
    changed = set_roles(desk.inbox.engine, boss, "U-Gus", ["viewer"])
    assert changed.roles == {"viewer"}
    assert (await agent.http.get("/api/v1/actions")).status_code == 401
