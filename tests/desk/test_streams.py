"""Live pages: they keep nobody signed in, they end with the session, and nobody gets all the places."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import event
from support.inbox import message
from support.staff import Desk, Question
from support.web import serving

from xiaoer.channels.errors import Problem
from xiaoer.channels.streams import Streams
from xiaoer.desk.access import cookie_name
from xiaoer.desk.pages import live
from xiaoer.desk.roles import ROUTES
from xiaoer.inbox.live import DESK


@asynccontextmanager
async def listening(base: str, desk: Desk, token: str) -> AsyncIterator[httpx2.Response]:
    cookies = {cookie_name(desk.services): token}
    async with (
        asyncio.timeout(20),
        httpx2.AsyncClient(cookies=cookies) as http,
        http.stream("GET", f"{base}/desk/events") as answer,
    ):
        yield answer


async def test_an_open_page_keeps_no_session_alive_and_is_told_of_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_SECONDS", 0.05)
    person = await desk.sign_in("Maya")
    token = person.http.cookies[cookie_name(desk.services)]
    async with serving(desk.app) as base, listening(base, desk, token) as answer:
        lines = answer.aiter_lines()
        assert "event: news" in [await anext(lines) for _ in range(3)]
        # The page looks again by itself every few seconds, for half an hour and more.
        for _ in range(31):
            desk.clock.forward(60)
            await person.http.get("/desk/approvals", headers={"x-background": "1"})
        async for line in lines:
            if line == "event: ended":
                break
        else:
            raise AssertionError("the stream ended without a word")
    assert (await person.http.get("/api/v1/actions")).status_code == 401


async def test_a_hand_on_the_page_keeps_the_session(desk: Desk) -> None:
    person = await desk.sign_in("Maya")
    for _ in range(6):
        desk.clock.forward(1500)
        assert (await person.http.get("/desk/here")).status_code == 204
    assert (await person.http.get("/api/v1/actions")).status_code == 200


async def test_a_background_request_of_an_ended_session_is_sent_to_the_log_in(desk: Desk) -> None:
    person = await desk.sign_in("Maya")
    desk.clock.forward(1801)
    answer = await person.http.get("/desk/approvals", headers={"x-background": "1", "hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/desk/login")


async def test_a_disabled_person_hears_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from xiaoer.desk.staff import set_active

    monkeypatch.setattr(live, "TICK_SECONDS", 0.05)
    person, boss = await desk.sign_in("Maya"), desk.hire("Ada", "admin")
    token = person.http.cookies[cookie_name(desk.services)]
    async with serving(desk.app) as base, listening(base, desk, token) as answer:
        set_active(desk.inbox.engine, boss, "U-Maya", False)
        desk.inbox.live.publish(DESK, {"kind": "pause"})
        assert "event: ended" in [line async for line in answer.aiter_lines()]


async def test_one_person_gets_so_many_live_pages_and_a_closed_one_is_free_again(desk: Desk) -> None:
    object.__setattr__(desk.services, "streams", Streams(each=2, most=3))
    tokens = {}
    for name in ("Maya", "Noel"):
        person = await desk.sign_in(name)
        tokens[name] = person.http.cookies[cookie_name(desk.services)]
    async with serving(desk.app) as base:
        async with listening(base, desk, tokens["Maya"]) as one, listening(base, desk, tokens["Maya"]) as two:
            assert (one.status_code, two.status_code) == (200, 200)
            await taken(desk, 2)
            async with listening(base, desk, tokens["Maya"]) as three:
                assert three.status_code == 429 and three.headers["retry-after"] == "30"
            async with listening(base, desk, tokens["Noel"]) as four:
                assert four.status_code == 200
                await taken(desk, 3)
                async with listening(base, desk, tokens["Noel"]) as five:
                    assert five.status_code == 503
        await taken(desk, 0)
        async with listening(base, desk, tokens["Maya"]) as again:
            assert again.status_code == 200


async def taken(desk: Desk, places: int) -> None:
    """Until so many streams have begun, or ended."""
    async with asyncio.timeout(20):
        while desk.services.streams.open != places:
            await asyncio.sleep(0.01)


def test_places_are_given_back_whatever_happens() -> None:
    streams = Streams(each=1, most=1)
    with pytest.raises(KeyError), streams.place("Maya") as placed:
        assert placed
        with streams.place("Maya") as second:
            assert not second
        with pytest.raises(Problem) as caught:
            streams.require_place("Maya")
        assert caught.value.status_code == 429
        raise KeyError
    streams.require_place("Maya")


@pytest.fixture
def on_the_loop(desk: Desk) -> Iterator[list[str]]:
    """Statements that ran in the thread of the event loop, where they make everybody wait."""
    here, found = threading.get_ident(), []

    def look(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.get_ident() == here:
            found.append(statement)

    event.listen(desk.inbox.engine, "before_cursor_execute", look)
    yield found
    event.remove(desk.inbox.engine, "before_cursor_execute", look)


async def test_no_address_reads_or_writes_the_database_on_the_event_loop(
    desk: Desk, on_the_loop: list[str]
) -> None:
    digest = desk.propose()
    found = desk.inbox.intake.accept_now(message("hello", "ev-here", thread="t9")).conversation_id
    desk.questions["Q-1"] = Question()
    ada = await desk.sign_in("Ada", "admin")
    csrf = await ada.csrf("/desk/account")
    on_the_loop.clear()  # furnishing is the test's own
    names = {"{conversation_id}": found, "{action_id}": "A-1", "{inquiry_id}": "Q-1", "{person_id}": "U-x"}
    for route in sorted(ROUTES):
        method, path = route.split(" ")
        for name, value in {**names, "{follow_up_id}": "F-1"}.items():
            path = path.replace(name, value)
        if path == "/desk/events":
            continue
        body = {"decision": "reject", "digest": digest, "note": "no", "text": "hi", "what": "money"}
        wanted: dict[str, Any] = {"headers": {"x-csrf-token": csrf}}
        if method == "POST":
            only = (
                {"decision", "digest", "note"}
                if path.endswith("decision")
                else {"text"}
                if "text" in path
                else None
            )
            shown = {k: v for k, v in body.items() if only is None or k in only}
            wanted |= {"json": shown} if path.startswith("/api") else {"data": body}
        answer = await ada.http.request(method, path, **wanted)
        assert answer.status_code < 500, route
        assert on_the_loop == [], (route, on_the_loop[:1])
