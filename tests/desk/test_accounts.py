"""People come by invitation, choose their own passwords, and are shut out at once."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import pytest
from argon2 import PasswordHasher
from support.staff import PASSWORD, Desk, Person
from support.web import client

from xiaoer.desk import links
from xiaoer.desk.access import cookie_name
from xiaoer.desk.passwords import WeakPassword, require_good
from xiaoer.desk.staff import check_password, create_staff
from xiaoer.storage.engine import reading

NEW = "a lantern over the harbour"


async def invite(boss: Person, name: str = "Lin", *roles: str) -> str:
    """The path of the link that the page shows."""
    answer = await boss.submit("/desk/staff", name=name, role=list(roles or ("agent",)))
    assert answer.status_code == 200, answer.text[:300]
    return link_in(answer)


def link_in(answer: httpx2.Response) -> str:
    found = re.search(r'value="http://127.0.0.1:8000(/desk/welcome/[\w-]+)"', answer.text)
    assert found, answer.text[-3000:]
    return found[1]


async def test_an_invited_person_chooses_a_password_and_is_in(desk: Desk) -> None:
    boss = await desk.sign_in("Ada", "admin")
    link = await invite(boss, "Lin", "agent", "viewer")
    stranger = client(desk.app)
    assert "Hello Lin" in (await stranger.get(link)).text
    assert "invited" in await boss.page("/desk/staff")
    answer = await stranger.post(link, data={"password": NEW})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/approvals")
    assert (await stranger.get("/desk/approvals")).status_code == 200
    staff = check_password(desk.inbox.engine, "Lin", NEW)
    assert staff and staff.roles == {"agent", "viewer"}


async def test_a_link_works_once_and_not_for_long(desk: Desk) -> None:
    boss = await desk.sign_in("Ada", "admin")
    used, late = await invite(boss, "Lin"), await invite(boss, "Kim")
    assert (await client(desk.app).post(used, data={"password": NEW})).status_code == 303
    desk.clock.forward(timedelta(hours=72, seconds=1).total_seconds())
    for link in (used, late, "/desk/welcome/never-made"):
        page = await client(desk.app).get(link)
        answer = await client(desk.app).post(link, data={"password": "another sentence of mine"})
        assert (page.status_code, answer.status_code) == (404, 404)
        assert "This link is not good any more." in answer.text
        # Told alike, whatever the reason: no name, no other word.
        assert "Lin" not in page.text and "Kim" not in page.text
    assert check_password(desk.inbox.engine, "Lin", NEW)


async def test_a_link_that_is_only_opened_is_not_used_up(desk: Desk) -> None:
    link = await invite(await desk.sign_in("Ada", "admin"))
    for _ in range(3):
        assert (await client(desk.app).get(link)).status_code == 200
    assert (await client(desk.app).post(link, data={"password": NEW})).status_code == 303


async def test_the_token_of_a_link_stands_in_no_table_and_in_no_trail(desk: Desk) -> None:
    boss = await desk.sign_in("Ada", "admin")
    token = (await invite(boss)).rpartition("/")[2]
    with reading(desk.inbox.engine) as session:
        dump = "\n".join(session.connection().connection.driver_connection.iterdump())
    assert token not in dump and "desk_link" in dump


async def test_a_fresh_start_voids_the_old_password_and_every_session(desk: Desk) -> None:
    boss, maya = await desk.sign_in("Ada", "admin"), await desk.sign_in("Maya")
    answer = await boss.submit("/desk/staff/U-Maya/reset")
    assert (await maya.http.get("/api/v1/actions")).status_code == 401
    assert check_password(desk.inbox.engine, "Maya", PASSWORD) is None
    assert (await client(desk.app).post(link_in(answer), data={"password": NEW})).status_code == 303
    assert check_password(desk.inbox.engine, "Maya", NEW)


async def test_a_second_fresh_start_withdraws_the_first_link(desk: Desk) -> None:
    boss = await desk.sign_in("Ada", "admin")
    desk.hire("Maya", "approver")
    first = link_in(await boss.submit("/desk/staff/U-Maya/reset"))
    await boss.submit("/desk/staff/U-Maya/reset")
    assert (await client(desk.app).post(first, data={"password": NEW})).status_code == 404


async def test_who_is_disabled_is_out_at_once_and_can_be_let_in_again(desk: Desk) -> None:
    boss, maya = await desk.sign_in("Ada", "admin"), await desk.sign_in("Maya")
    await boss.submit("/desk/staff/U-Maya/disable")
    assert (await maya.http.get("/api/v1/actions")).status_code == 401
    refused = await client(desk.app).post("/desk/login", data={"name": "Maya", "password": PASSWORD})
    assert refused.status_code == 401 and "The name or the password is not right." in refused.text
    await boss.submit("/desk/staff/U-Maya/enable")
    assert (await maya.http.get("/api/v1/actions")).status_code == 401
    welcome = await client(desk.app).post("/desk/login", data={"name": "Maya", "password": PASSWORD})
    assert welcome.status_code == 303


@pytest.mark.parametrize("what", ["disable", "reset", "roles"])
async def test_nobody_changes_his_own_account_so_an_admin_is_always_left(desk: Desk, what: str) -> None:
    boss = await desk.sign_in("Ada", "admin")
    answer = await boss.submit(f"/desk/staff/U-Ada/{what}", role="viewer")
    assert answer.status_code == 403 and "Ask another admin." in answer.text
    assert (await boss.http.get("/desk/staff")).status_code == 200


async def test_accounts_ask_for_the_password_again_after_five_minutes(desk: Desk) -> None:
    boss = await desk.sign_in("Ada", "admin")
    desk.clock.forward(301)
    refused = await boss.submit("/desk/staff", name="Lin", role="approver")
    assert refused.status_code == 403 and "Confirm it, then decide." in refused.text
    wrong = await boss.submit("/desk/confirm", password="nonsense", next="/desk/staff")
    assert wrong.status_code == 403 and "The password is not right." in wrong.text
    assert (await boss.submit("/desk/staff", name="Lin", role="approver")).status_code == 403
    done = await boss.submit("/desk/confirm", password=PASSWORD, next="/desk/staff")
    assert done.headers["location"] == "/desk/staff"
    assert (await boss.submit("/desk/staff", name="Lin", role="approver")).status_code == 200


async def test_confirming_is_no_way_to_guess_a_password(desk: Desk) -> None:
    boss = await desk.sign_in("Ada", "admin")
    tries = [await boss.submit("/desk/confirm", password=f"guess {number}") for number in range(7)]
    assert [answer.status_code for answer in tries] == [403] * 5 + [429] * 2


async def test_every_change_of_an_account_is_in_the_trail(desk: Desk) -> None:
    boss = await desk.sign_in("Ada", "admin")
    link = await invite(boss, "Lin", "agent")
    await client(desk.app).post(link, data={"password": NEW})
    person = check_password(desk.inbox.engine, "Lin", NEW)
    assert person
    await boss.submit(f"/desk/staff/{person.id}/roles", role=["approver"])
    await boss.submit(f"/desk/staff/{person.id}/disable")
    entries, _ = desk.services.audit.list(target=person.id)
    assert [(e.who, e.what, e.details["roles"]) for e in entries] == [
        ("Ada", "disable", ["approver"]),
        ("Ada", "roles", ["approver"]),
        ("Ada", "invite", ["agent"]),
    ]
    assert [e.who for e in desk.services.audit.list(what="welcome")[0]] == ["Lin"]


async def test_ones_own_sessions_are_listed_and_ended_one_by_one_or_all(desk: Desk) -> None:
    desk.hire("Maya", "approver")
    browsers = [client(desk.app) for _ in range(3)]
    for number, http in enumerate(browsers):
        fields = {"name": "Maya", "password": PASSWORD}
        await http.post("/desk/login", data=fields, headers={"user-agent": f"Browser {number}"})
    me = Person(browsers[0])
    page = await me.page("/desk/account")
    assert all(f"Browser {number}" in page for number in range(3))
    ids = re.findall(r'name="session" value="(S-\w+)"', page)
    assert len(ids) == 2
    await me.submit("/desk/account/sessions", session=ids[0])
    alive = [(await http.get("/api/v1/actions")).status_code for http in browsers]
    assert sorted(alive) == [200, 200, 401] and alive[0] == 200
    await me.submit("/desk/account/sessions", session="everywhere")
    assert [(await http.get("/api/v1/actions")).status_code for http in browsers] == [401] * 3


async def test_nobody_ends_anothers_session(desk: Desk) -> None:
    maya, noel = await desk.sign_in("Maya"), await desk.sign_in("Noel")
    from xiaoer.desk.sessions import sessions_of

    foreign = sessions_of(desk.inbox.engine, "U-Noel", desk.clock)[0].id
    await maya.submit("/desk/account/sessions", session=foreign)
    assert (await noel.http.get("/api/v1/actions")).status_code == 200


async def test_a_changed_password_leaves_only_the_browser_that_changed_it(desk: Desk) -> None:
    here, there = await desk.sign_in("Maya"), client(desk.app)
    await there.post("/desk/login", data={"name": "Maya", "password": PASSWORD})
    fields = {"password": "not mine", "new": NEW}
    assert (await here.submit("/desk/account/password", **fields)).status_code == 403
    assert (await here.submit("/desk/account/password", password=PASSWORD, new="short")).status_code == 422
    changed = await here.submit("/desk/account/password", password=PASSWORD, new=NEW)
    assert changed.status_code == 303
    assert (await here.http.get("/api/v1/actions")).status_code == 200
    assert (await there.get("/api/v1/actions")).status_code == 401
    assert check_password(desk.inbox.engine, "Maya", NEW)


@pytest.mark.parametrize(
    "password",
    ["short", "password1234", "aaaaaaaaaaaaaa", "1234567890", "xiaoer-admin-2026", "x" * 257, "LinLinLin1"],
)
def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        require_good(password, "Lin")


@pytest.mark.parametrize(
    "password", ["a lantern over the harbour", "海港上的灯笼今晚很亮很亮", "kf83-djw2-qp"]
)
def test_a_password_needs_no_signs_of_kinds_only_length(password: str) -> None:
    require_good(password, "Lin")


@pytest.mark.parametrize("name", ["maya", "MAYA", "api token", "Command line", "a\u202eb", " "])
def test_no_name_can_be_taken_for_anothers(desk: Desk, name: str) -> None:
    from xiaoer.domain.refusals import BadInput

    create_staff(desk.inbox.engine, "Maya", PASSWORD, ("agent",))
    with pytest.raises(BadInput):
        create_staff(desk.inbox.engine, name, PASSWORD, ("agent",))


@pytest.mark.parametrize("who", ["Maya", "Nobody", "Gone", "Invited"])
async def test_every_try_costs_one_slow_comparison_whoever_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Equal time by construction: one verification of one hash of the same cost, whatever there is to compare."""
    desk.hire("Maya", "approver")
    gone, boss = desk.hire("Gone", "agent"), desk.hire("Ada", "admin")
    links.invite(desk.inbox.engine, boss, "Invited", ["agent"], desk.clock)
    from xiaoer.desk.staff import set_active

    set_active(desk.inbox.engine, boss, gone.id, False)
    check_password(desk.inbox.engine, "x", "y")  # the decoy is made once
    seen: list[str] = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda self, kept, given: seen.append(kept) or verify(self, kept, given)
    )
    answer = await desk.http.post("/desk/login", data={"name": who, "password": "wrong"})
    assert answer.status_code == 401
    assert len(seen) == 1 and seen[0].startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_strangers_can_lock_an_account_but_not_its_owner_out(desk: Desk) -> None:
    object.__setattr__(desk.services, "account_rate", "5/15minute")
    desk.hire("Maya", "approver")
    fields = {"name": "Maya", "password": PASSWORD}
    own = client(desk.app)
    assert (await own.post("/desk/login", data=fields)).status_code == 303
    device = cookie_name(desk.services, "device")
    assert device in own.cookies
    # From a new address each time: only the account's own wall can stop them.
    tries = [
        (await from_address(desk, n).post("/desk/login", data={**fields, "password": "x"})).status_code
        for n in range(8)
    ]
    assert tries == [401] * 5 + [429] * 3
    assert (await from_address(desk, 99).post("/desk/login", data=fields)).status_code == 429
    assert (await own.post("/desk/login", data=fields)).status_code == 303


