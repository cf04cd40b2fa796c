"""Over all routes at once: what a foreign page can make a browser send changes nothing, and looking changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from support.inbox import message
from support.staff import Desk, Person, Question
from support.web import client

from xiaoer.desk.roles import ROUTES

POSTS = sorted(route.split(" ")[1] for route in ROUTES if route.startswith("POST"))
READS = sorted(
    route.split(" ")[1] for route in ROUTES if route.startswith("GET") and not route.endswith("/events")
)
EVIL = [
    {"origin": "https://evil.example.com"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:8001"},
    {"referer": "https://evil.example.com/desk"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]
# What a look leaves behind on purpose.
SEEN = ("desk_audit", "seen_at")


@pytest.fixture
async def admin(desk: Desk) -> Person:
    desk.propose()
    desk.questions["Q-1"] = Question()
    return await desk.sign_in("Ada", "admin")


def at(path: str, desk: Desk) -> str:
    found = desk.services.approvals.describe("A-1").summary.conversation_id
    for name, value in {
        "{conversation_id}": found,
        "{action_id}": "A-1",
        "{inquiry_id}": "Q-1",
        "{follow_up_id}": "F-1",
        "{person_id}": "U-Other",
    }.items():
        path = path.replace(name, value)
    return path


async def post(person: Person, url: str, headers: dict[str, str], csrf: str = "") -> Any:
    if url.startswith("/api"):
        body = {"what": "money", "text": "hi", "password": "x", "digest": "x"}
        return await person.http.post(
            url, json=body, headers={**headers, **({"x-csrf-token": csrf} if csrf else {})}
        )
    return await person.http.post(
        url, data={"csrf": csrf, "what": "money", "on": "0", "text": "hi"}, headers=headers
    )


async def test_a_post_of_another_site_is_refused_everywhere_even_with_the_token(
    desk: Desk, admin: Person
) -> None:
    desk.hire("Other", "agent")
    csrf, before = await admin.csrf("/desk/account"), dump(desk)
    for path in POSTS:
        for headers in EVIL:
            answer = await post(admin, at(path, desk), headers, csrf)
            assert answer.status_code == 403, (path, headers, answer.status_code)
    assert dump(desk) == before and desk.answers == []


async def test_a_post_without_the_token_is_refused_everywhere(desk: Desk, admin: Person) -> None:
    desk.hire("Other", "agent")
    other = await (await desk.sign_in("Noel", "admin")).csrf("/desk/account")
    before = dump(desk)
    for path in POSTS:
        for csrf in ("", "guessed", other):
            answer = await post(admin, at(path, desk), {}, csrf)
            assert answer.status_code == 403, (path, csrf, answer.status_code)
    assert dump(desk) == before and desk.answers == []


@pytest.mark.parametrize("path", ["/desk/login", "/desk/welcome/some-token"])
async def test_doors_without_a_session_are_for_our_own_pages_too(desk: Desk, path: str) -> None:
    for headers in EVIL:
        answer = await desk.http.post(path, data={"name": "x", "password": "y"}, headers=headers)
        assert answer.status_code == 403


async def test_looking_changes_nothing_anywhere(desk: Desk, admin: Person) -> None:
    before = dump(desk)
    for path in [*READS, "/desk", "/desk/login", "/desk/lang/zh", "/desk/welcome/some-token"]:
        answer = await admin.http.get(at(path, desk), headers={"accept": "text/html"})
        assert answer.status_code < 500, path
    for path in POSTS:
        answer = await admin.http.get(at(path, desk))
        assert answer.status_code in (200, 404, 405), path  # 200: a page of the same address
    assert dump(desk) == before and desk.answers == [] and desk.jobs.jobs == []


async def test_nothing_of_a_person_is_kept_by_a_cache(desk: Desk, admin: Person) -> None:
    for path in [*READS, "/desk", "/desk/login", "/desk/lang/zh", "/desk/nowhere", "/api/v1/nowhere"]:
        for person in (admin.http, client(desk.app)):
            for accept in ("text/html", "application/json"):
                answer = await person.get(at(path, desk), headers={"accept": accept})
                assert "no-store" in answer.headers["cache-control"], (path, answer.status_code)
                assert answer.headers["x-content-type-options"] == "nosniff", path


async def test_no_page_can_be_framed_and_no_script_comes_from_elsewhere(desk: Desk, admin: Person) -> None:
    nonces = set()
    for path in READS:
        answer = await admin.http.get(at(path, desk), headers={"accept": "text/html"})
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["base-uri"] == policy["object-src"] == "'none'", path
        assert policy["frame-ancestors"] == "'none'" and answer.headers["x-frame-options"] == "DENY", path
        assert "unsafe" not in str(policy) and "http" not in str(policy), path
        nonce = policy["script-src"].partition("nonce-")[2].rstrip("'")
        assert answer.text.count("<script") == answer.text.count(f'nonce="{nonce}"'), path
        assert " onclick" not in answer.text and " style=" not in answer.text, path
        nonces.add(nonce)
    assert len(nonces) > 8  # a fresh one every time


async def test_what_is_not_there_is_told_alike_whatever_was_asked_for(desk: Desk, admin: Person) -> None:
    """An id that was never given, one of another kind, nonsense: one answer, so that nothing can be counted out."""
    ids = ("C-0000000000", "A-0000000000", "A-1", "x", "%00", "..%2f..")
    for pattern in ("/api/v1/conversations/{}", "/api/v1/conversations/{}/trace"):
        answers = {await told(admin, pattern.format(one)) for one in ids}
        assert len(answers) == 1 and next(iter(answers))[0] == 404, answers
    answers = {await told(admin, f"/api/v1/actions/{one}") for one in ("A-0000000000", "C-1", "x", "%00")}
    assert len(answers) == 1


async def told(person: Person, url: str) -> tuple[int, str]:
    answer = await person.http.get(url)
    return answer.status_code, answer.json()["code"]


def dump(desk: Desk) -> dict[str, list[Any]]:
    """Everything in the database but the trail and the time of the last look."""
    from xiaoer.storage.engine import reading

    with reading(desk.inbox.engine) as session:
        raw = session.connection()
        names = [row[0] for row in raw.exec_driver_sql("select name from sqlite_master where type = 'table'")]
        found = {}
        for name in names:
            rows = raw.exec_driver_sql(f'select * from "{name}"').mappings()
            found[name] = sorted(
                str({key: value for key, value in row.items() if key not in SEEN}) for row in rows
            )
    del found["desk_audit"]
    return found


async def test_a_look_at_a_customers_data_is_noted_once_in_ten_minutes(desk: Desk) -> None:
    desk.propose()
    found = desk.inbox.intake.accept_now(message("hello", "ev-look", thread="t9")).conversation_id
    maya, noel = await desk.sign_in("Maya"), await desk.sign_in("Noel", "admin")
    for _ in range(3):
        await maya.page(f"/desk/conversations/{found}")
        await maya.http.get(f"/api/v1/conversations/{found}/trace")
    await noel.page(f"/desk/conversations/{found}")
    assert looks(desk, found) == ["Noel", "Maya"]
    desk.clock.forward(601)
    await maya.page(f"/desk/conversations/{found}")
    assert looks(desk, found) == ["Maya", "Noel", "Maya"]


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("/desk/conversations", "conversations"),
        ("/api/v1/conversations", "conversations"),
        ("/desk/approvals", "actions"),
        ("/api/v1/actions", "actions"),
        ("/desk/history", "actions"),
        ("/desk/approvals/A-1", "A-1"),
        ("/api/v1/actions/A-1", "A-1"),
        ("/desk/suppliers", "inquiries"),
        ("/api/v1/suppliers/inquiries", "inquiries"),
        ("/desk/follow-ups", "follow-ups"),
        ("/api/v1/follow-ups", "follow-ups"),
    ],
)
async def test_every_page_and_list_that_shows_people_leaves_its_look(
    desk: Desk, url: str, target: str
) -> None:
    desk.propose()
    maya = await desk.sign_in("Maya")
    await maya.http.get(url, headers={"x-background": "1"})  # whatever the page says of itself
    assert looks(desk, target) == ["Maya"]


async def test_admins_find_who_looked_at_whom_and_nobody_else_does(desk: Desk) -> None:
    desk.propose()
    maya, ada = await desk.sign_in("Maya"), await desk.sign_in("Ada", "admin")
    await maya.page("/desk/approvals/A-1")
    page = await ada.page("/desk/audit?what=look&who=Maya&target=A-1&since=2026-11-01&until=2026-11-01")
    assert "looked at" in page and ">A-1</a>" in page
    assert "Nothing here yet" in await ada.page("/desk/audit?who=Maya&until=2026-10-31")
    assert "Nothing here yet" in await ada.page("/desk/audit?what=look&since=2026-11-02")
    found = await desk.token().get(
        "/api/v1/audit", params={"who": "Maya", "what": "look", "since": "2026-11-01T00:00:00Z"}
    )
    assert [entry["target"] for entry in found.json()["entries"]] == ["A-1"]
    for url in ("/desk/audit", "/api/v1/audit"):
        assert (await maya.http.get(url)).status_code == 403


def looks(desk: Desk, target: str) -> list[str]:
    return [entry.who for entry in desk.services.audit.list(what="look", target=target)[0]]
