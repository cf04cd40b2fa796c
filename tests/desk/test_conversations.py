"""Conversations at the desk: seen, taken, answered, given back, closed; suppliers; the switches."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.exc import DatabaseError
from support.inbox import message
from support.staff import Desk, Question

from xiaoer.inbox import views
from xiaoer.storage.engine import transaction


def open_conversation(desk: Desk, text: str = "hello", thread: str = "t1", **changes: str) -> str:
    accepted = desk.inbox.intake.accept_now(
        message(text, f"ev-{thread}-{text[:20]}", thread=thread, **changes)
    )
    return accepted.conversation_id


async def test_a_conversation_is_taken_answered_given_back_and_closed(desk: Desk) -> None:
    found = open_conversation(desk)
    http = desk.token()
    url = f"/api/v1/conversations/{found}"
    assert (await http.post(f"{url}/take")).json()["assigned_to"] == "API token"
    written = await http.post(f"{url}/messages", json={"text": "I am here."})
    assert written.status_code == 201
    body = (await http.get(url)).json()
    assert [item["text"] for item in body["messages"] if item["author"] == "agent"] == ["I am here."]
    assert (await http.post(f"{url}/give-back")).json()["status"] == "bot"
    assert (await http.post(f"{url}/give-back")).status_code == 409
    assert (await http.post(f"{url}/close")).json()["status"] == "closed"
    whats = [entry["what"] for entry in (await http.get(f"/api/v1/audit?target={found}")).json()["entries"]]
    assert whats == ["close", "give_back", "look", "write", "take"]


async def test_what_a_colleague_has_is_not_taken_from_him(desk: Desk) -> None:
    found = open_conversation(desk)
    maya, noel = await desk.sign_in("Maya"), await desk.sign_in("Noel", "agent")
    await maya.submit(f"/desk/conversations/{found}/take")
    answer = await noel.submit(f"/desk/conversations/{found}/messages", text="me too")
    assert answer.status_code == 409
    assert "A colleague has this conversation already." in answer.text
    assert "Maya has this conversation." in await noel.page(f"/desk/conversations/{found}")
    assert views.get_conversation(desk.inbox.engine, found).assigned_to == "Maya"


async def test_the_page_shows_the_thread_beside_what_the_assistant_did(desk: Desk) -> None:
    found = open_conversation(desk, "where is <b>it</b>?", sender_name="Jane Demo")
    add_turn(desk, found)
    maya = await desk.sign_in("Maya")
    page = await maya.page(f"/desk/conversations/{found}")
    assert "where is &lt;b&gt;it&lt;/b&gt;?" in page and "Jane Demo" in page
    assert "logistics.track_order" in page and "track_parcel" in page


def add_turn(desk: Desk, conversation_id: str) -> None:
    from xiaoer.inbox.tables import Turn

    trace = {
        "brain": "embedded",
        "intents": [{"id": "track_parcel", "confidence": 0.9}],
        "slots": {"order_no": ["#1002"]},
        "tool_calls": [{"server": "logistics", "tool": "track_order", "args": {}, "ok": True, "ms": 3.1}],
        "guard": [{"check": "receipts", "verdict": "fail", "reason": "no receipt"}],
        "ms": 12.3,
    }
    turn = Turn(id="T-1", conversation_id=conversation_id, trace=trace, created_at=desk.clock())
    with transaction(desk.inbox.engine) as session:
        session.add(turn)


async def test_a_trace_that_lacks_parts_is_still_a_page(desk: Desk) -> None:
    from xiaoer.inbox.tables import Turn

    found = open_conversation(desk)
    with transaction(desk.inbox.engine) as session:
        session.add(Turn(id="T-2", conversation_id=found, trace={}, created_at=desk.clock()))
    maya = await desk.sign_in("Maya")
    assert "Turn 1" in await maya.page(f"/desk/conversations/{found}")


async def test_the_list_filters_and_searches(desk: Desk) -> None:
    open_conversation(desk, "about shoes", "t1", sender_name="Jane Demo")
    open_conversation(desk, "关于快递", "t2", store="demo-cn")
    maya = await desk.sign_in("Maya")

    async def rows(query: str) -> int:
        return len(re.findall(r"data-row=", await maya.page(f"/desk/conversations{query}")))

    assert [await rows(q) for q in ("", "?store=demo-cn", "?q=SHOES", "?q=jane", "?q=nothing", "?status=closed")] == [
        2, 1, 1, 1, 0, 0,
    ]  # fmt: skip


async def test_the_api_lists_in_pages(desk: Desk) -> None:
    for number in range(3):
        open_conversation(desk, "hi", f"t{number}")
    http = desk.token()
    first = (await http.get("/api/v1/conversations?limit=2")).json()
    then = (await http.get("/api/v1/conversations", params={"limit": 2, "cursor": first["cursor"]})).json()
    ids = [row["id"] for page in (first, then) for row in page["conversations"]]
    assert len(set(ids)) == 3 and then["cursor"] is None
    assert (await http.get("/api/v1/conversations?cursor=nonsense")).status_code == 422
    assert (await http.get("/api/v1/conversations?status=nonsense")).status_code == 422


@pytest.mark.parametrize("part", ["", "/trace"])
async def test_a_conversation_that_is_not_there_is_not_found(desk: Desk, part: str) -> None:
    answer = await desk.token().get(f"/api/v1/conversations/C-NONE{part}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_anybody_stops_money_and_only_deciders_start_it_again(desk: Desk) -> None:
    agent = await desk.sign_in("Guest", "agent")
    await agent.submit("/desk/switch", what="money", store="demo-us", on="0", next="/desk/approvals")
    page = await agent.page("/desk/approvals")
    assert "Money is paused" in page and "Harbor Lane (demo)" in page
    refused = await agent.submit("/desk/switch", what="money", store="demo-us", on="1")
    assert refused.status_code == 403
    assert len(desk.services.pauses.list()) == 1
    maya = await desk.sign_in("Maya")
    await maya.submit("/desk/switch", what="money", store="demo-us", on="1")
    assert desk.services.pauses.list() == ()
    assert "Money is paused" not in await maya.page("/desk/approvals")


async def test_the_api_pauses_and_resumes(desk: Desk) -> None:
    http = desk.token()
    paused = (await http.post("/api/v1/pause", json={"what": "answers"})).json()["paused"]
    assert [(pause["what"], pause["store"], pause["by"]) for pause in paused] == [
        ("answers", None, "API token")
    ]
    assert (await http.post("/api/v1/resume", json={"what": "answers"})).json() == {"paused": []}
    assert (await http.post("/api/v1/pause", json={"what": "everything"})).status_code == 422
    assert (await http.post("/api/v1/pause", json={"what": "money", "store": "nowhere"})).status_code == 404


async def test_a_suppliers_question_is_answered_once(desk: Desk) -> None:
    desk.questions["Q-1"] = Question()
    maya = await desk.sign_in("Maya")
    page = await maya.page("/desk/suppliers")
    assert "Has it left your warehouse?" in page and "Northdock Goods (demo)" in page
    first = await maya.submit("/desk/suppliers/Q-1/answer", text="Yes, yesterday.")
    second = await maya.submit("/desk/suppliers/Q-1/answer", text="No.")
    assert (first.status_code, second.status_code) == (303, 409)
    assert desk.answers == [("Q-1", "Yes, yesterday.", "Maya")]
    assert "Yes, yesterday." in await maya.page("/desk/suppliers")
    found = (await desk.token().get("/api/v1/suppliers/inquiries?store=demo-us")).json()["inquiries"]
    assert [item["status"] for item in found] == ["answered"]


async def test_the_trail_can_neither_be_changed_nor_cut(desk: Desk) -> None:
    desk.services.audit.note(desk.hire("Maya", "approver"), "pause", "money")
    for statement in ("update desk_audit set who = 'x'", "delete from desk_audit"):
        with pytest.raises(DatabaseError, match="append-only"), transaction(desk.inbox.engine) as session:
            session.connection().exec_driver_sql(statement)


def test_both_languages_have_the_same_words() -> None:
    from xiaoer.desk.pages.render import words

    def shape(value: object) -> object:
        return {key: shape(item) for key, item in value.items()} if isinstance(value, dict) else str

    assert shape(words("en")) == shape(words("zh"))
