"""The timeline of a long matter on the desk, and the buttons that say what has arrived."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text
from support.case_world import make_draft
from support.inbox import message
from support.staff import Desk, facts_of

from xiaoer.approvals import ledger, matters
from xiaoer.approvals.case_files import CaseFiles, ShopDesk
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.changes import Change
from xiaoer.storage.engine import reading, transaction

S = ActionStatus
RECEIPT = {
    "tool": "create_return_label",
    "reference": "R-1",
    "lines": [],
    "details": {},
    "amount": None,
    "destination": "contact on file",
}


def labelled(desk: Desk, booked: list[tuple[str, ...]]) -> str:
    """A return whose label is out, and a shop that notes what it is told; the matter's id."""
    desk.propose(tool="create_return_label")
    shop = ShopDesk(lambda *told: booked.append(told), lambda *told: booked.append(told))
    desk.services.__dict__["cases"] = CaseFiles(desk.inbox.engine, desk.clock, shop)
    with transaction(desk.inbox.engine) as session:
        for came, to in ((S.PENDING, S.APPROVED), (S.APPROVED, S.EXECUTING)):
            ledger.transition(session, "A-1", came, to, "Maya", "", now=desk.clock())
        ledger.transition(
            session, "A-1", S.EXECUTING, S.SUCCEEDED, "executor", "done", now=desk.clock(), receipt=RECEIPT
        )
    with reading(desk.inbox.engine) as session:
        found = matters.of_action(session, "A-1")
    assert found is not None and found.stage == "on_its_way"
    return found.id


async def test_the_pages_of_the_request_and_of_the_conversation_show_the_timeline(desk: Desk) -> None:
    labelled(desk, [])
    person = await desk.sign_in()
    conversation = desk.services.approvals.describe("A-1").summary.conversation_id
    assert 'hx-get="/desk/cases?action=A-1"' in await person.page("/desk/approvals/A-1")
    place = f"/desk/cases?conversation={conversation}"
    assert f'hx-get="{place}"' in await person.page(f"/desk/conversations/{conversation}")
    for url in ("/desk/cases?action=A-1", place):
        piece = await person.page(url)
        assert "Asked for" in piece and "Return label" in piece and "waiting for the goods" in piece
        assert piece.index("Waiting") < piece.index("Done")
        assert "Goods have arrived" in piece


async def test_the_api_tells_the_cases_of_a_conversation(desk: Desk) -> None:
    matter = labelled(desk, [])
    conversation = desk.services.approvals.describe("A-1").summary.conversation_id
    answer = await desk.token().get(f"/api/v1/conversations/{conversation}/cases")
    (case,) = answer.json()["cases"]
    assert (case["id"], case["kind"], case["stage"]) == (matter, "return", "on_its_way")
    assert (case["waits_for"], case["closed"]) == ("return", False)
    assert [one["name"] for one in case["timeline"]][-1] == "succeeded"
    assert (await desk.token().get("/api/v1/conversations/C-NONE/cases")).status_code == 404


async def test_an_agent_books_what_has_arrived_and_the_executor_looks_at_once(desk: Desk) -> None:
    booked: list[tuple[str, ...]] = []
    matter = labelled(desk, booked)
    agent = await desk.sign_in("Gus", "agent")
    desk.clock.forward(5)
    answer = await agent.submit(f"/desk/cases/{matter}/received")
    assert answer.status_code == 200 and "The next step follows by itself" in answer.text
    assert booked == [("demo-us", "R-1")]
    with reading(desk.inbox.engine) as session:
        assert [row.id for row in matters.due(session, desk.clock())] == [matter]
    with desk.inbox.engine.connect() as connection:
        noted = connection.execute(text("select * from desk_audit")).mappings().all()
    assert any("case_received" in row.values() for row in noted)


async def test_what_nobody_waits_for_is_not_booked(desk: Desk) -> None:
    booked: list[tuple[str, ...]] = []
    matter = labelled(desk, booked)
    agent = await desk.sign_in("Gus", "agent")
    assert (await agent.submit(f"/desk/cases/{matter}/stopped")).status_code >= 400
    assert (await agent.submit("/desk/cases/M-NONE/received")).status_code == 404
    desk.services.__dict__["cases"] = replace(desk.services.cases, shop=None)
    assert (await agent.submit(f"/desk/cases/{matter}/received")).status_code >= 400
    assert booked == []


async def test_who_may_only_look_has_no_button(desk: Desk) -> None:
    matter = labelled(desk, [])
    viewer = await desk.sign_in("Vera", "viewer")
    assert "Goods have arrived" not in await viewer.page("/desk/cases?action=A-1")
    csrf = await viewer.csrf("/desk/account")
    assert (await viewer.http.post(f"/desk/cases/{matter}/received", data={"csrf": csrf})).status_code == 403


async def test_the_request_shows_what_stands_there_now_and_what_will(desk: Desk) -> None:
    accepted = desk.inbox.intake.accept_now(message("please send it elsewhere", "ev-A-7"))
    draft = make_draft("A-7", conversation_id=accepted.conversation_id, tool="change_address")
    changes = (
        Change("street", "1 Old Rd", "12 Fixture Road <script>"),
        Change("item:L1", "1 × Lamp (white)", "1 × Lamp (black)"),
        Change("parcel", "USPS 9400", "return"),
    )
    with transaction(desk.inbox.engine) as session:
        asked = replace(draft, quote=replace(draft.quote, changes=changes))
        ledger.propose(session, asked, S.PENDING, desk.clock())
    page = await (await desk.sign_in()).page("/desk/approvals/A-7")
    facts = facts_of(page)
    assert "What is changed" in facts and "<script>" not in facts
    for said in ("Street", "1 Old Rd", "12 Fixture Road &lt;script&gt;", "Lamp (black)", "back to the shop"):
        assert said in facts, said
