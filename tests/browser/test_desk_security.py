"""Two people, the password again, accounts and the end of a session, as they look in a browser."""

from __future__ import annotations

import json
import re
import sqlite3
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.case_world import make_draft
from support.pages import assert_fits, assert_named, assert_readable

from xiaoer.approvals import ledger
from xiaoer.desk.staff import create_staff
from xiaoer.domain.actions import ActionStatus as S
from xiaoer.domain.clock import utc_now
from xiaoer.storage.engine import make_engine, transaction

PASSWORD = "correct horse battery"
PEOPLE = {"Maya": "approver", "Noel": "approver", "Ada": "admin"}


@pytest.fixture(scope="module")
def database(live_server: Any) -> Path:
    """The running desk's database, with people of the tests in it."""
    file = live_server.log.parent / "var" / "xiaoer.db"
    engine = make_engine(f"sqlite:///{file}")
    for name, role in PEOPLE.items():
        create_staff(engine, name, PASSWORD, (role,))
    engine.dispose()
    return Path(file)


def propose(database: Path, url: str, action_id: str, order_no: str, *, unknown: bool = False) -> None:
    """A refund of $490, above the store's limit for one person; `unknown`: looked up in vain."""
    engine, now = make_engine(f"sqlite:///{database}"), utc_now()
    lines = (("L1", 9), ("L2", 1))
    found = _conversation(url)
    draft = make_draft(
        action_id, lines, order_no=order_no, expires_at=now + timedelta(hours=40), conversation_id=found
    )
    with transaction(engine) as session:
        ledger.propose(session, draft, S.PENDING, now)
        for came, to in (
            ((S.PENDING, S.APPROVED), (S.APPROVED, S.EXECUTING), (S.EXECUTING, S.UNKNOWN)) if unknown else ()
        ):
            later = now + timedelta(minutes=4)
            ledger.transition(
                session, action_id, came, to, "Maya", "", now=now, look_ups=3, next_try_at=later
            )
    engine.dispose()


def _conversation(url: str) -> str:
    """A customer's conversation, opened as a chat opens it."""
    request = urllib.request.Request(
        f"{url}/channels/web/demo-us/sessions", b"{}", {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.load(answer)["conversation_id"])


def sign_in(windows: Any, name: str, path: str, **window: Any) -> Any:
    page = windows.open(f"/desk/login?next={path}", **window)
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_url(f"**{path}*")
    return page


def age(database: Path, column: str, name: str) -> None:
    """As if this person's sessions were an hour older in this respect."""
    with sqlite3.connect(database, timeout=20) as raw:
        raw.execute(
            f"update desk_session set {column} = datetime({column}, '-1 hour') where user_id ="
            " (select id from desk_user where name = ?)",
            (name,),
        )


def test_two_people_agree_and_the_second_sees_the_first(windows: Any, database: Path) -> None:
    propose(database, windows.url, "A-TWOPEOPLE1", "#1050")
    maya = sign_in(windows, "Maya", "/desk/approvals/A-TWOPEOPLE1")
    noel = sign_in(windows, "Noel", "/desk/approvals/A-TWOPEOPLE1", lang="zh-CN", phone=True)
    assert "此申请须两人审批" in noel.locator(".two").inner_text()
    assert_fits(noel)
    maya.locator("#decide").wait_for()
    maya.keyboard.press("a")
    maya.locator(".flash.good", has_text="Nothing is carried out before a second person agrees").wait_for()
    assert maya.locator("[data-key=a]").count() == 0
    # The open page of the other hears of it by itself.
    noel.locator(".pair .yes", has_text="Maya").wait_for()
    noel.locator("[data-key=a]").click()
    noel.locator(".flash.good", has_text="已批准").wait_for()
    maya.locator(".two").wait_for(state="detached")
    assert_readable(maya, ".flash, .badge, .dim, dt, dd")


def test_a_large_amount_asks_for_the_password_in_a_dialog(windows: Any, database: Path) -> None:
    propose(database, windows.url, "A-STEPUP0001", "#1051")
    page = sign_in(windows, "Maya", "/desk/approvals")
    age(database, "proved_at", "Maya")
    page.goto(f"{windows.url}/desk/approvals/A-STEPUP0001")
    page.keyboard.press("a")
    page.locator("#prove[open]").wait_for()
    assert page.evaluate("document.activeElement.type") == "password"
    assert_named(page)
    page.fill("#prove [type=password]", "wrong")
    page.keyboard.press("Enter")
    page.locator(".flash.bad", has_text="The password is not right").wait_for()
    page.keyboard.press("a")
    page.fill("#prove [type=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".flash.good", has_text="You have agreed").wait_for()


def test_two_words_close_what_nobody_knows(windows: Any, database: Path) -> None:
    propose(database, windows.url, "A-UNKNOWN001", "#1052", unknown=True)
    for name, last in (("Maya", False), ("Noel", True)):
        page = sign_in(windows, name, "/desk/approvals/A-UNKNOWN001", phone=not last)
        page.locator("#stuck").wait_for()
        assert_fits(page)
        page.locator("[data-open=close-unknown]").click()
        if last:
            assert page.locator("[name=outcome][value=failed]").is_checked()
        else:
            page.locator(".choice", has_text="Nothing happened").click()
        page.fill("#close-unknown [name=note]", "The back office has no refund for this order.")
        page.locator("#close-unknown button.primary").click()
        page.locator(".flash.good", has_text="Closed as not done" if last else "a second person").wait_for()
    assert page.locator("#approval[data-status=failed]").count() == 1


def test_an_admin_invites_and_the_new_colleague_is_in(windows: Any, database: Path) -> None:
    ada = sign_in(windows, "Ada", "/desk/staff")
    ada.fill("[name=name]", "Lin")
    ada.get_by_role("button", name="Make the link").click()
    link = ada.locator("input.link").input_value()
    lin = windows.open(re.sub(r"^https?://[^/]+", "", link), phone=True)
    assert_fits(lin)
    lin.fill("[name=password]", "a lantern over the harbour")
    lin.get_by_role("button", name="Save and sign in").click()
    lin.wait_for_url("**/desk/approvals")
    lin.goto(f"{windows.url}/desk/account")
    assert lin.locator(".badge", has_text="this browser").count() == 1


def test_an_idle_page_goes_to_the_log_in_by_itself(windows: Any, database: Path) -> None:
    idle = sign_in(windows, "Noel", "/desk/conversations")
    other = sign_in(windows, "Ada", "/desk/approvals")
    age(database, "seen_at", "Noel")
    other.locator("details.switch").nth(0).locator("summary").click()
    other.locator("details.switch").nth(0).get_by_role("button", name="Pause").first.click()
    other.locator(".banner").wait_for()
    idle.wait_for_url("**/desk/login**", timeout=40_000)
    other.locator("details.switch").nth(0).locator("summary").click()
    other.locator("details.switch").nth(0).get_by_role("button", name="Resume").first.click()
    other.locator(".banner").wait_for(state="detached")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("path", ["/desk/account", "/desk/staff", "/desk/audit"])
def test_pages_of_accounts_fit_a_phone_and_can_be_read(
    windows: Any, database: Path, path: str, dark: bool
) -> None:
    page = sign_in(windows, "Ada", path, phone=True, dark=dark, lang="zh-CN")
    assert_fits(page)
    assert_readable(page, "h1, h2, .dim, .btn, .badge, b, td, th, label, .chip-box span")
    assert_named(page)