async def test_a_known_browser_is_known_for_its_own_person_only(desk: Desk) -> None:
    object.__setattr__(desk.services, "account_rate", "2/15minute")
    desk.hire("Maya", "approver"), desk.hire("Noel", "admin")
    own = client(desk.app)
    await own.post("/desk/login", data={"name": "Maya", "password": PASSWORD})
    tries = [await own.post("/desk/login", data={"name": "Noel", "password": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in tries] == [401, 401, 429]


async def test_a_forwarded_address_is_not_believed(desk: Desk) -> None:
    object.__setattr__(desk.services, "login_rate", "2/minute")
    tries = [
        await desk.http.post(
            "/desk/login",
            data={"name": "admin", "password": "x"},
            headers={"x-forwarded-for": f"203.0.113.{n}"},
        )
        for n in range(3)
    ]
    assert [answer.status_code for answer in tries] == [401, 401, 429]


def from_address(desk: Desk, number: int) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=desk.app, client=(f"198.51.100.{number}", 1))
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


async def test_a_known_browser_gets_in_however_its_address_is_flooded(desk: Desk) -> None:
    object.__setattr__(desk.services, "address_rate", "3/minute")
    desk.hire("Maya", "approver")
    fields = {"name": "Maya", "password": PASSWORD}
    own = client(desk.app)
    assert (await own.post("/desk/login", data=fields)).status_code == 303
    flood = [
        (await desk.http.post("/desk/login", data={"name": "x", "password": "x"})).status_code
        for _ in range(4)
    ]
    assert flood == [401, 401, 429, 429]
    assert (await own.post("/desk/login", data=fields)).status_code == 303
