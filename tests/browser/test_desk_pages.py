"""From the customer's wish to the receipt, through one key of one person; and what the desk's pages promise."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.pages import assert_fits, assert_named, assert_readable


def ask_for_refund(windows: Any, say: Any, order: str = "#1032", mail: str = "jane@example.com") -> Any:
    """A chat in which a refund waits for a person."""
    chat = windows.open("/chat/demo-us")
    chat.locator(".chip").first.wait_for()
    said = say(chat, f"I want my money back for {order}, {mail}, it arrived damaged")
    for _ in range(2):
        if chat.locator("[data-action]").count():
            break
        said = say(chat, "all" if "hich" in said else "damaged")
    chat.locator("[data-action] .badge", has_text="Waiting for a colleague").wait_for()
    return chat


def test_one_key_approves_and_the_customer_is_told(windows: Any, say: Any) -> None:
    chat = ask_for_refund(windows, say)
    desk = windows.sign_in()
    desk.locator(".row", has_text="#1032").first.click()
    desk.locator("#approval[data-status=pending]").wait_for()
    amount = desk.locator("#amount").inner_text()
    # While it waits the customer asks something else and is answered.
    assert "#1002" in say(chat, "and where is my order #1002?")
    desk.keyboard.press("a")
    desk.locator(".flash.good").wait_for()
    desk.locator("#approval[data-status=succeeded]").wait_for(timeout=60_000)
    assert desk.locator(".receipt").get_by_text(amount).count() == 1
    chat.locator("[data-action] .badge", has_text="Done").first.wait_for()
    receipt = chat.locator(".msg.event").last.inner_text()
    assert amount in receipt


def test_the_second_click_is_told_who_decided(windows: Any, say: Any) -> None:
    ask_for_refund(windows, say, "#1004", "omar@example.com")
    first = windows.sign_in()
    first.locator(".row", has_text="#1004").first.click()
    first.locator("#decide").wait_for()
    second = windows.sign_in(re.sub(r"^.*?(/desk.*)$", r"\1", first.url))
    second.locator("#decide").wait_for()
    # The second page does not hear of it, as if its line were slow.
    second.evaluate("document.getElementById('approval').removeAttribute('data-id')")
    first.locator("[data-key=a]").click()
    first.locator(".flash.good").wait_for()
    second.locator("[data-key=a]").click()
    second.locator(".flash.bad", has_text="admin has decided this already").wait_for()
    assert second.locator("#decide").count() == 0


def test_a_decision_elsewhere_reaches_an_open_page(windows: Any, say: Any) -> None:
    ask_to_cancel(windows, say)
    first = windows.sign_in()
    first.locator(".row", has_text="#1001").first.click()
    first.locator("#decide").wait_for()
    second = windows.sign_in(re.sub(r"^.*?(/desk.*)$", r"\1", first.url))
    second.locator("#decide").wait_for()
    first.keyboard.press("r")
    first.locator("#reject textarea").fill("It has left the warehouse.")
    first.locator("#reject button[value=reject]").click()
    first.locator(".flash.good").wait_for()
    second.locator("#approval[data-status=rejected]").wait_for()
    assert "It has left the warehouse." in second.locator("#approval").inner_text()


def ask_to_cancel(windows: Any, say: Any) -> None:
    chat = windows.open("/chat/demo-us")
    chat.locator(".chip").first.wait_for()
    say(chat, "please cancel my order #1001, jane@example.com")
    if not chat.locator("[data-action]").count():
        say(chat, "yes")
    chat.locator("[data-action]").first.wait_for()


def test_keys_move_and_help(windows: Any) -> None:
    desk = windows.sign_in()
    desk.keyboard.press("?")
    desk.locator("#help[open]").wait_for()
    desk.keyboard.press("Escape")
    desk.locator("#help[open]").wait_for(state="detached")
    if desk.locator(".row").count():
        desk.keyboard.press("j")
        desk.locator("#approval").wait_for()


def test_a_conversation_is_taken_answered_and_given_back(windows: Any, say: Any) -> None:
    chat = windows.open("/chat/demo-us")
    chat.locator(".chip").first.wait_for()
    say(chat, "I need a person, please")
    found = chat.evaluate("JSON.parse(localStorage['xiaoer:demo-us']).conversation_id")
    desk = windows.sign_in(f"/desk/conversations/{found}")
    desk.get_by_role("button", name="Take over").click()
    desk.locator(".talk-tools .badge", has_text="With admin").wait_for()
    desk.fill("#w-text", "Hello, this is a person.")
    desk.keyboard.press("Enter")
    chat.locator(".msg.agent", has_text="Hello, this is a person.").wait_for()
    chat.fill("#text", "wonderful")
    chat.press("#text", "Enter")
    desk.locator(".line.by-customer", has_text="wonderful").wait_for()
    desk.get_by_role("button", name="Give back").click()
    chat.get_by_role("button", name="Talk to a person").wait_for()


def test_pausing_shows_on_every_open_page(windows: Any) -> None:
    first, second = windows.sign_in(), windows.sign_in("/desk/history")
    first.locator("details.switch").nth(1).locator("summary").click()
    first.locator("details.switch").nth(1).get_by_role("button", name="Pause").first.click()
    second.locator(".banner", has_text="Money is paused").wait_for()
    first.locator(".banner", has_text="Money is paused").wait_for()
    second.locator("details.switch").nth(1).locator("summary").click()
    second.locator("details.switch").nth(1).get_by_role("button", name="Resume").first.click()
    first.locator(".banner").wait_for(state="detached")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "path", ["/desk/approvals", "/desk/conversations", "/desk/suppliers", "/desk/history"]
)
def test_pages_fit_a_phone_and_can_be_read(windows: Any, path: str, dark: bool) -> None:
    page = windows.sign_in(path, phone=True, dark=dark, lang="zh-CN")
    assert_fits(page)
    assert_readable(page, "h1, .dim, .btn, .badge, .nav a span, .tool, .count, b, td, th, label")
    assert_named(page)
