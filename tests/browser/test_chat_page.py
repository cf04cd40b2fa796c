"""The chat as a customer uses it: cards instead of walls of text, kept threads, a phone in the hand."""

from __future__ import annotations

from typing import Any

import pytest
from support.pages import assert_fits, assert_named, assert_readable


def test_every_parcel_of_an_order_is_drawn(windows: Any, say: Any) -> None:
    page = windows.open("/chat/demo-us")
    page.locator(".chip").first.wait_for()
    say(page, "Where is my order #1009? jane@example.com")
    cards = page.locator(".parcel")
    assert cards.count() == 3
    assert cards.locator(".badge").all_inner_texts() == [
        "Delivered",
        "On its way",
        "Label made, not handed in",
    ]
    assert "Not shipped yet" in page.locator(".unshipped").inner_text()
    scans = cards.first.locator("details.scans")
    scans.locator("summary").click()
    assert scans.locator("li").count() >= 3


def test_the_chinese_shop_speaks_chinese(windows: Any, say: Any) -> None:
    page = windows.open("/chat/demo-cn", phone=True, lang="zh-CN")
    page.get_by_role("button", name="我的快递到哪了？").click()
    page.locator(".msg.assistant").first.wait_for()
    say(page, "20261101001002 尾号7752")
    assert page.locator(".parcel .badge").all_inner_texts() == ["运输中"]
    page.locator("#text").fill("还没发的话")
    page.locator("#lang").select_option("en")
    page.get_by_role("button", name="Talk to a person").wait_for()
    # The thread and what was typed are kept over the switch.
    page.locator(".parcel").wait_for()
    assert page.locator("#text").input_value() == "还没发的话"


def test_a_reload_keeps_the_thread(windows: Any, say: Any) -> None:
    page = windows.open("/chat/demo-us")
    say(page, "hello there")
    page.reload()
    page.locator(".msg.customer", has_text="hello there").wait_for()
    assert page.locator("#empty").is_hidden()


def test_a_session_that_the_desk_does_not_know_is_replaced(windows: Any, say: Any) -> None:
    page = windows.open("/chat/demo-us")
    page.locator(".chip").first.wait_for()
    page.evaluate(
        "localStorage['xiaoer:demo-us'] = JSON.stringify({token: 'old', conversation_id: 'C-0', who: ''})"
    )
    page.reload()
    assert say(page, "hello there")
    assert page.locator("#notice").is_hidden()


def test_what_is_written_before_the_session_stands_is_not_lost(windows: Any) -> None:
    page = windows.open("/healthz")
    held: list[Any] = []
    page.route("**/sessions", lambda route: held.append(route))
    page.goto(f"{windows.url}/chat/demo-us")
    page.fill("#text", "quick fingers")
    page.press("#text", "Enter")
    page.locator(".msg.customer.sending").wait_for()
    held[0].continue_()
    page.locator(".msg.assistant").first.wait_for()


def test_shops_do_not_share_a_thread(windows: Any, say: Any) -> None:
    page = windows.open("/chat/demo-us")
    say(page, "hello there")
    page.goto(f"{windows.url}/chat/demo-cn")
    page.locator(".chip").first.wait_for()
    assert page.locator(".msg").count() == 0


@pytest.mark.parametrize(
    "words",
    ["<img src=x onerror=\"document.title='owned'\">", "**bold** <b>b</b>", "مرحبا \u202eabc", "W" * 300],
)
def test_words_stay_words(windows: Any, say: Any, words: str) -> None:
    page = windows.open("/chat/demo-us", phone=True)
    say(page, words)
    bubble = page.locator(".msg.customer .bubble").first
    assert bubble.evaluate("e => e.textContent") == words
    assert bubble.evaluate("e => e.children.length") == 0
    assert page.title() == "Harbor Lane (demo)"
    assert_fits(page)


def test_enter_sends_and_shift_enter_starts_a_line(windows: Any) -> None:
    page = windows.open("/chat/demo-us")
    page.locator("#text").type("first")
    page.keyboard.press("Shift+Enter")
    page.locator("#text").type("second")
    assert page.locator(".msg.customer").count() == 0
    page.keyboard.press("Enter")
    assert page.locator(".msg.customer .bubble").inner_text() == "first\nsecond"
    assert page.input_value("#text") == ""


def test_what_is_written_offline_goes_out_later(windows: Any) -> None:
    page = windows.open("/chat/demo-us")
    page.locator(".chip").first.wait_for()
    page.context.set_offline(True)
    page.locator("#notice").wait_for()
    page.fill("#text", "hello from the tunnel")
    page.press("#text", "Enter")
    assert "Sending" in page.locator(".msg.customer .meta").inner_text()
    page.context.set_offline(False)
    page.locator(".msg.assistant").first.wait_for()
    assert page.locator(".msg.customer").count() == 1


def test_a_message_that_failed_can_be_sent_again(windows: Any) -> None:
    page = windows.open("/chat/demo-us")
    page.locator(".chip").first.wait_for()
    page.route("**/messages", lambda route: route.abort())
    page.fill("#text", "hello again")
    page.press("#text", "Enter")
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    page.unroute("**/messages")
    again.click()
    page.locator(".msg.assistant").first.wait_for()
    assert page.locator(".msg.customer").count() == 1


def test_a_person_can_be_asked_for_with_one_click(windows: Any) -> None:
    page = windows.open("/chat/demo-us")
    page.get_by_role("button", name="Talk to a person").click()
    page.locator(".msg.assistant").first.wait_for()
    page.get_by_text("A colleague has this conversation").wait_for()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("store", ["demo-us", "demo-cn"])
def test_the_page_fits_a_phone_and_can_be_read(windows: Any, store: str, dark: bool) -> None:
    page = windows.open(f"/chat/{store}", phone=True, dark=dark)
    page.locator(".chip").first.wait_for()
    assert_fits(page)
    assert_readable(page, ".bar h1, .bar p span, .disclosure, .empty-greeting, .empty-hint, .chip, .tool")
    assert_named(page)


def test_the_widget_opens_the_chat_on_another_page(windows: Any) -> None:
    page = windows.open("/healthz")
    html = '<!doctype html><title>Shop</title><h1>Shop</h1><script src="/widget.js" data-store="demo-us"></script>'
    page.route("**/shop.html", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{windows.url}/shop.html")
    page.locator("xiaoer-chat").wait_for(state="attached")
    box = page.locator("xiaoer-chat").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    frame = page.frame_locator("iframe")
    # The shadow root is closed to the shop's page, but a frame in it is a frame.
    for _ in range(100):
        inner = next((f for f in page.frames if "/chat/demo-us" in f.url), None)
        if inner is not None:
            break
        page.wait_for_timeout(50)
    assert inner is not None, frame
    inner.locator(".chip").first.wait_for()
