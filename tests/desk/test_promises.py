"""What was promised, seen and taken back by people; how customers rated it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, update
from support.inbox import message
from support.staff import NOW, Desk, Question

from xiaoer.inbox.followups.tables import CSAT, FOLLOW_UP
from xiaoer.inbox.tables import CONVERSATION
from xiaoer.storage.engine import transaction


def promised(desk: Desk, follow_up_id: str = "F-1", **changes: Any) -> str:
    """A conversation with a promise in it; the conversation's id."""
    conversation = desk.inbox.intake.accept_now(message("where is it?", f"ev-{follow_up_id}")).conversation_id
    values = {
        "id": follow_up_id,
        "store": "demo-us",
        "conversation_id": conversation,
        "kind": "parcel_moves",
        "subject": "#1006",
        "order_no": "#1006",
        "snapshot": {},
        "urgent": False,
        "promised_at": NOW,
        "next_look_at": NOW + timedelta(hours=24),
        "deadline": NOW + timedelta(hours=72),
        "tries": 0,
        "state": "open",
        "closed_by": "",
    }
    with transaction(desk.inbox.engine) as session:
        session.execute(insert(FOLLOW_UP).values({**values, **changes}))
    return conversation


def rated(desk: Desk, conversation: str, score: int | None = None, comment: str = "") -> None:
    answered = NOW if score else None
    with transaction(desk.inbox.engine) as session:
        session.execute(
            insert(CSAT).values(
                conversation_id=conversation,
                store="demo-us",
                message_id="M-1",
                asked_at=NOW,
                score=score,
                comment=comment,
                answered_at=answered,
            )
        )


async def test_the_page_lists_what_is_promised_with_its_next_look_in_both_languages(desk: Desk) -> None:
    promised(desk)
    maya = await desk.sign_in("Maya")
    page = await maya.page("/desk/follow-ups")
    assert "#1006" in page and "Parcel moves" in page and "in 24 h" in page
    assert "Nothing promised" not in page
    maya.http.cookies.set("xiaoer_desk_lang", "zh")
    page = await maya.page("/desk/follow-ups")
    assert "等物流更新" in page and "下次查看" in page


async def test_a_promise_is_taken_back_on_the_page_and_only_once(desk: Desk) -> None:
    conversation = promised(desk)
    maya = await desk.sign_in("Maya")
    taken = await maya.submit("/desk/follow-ups/F-1/cancel", next=f"/desk/conversations/{conversation}")
    assert taken.status_code == 303
    assert taken.headers["location"] == f"/desk/conversations/{conversation}"
    again = await maya.submit("/desk/follow-ups/F-1/cancel")
    assert again.status_code == 409
    assert "Nothing promised" in await maya.page("/desk/follow-ups")
    page = await maya.page(f"/desk/conversations/{conversation}")
    assert "Follow-up on #1006 cancelled by Maya" in page
    trail = (await desk.token().get("/api/v1/audit?target=F-1")).json()["entries"]
    assert [entry["what"] for entry in trail] == ["cancel_follow_up"]


async def test_who_is_not_signed_in_sees_and_cancels_nothing(desk: Desk) -> None:
    promised(desk)
    assert (await desk.http.get("/api/v1/follow-ups")).status_code == 401
    assert (await desk.http.post("/api/v1/follow-ups/F-1/cancel")).status_code == 401
    assert (await desk.http.get("/desk/follow-ups", follow_redirects=False)).status_code == 303


async def test_the_api_tells_promises_by_store_and_state(desk: Desk) -> None:
    promised(desk)
    promised(desk, "F-2", state="kept", subject="#1009", closed_by="follow_up", closed_at=NOW)
    http = desk.token()
    found = (await http.get("/api/v1/follow-ups")).json()["follow_ups"]
    assert [(item["id"], item["next_look_at"]) for item in found] == [("F-1", "2026-11-02T12:00:00Z")]
    kept = (await http.get("/api/v1/follow-ups?state=kept")).json()["follow_ups"]
    assert [item["id"] for item in kept] == ["F-2"]
    assert (await http.get("/api/v1/follow-ups?store=demo-cn")).json() == {"follow_ups": []}
    assert (await http.get("/api/v1/follow-ups?state=broken")).status_code == 422
    assert (await http.post("/api/v1/follow-ups/F-9/cancel")).status_code == 404


async def test_a_suppliers_answer_wakes_the_promise_that_waits_for_it(desk: Desk) -> None:
    promised(desk, kind="supplier_answers", subject="Q-1")
    desk.questions["Q-1"] = Question()
    saved = await desk.token().post("/api/v1/suppliers/inquiries/Q-1/answer", json={"text": "It left today."})
    assert saved.status_code == 200
    (item,) = (await desk.token().get("/api/v1/follow-ups")).json()["follow_ups"]
    assert item["next_look_at"] == "2026-11-01T12:00:00Z"


async def test_a_rating_stands_with_its_conversation_and_counts_for_the_store(desk: Desk) -> None:
    conversation = promised(desk)
    rated(desk, conversation, 2, "slow <b>")
    http = desk.token()
    assert (await http.get(f"/api/v1/conversations/{conversation}")).json()["rating"]["score"] == 2
    (figure,) = (await http.get("/api/v1/ratings")).json()["ratings"]
    assert figure == {"store": "demo-us", "asked": 1, "answered": 1, "average": 2.0, "satisfied": 0.0}
    maya = await desk.sign_in("Maya")
    page = await maya.page(f"/desk/conversations/{conversation}")
    assert "Rated 2 of 5" in page and "slow &lt;b&gt;" in page
    assert "2.0 of 5 from 1 answers (1 asked)" in await maya.page("/desk/follow-ups")


async def test_a_resting_conversation_says_whether_its_matter_was_settled(desk: Desk) -> None:
    conversation = promised(desk)
    rated(desk, conversation)
    with transaction(desk.inbox.engine) as session:
        session.execute(update(CONVERSATION).values(rest="quiet"))
    maya = await desk.sign_in("Maya")
    assert "Quiet" in await maya.page("/desk/conversations")
    page = await maya.page(f"/desk/conversations/{conversation}")
    assert "Quiet" in page and "Rated" not in page
    shown = (await desk.token().get(f"/api/v1/conversations/{conversation}")).json()
    assert (shown["rest"], shown["rating"]["score"]) == ("quiet", None)
