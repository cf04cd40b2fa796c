"""Who comes in, with what, for how long; and what a forged post meets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.staff import PASSWORD, TOKEN, Desk
from support.web import client

from xiaoer.desk.passwords import MAX_PASSWORD
from xiaoer.desk.staff import check_password, create_staff, ensure_admin, set_password
from xiaoer.domain.refusals import BadInput
from xiaoer.storage.engine import reading

PAGES = [
    "/desk/approvals",
    "/desk/conversations",
    "/desk/suppliers",
    "/desk/follow-ups",
    "/desk/history",
    "/desk/audit",
    "/desk/account",
    "/desk/staff",
]
READS = ["conversations", "actions", "pause", "audit", "suppliers/inquiries"]


@pytest.mark.parametrize("url", PAGES)
async def test_a_stranger_is_sent_to_the_log_in_and_back_afterwards(desk: Desk, url: str) -> None:
    answer = await desk.http.get(url, headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/desk/login?next=/desk/")


@pytest.mark.parametrize("name", READS)
async def test_the_api_tells_a_stranger_nothing(desk: Desk, name: str) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
        answer = await desk.http.get(f"/api/v1/{name}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("name", READS)
async def test_the_staff_token_opens_the_api(desk: Desk, name: str) -> None:
    assert (await desk.token().get(f"/api/v1/{name}")).status_code == 200


async def test_without_a_configured_token_no_token_opens_anything(desk: Desk) -> None:
    object.__setattr__(desk.services, "api_token", None)
    for token in ("", "None", TOKEN):
        answer = await desk.http.get("/api/v1/actions", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401


@pytest.mark.parametrize("url", PAGES)
async def test_every_page_opens_empty_in_both_languages(desk: Desk, url: str) -> None:
    person = await desk.sign_in("Ada", "admin")
    assert '<html lang="en"' in await person.page(url)
    await person.http.get("/desk/lang/zh?next=/desk/history")
    assert '<html lang="zh-CN"' in await person.page(url)


async def test_the_cookie_is_for_this_site_and_not_for_scripts(desk: Desk) -> None:
    desk.hire("Maya", "approver")
    answer = await desk.http.post("/desk/login", data={"name": "Maya", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie


async def test_behind_tls_the_cookie_is_bound_to_the_host(desk: Desk) -> None:
    object.__setattr__(desk.services, "secure_cookies", True)
    desk.hire("Maya", "approver")
    answer = await desk.http.post("/desk/login", data={"name": "Maya", "password": PASSWORD})
    assert answer.headers["set-cookie"].startswith("__Host-xiaoer_desk=")
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("name", "password"),
    [("Maya", "wrong"), ("Nobody", PASSWORD), ("Maya", ""), ("", ""), ("Maya", "x" * (MAX_PASSWORD + 1))],
)
async def test_wrong_names_and_wrong_passwords_are_told_alike(desk: Desk, name: str, password: str) -> None:
    desk.hire("Maya", "approver")
    answer = await desk.http.post("/desk/login", data={"name": name, "password": password})
    assert answer.status_code == 401
    assert "The name or the password is not right." in answer.text
    assert "set-cookie" not in answer.headers


async def test_guessing_passwords_meets_a_wall(desk: Desk) -> None:
    object.__setattr__(desk.services, "login_rate", "3/minute")
    tries = [await desk.http.post("/desk/login", data={"name": "admin", "password": "x"}) for _ in range(4)]
    assert [answer.status_code for answer in tries] == [401, 401, 401, 429]


async def test_ones_own_log_in_buys_no_more_guesses_at_a_colleagues(desk: Desk) -> None:
    object.__setattr__(desk.services, "login_rate", "3/minute")
    desk.hire("Maya", "agent")
    guess, own = {"name": "admin", "password": "x"}, {"name": "Maya", "password": PASSWORD}
    asked = [guess, guess, own, guess, guess]
    tries = [await desk.http.post("/desk/login", data=fields) for fields in asked]
    assert [answer.status_code for answer in tries] == [401, 401, 303, 401, 429]


@pytest.mark.parametrize(
    "next_page", ["https://evil.example.com", "//evil.example.com", "/desk\\@evil", "/chat/x"]
)
async def test_the_log_in_leads_nowhere_else(desk: Desk, next_page: str) -> None:
    desk.hire("Maya", "approver")
    fields = {"name": "Maya", "password": PASSWORD, "next": next_page}
    answer = await desk.http.post("/desk/login", data=fields)
    assert answer.headers["location"] == "/desk/approvals"


async def test_a_session_ends_with_the_sign_out_with_idleness_and_with_the_day(desk: Desk) -> None:
    person = await desk.sign_in()
    cookies = dict(person.http.cookies)
    await person.submit("/desk/logout")
    old = client(desk.app, cookies=cookies)
    assert (await old.get("/api/v1/actions")).status_code == 401

    idle = await desk.sign_in("Idle")
    desk.clock.forward(timedelta(minutes=31).total_seconds())
    assert (await idle.http.get("/api/v1/actions")).status_code == 401

    busy = await desk.sign_in("Busy")
    for _ in range(29):
        assert (await busy.http.get("/api/v1/actions")).status_code == 200
        desk.clock.forward(timedelta(minutes=25).total_seconds())
    assert (await busy.http.get("/api/v1/actions")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
        {"referer": "https://evil.example.com/desk"},
        {"sec-fetch-site": "cross-site"},
        {"x-csrf-token": "wrong"},
        {},
    ],
)
async def test_a_forged_post_changes_nothing(desk: Desk, headers: dict[str, str]) -> None:
    person = await desk.sign_in()
    token = await person.csrf()
    forged = {**({} if headers in ({}, {"x-csrf-token": "wrong"}) else {"x-csrf-token": token}), **headers}
    for url, body in (("/api/v1/pause", {"what": "money"}),):
        answer = await person.http.post(url, json=body, headers=forged)
        assert answer.status_code == 403, answer.text
    answer = await person.http.post("/desk/switch", data={"what": "money", "on": "0"}, headers=forged)
    assert answer.status_code == 403
    assert desk.services.pauses.list() == ()


async def test_a_page_that_reads_never_changes_anything(desk: Desk) -> None:
    person = await desk.sign_in()
    desk.propose()
    for url in ("/desk/approvals/A-1/decision", "/desk/switch", "/desk/logout"):
        assert (await person.http.get(url)).status_code in (404, 405)


async def test_pages_carry_a_strict_policy(desk: Desk) -> None:
    person = await desk.sign_in()
    answer = await person.http.get("/desk/approvals")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert answer.headers["x-frame-options"] == "DENY"


def test_the_first_admin_is_made_once(desk: Desk) -> None:
    engine = desk.inbox.engine
    assert ensure_admin(engine, "first-password") is True
    assert ensure_admin(engine, "second-password") is False
    assert check_password(engine, "admin", "second-password") is None
    staff = check_password(engine, "admin", "first-password")
    assert staff and staff.roles == {"admin"}
    set_password(engine, "admin", "third-password")
    assert check_password(engine, "admin", "third-password")


def test_passwords_are_kept_as_argon2id(desk: Desk) -> None:
    create_staff(desk.inbox.engine, "Maya", PASSWORD, ("approver",))
    with pytest.raises(BadInput):
        create_staff(desk.inbox.engine, "Maya", PASSWORD, ("agent",))
    with reading(desk.inbox.engine) as session:
        kept = session.connection().exec_driver_sql("select password_hash from desk_user").scalar()
    assert str(kept).startswith("$argon2id$")


async def test_a_new_password_ends_the_sessions_of_the_old_one(desk: Desk) -> None:
    maya, noel = await desk.sign_in("Maya"), await desk.sign_in("Noel")
    set_password(desk.inbox.engine, "Maya", "a-new-password")
    assert (await maya.http.get("/api/v1/actions")).status_code == 401
    assert (await noel.http.get("/api/v1/actions")).status_code == 200


@pytest.mark.parametrize(
    ("name", "roles"), [("Maya", ("root",)), ("Maya", ()), ("", ("agent",)), ("x" * 65, ("agent",))]
)
def test_nobody_gets_a_role_that_does_not_exist(desk: Desk, name: str, roles: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        create_staff(desk.inbox.engine, name, PASSWORD, roles)
