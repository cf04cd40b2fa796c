"""What nobody knows: another look in the shop, or the same word of two people; nothing else ends it."""

from __future__ import annotations

import os

# LangGraph reads it when it is imported, which is here before our own package could set it.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from sqlalchemy import text
from support.case_world import GUEST, MAYA, NOEL, World, make_draft
from support.staff import Desk

from xiaoer.approvals import ledger
from xiaoer.approvals.history import verify_chain
from xiaoer.approvals.refusals import Conflict, Forbidden
from xiaoer.approvals.tables import ActionRow
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.refusals import BadInput, Refusal
from xiaoer.storage.engine import make_engine, reading, transaction
from xiaoer.storage.metadata import desk_metadata

S = ActionStatus


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from make_world(f"sqlite:///{tmp_path / 'ledger.db'}")


def make_world(url: str) -> Iterator[World]:
    engine = make_engine(url)
    desk_metadata.create_all(engine)
    yield World(engine, InMemorySaver())
    engine.dispose()


async def stuck(world: World, amount: int = 5000) -> str:
    """An action whose effect the shop tells otherwise than it was approved, for as long as it is asked."""
    with transaction(world.engine) as session:
        ledger.propose(session, make_draft(), S.PENDING, world.clock())
    await world.desk.decide("A-1", "approve", row(world).digest, MAYA)
    contradict(world, amount)
    await world.run_jobs()
    await world.settle(120)
    assert row(world).status == S.UNKNOWN
    return "A-1"


def contradict(world: World, amount: int) -> None:
    """From now on the shop's receipts name another amount."""
    effect = world.server._effect

    def other(grant: Any, args: Any) -> dict[str, Any]:
        receipt = effect(grant, args)
        receipt["amount"] = {"amount_minor": amount, "currency": "USD"}
        return receipt

    world.server._effect = other  # type: ignore[method-assign]


def row(world: World) -> ActionRow:
    with reading(world.engine) as session:
        found = ledger.get(session, "A-1")
        session.expunge(found)
        return found


def word(
    world: World, who: Any, outcome: str = "succeeded", reference: str = "RF-1", note: str = "seen"
) -> Any:
    return world.desk.close_unknown("A-1", outcome, reference, note, who)


async def test_a_contradiction_stays_unknown_until_people_or_a_read_back_say_more(world: World) -> None:
    await stuck(world)
    detail = world.desk.describe("A-1")
    assert detail.stuck and "mismatch" in detail.summary.trouble
    await world.settle(3600, 60)
    assert (row(world).status, len(world.server.effects)) == (S.UNKNOWN, 1)


async def test_two_people_with_the_same_word_close_it_with_a_receipt(world: World) -> None:
    await stuck(world)
    assert word(world, MAYA).status is S.UNKNOWN
    assert [(said.name, said.outcome) for said in world.desk.describe("A-1").words] == [
        ("Maya Demo", "succeeded")
    ]
    closed = word(world, NOEL, note="corrected to $49.00 in the back office")
    assert closed.status is S.SUCCEEDED
    receipt = row(world).receipt
    assert receipt and (receipt["reference"], receipt["closed_by"]) == ("RF-1", ["Maya Demo", "Noel Demo"])
    assert any("RF-1" in told for told in world.outbox.texts())
    await world.settle(600, 20)
    assert (row(world).status, len(world.server.effects)) == (S.SUCCEEDED, 1)
    with reading(world.engine) as session:
        assert verify_chain(session) == []


async def test_nothing_happened_needs_two_people_too(world: World) -> None:
    await stuck(world)
    word(world, MAYA, "failed")
    assert word(world, NOEL, "failed").status is S.FAILED
    assert row(world).receipt is None
    assert any("did not go through" in told for told in world.outbox.texts())


async def test_one_person_is_not_two_and_may_change_his_mind(world: World) -> None:
    await stuck(world)
    for outcome in ("succeeded", "succeeded", "failed"):
        assert word(world, MAYA, outcome).status is S.UNKNOWN
    assert [said.outcome for said in world.desk.describe("A-1").words] == ["failed"]


async def test_two_different_words_close_nothing(world: World) -> None:
    await stuck(world)
    word(world, MAYA, "succeeded", "RF-1")
    assert word(world, NOEL, "failed").status is S.UNKNOWN
    assert word(world, NOEL, "succeeded", "RF-2").status is S.UNKNOWN
    assert word(world, NOEL, "succeeded", " RF-1 ").status is S.SUCCEEDED


async def test_who_may_not_decide_may_not_close(world: World) -> None:
    await stuck(world)
    with pytest.raises(Forbidden):
        word(world, GUEST)
    with pytest.raises(Forbidden):
        world.desk.look_again("A-1", GUEST)


@pytest.mark.parametrize(
    ("outcome", "reference", "note"),
    [("succeeded", "", "seen"), ("succeeded", "R", ""), ("approved", "R", "seen"), ("failed", "", "n" * 501)],
)
async def test_a_word_needs_its_reasons(world: World, outcome: str, reference: str, note: str) -> None:
    await stuck(world)
    with pytest.raises(BadInput):
        word(world, MAYA, outcome, reference, note)


async def test_nobody_closes_while_a_permit_may_still_be_at_work(world: World) -> None:
    with transaction(world.engine) as session:
        ledger.propose(session, make_draft(), S.PENDING, world.clock())
    await world.desk.decide("A-1", "approve", row(world).digest, MAYA)
    world.server.faults["issue_refund"] = ["late"]
    world.server.faults["get_effect"] = ["down"] * 50
    await world.run_jobs()
    assert row(world).status == S.UNKNOWN and not world.desk.describe("A-1").stuck
    with pytest.raises(Refusal) as caught:
        word(world, MAYA, "failed")
    assert caught.value.code == "too_early"
    await world.settle(120)
    assert world.desk.describe("A-1").stuck
    word(world, MAYA, "failed"), word(world, NOEL, "failed")
    # What was delayed on its way comes with a permit that is dead.
    world.server.deliver_late()
    assert (row(world).status, world.server.effects) == (S.FAILED, [])


async def test_another_look_is_made_at_once_and_a_believable_answer_ends_it(world: World) -> None:
    await stuck(world)
    word(world, MAYA, "failed")
    world.server.receipts["A-1"]["amount"] = {
        "amount_minor": 4900,
        "currency": "USD",
    }  # put right in the shop
    looks = world.server.calls["get_effect"]
    world.desk.look_again("A-1", NOEL)
    await world.run_jobs()
    assert row(world).status == S.SUCCEEDED and world.server.calls["get_effect"] == looks + 1
    for late in (lambda: word(world, NOEL, "failed"), lambda: world.desk.look_again("A-1", MAYA)):
        with pytest.raises(Conflict) as caught:
            late()
        assert caught.value.code == "settled"


async def test_a_word_on_an_earlier_attempt_counts_no_more(world: World) -> None:
    await stuck(world)
    word(world, MAYA, "failed")
    with transaction(world.engine) as session:
        session.connection().execute(text("update action set attempts = attempts + 1"))
    assert world.desk.describe("A-1").words == ()
    assert word(world, NOEL, "failed").status is S.UNKNOWN


words_given = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", "u3"]),
        st.sampled_from([("succeeded", "RF-1"), ("succeeded", "RF-2"), ("failed", "")]),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("words")


@given(said=words_given)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_said_only_the_same_word_of_two_people_closes(folder: Path, said: list[Any]) -> None:
    from support.case_world import Staff

    from xiaoer.approvals import settling

    engine = make_engine(f"sqlite:///{folder / os.urandom(6).hex()}.db")
    desk_metadata.create_all(engine)
    now = World(engine, InMemorySaver()).clock()
    with transaction(engine) as session:
        ledger.propose(session, make_draft(), S.PENDING, now)
        for came, to in ((S.PENDING, S.APPROVED), (S.APPROVED, S.EXECUTING), (S.EXECUTING, S.UNKNOWN)):
            ledger.transition(session, "A-1", came, to, "x", "", now=now, look_ups=1)
    standing: dict[str, Any] = {}
    expected: str | None = None
    for who, (outcome, reference) in said:
        person = Staff(who, f"Person {who}", frozenset({"approver"}))
        try:
            with transaction(engine) as session:
                settling.give_word(session, "A-1", person.id, person.name, outcome, reference, "seen", now)
        except Conflict:
            assert expected is not None
            continue
        assert expected is None
        standing[who] = (outcome, reference)
        if list(standing.values()).count((outcome, reference)) == 2:
            expected = outcome
    with reading(engine) as session:
        assert ledger.get(session, "A-1").status == (expected or "unknown")
        assert verify_chain(session) == []
    engine.dispose()


async def test_the_page_offers_both_ways_and_shows_what_was_said(desk: Desk) -> None:
    leave_unknown(desk)
    maya, noel = await desk.sign_in("Maya"), await desk.sign_in("Noel", "admin")
    page = await maya.page("/desk/approvals/A-1")
    assert "What became of this is not known" in page and "Ask the shop again" in page
    agent = await desk.sign_in("Gus", "agent")
    assert "Ask the shop again" not in await agent.page("/desk/approvals/A-1")
    looked = await maya.submit("/desk/approvals/A-1/look")
    assert looked.status_code == 200 and "Noted." in looked.text and desk.jobs.jobs[-1][0] == "run_case"
    fields = {"outcome": "failed", "reference": "", "note": "nothing in the back office"}
    first = await maya.submit("/desk/approvals/A-1/close", **fields)
    assert first.status_code == 200 and "a second person has to say the same" in first.text
    seen = await noel.page("/desk/approvals/A-1")
    assert "<b>Maya</b>: Nothing happened" in seen and "nothing in the back office" in seen
    second = await noel.submit("/desk/approvals/A-1/close", **fields)
    assert "Closed as not done." in second.text
    trail = [entry.what for entry in desk.services.audit.list(target="A-1")[0] if entry.what != "look"]
    assert trail == ["close_unknown", "close_unknown", "look_again"]


async def test_json_closes_too(desk: Desk) -> None:
    leave_unknown(desk)
    maya = await desk.sign_in("Maya")
    body = {"outcome": "succeeded", "reference": "RF-9", "note": "seen in the back office"}
    answer = await desk.token().post("/api/v1/actions/A-1/close", json=body)
    assert [said["name"] for said in answer.json()["words"]] == ["API token"]
    token = {"x-csrf-token": await maya.csrf()}
    closed = (await maya.http.post("/api/v1/actions/A-1/close", json=body, headers=token)).json()
    assert (closed["status"], closed["receipt"]["reference"]) == ("succeeded", "RF-9")
    again = await desk.token().post("/api/v1/actions/A-1/close", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "settled")


def leave_unknown(desk: Desk) -> None:
    desk.propose()
    steps = ((S.PENDING, S.APPROVED), (S.APPROVED, S.EXECUTING), (S.EXECUTING, S.UNKNOWN))
    with transaction(desk.inbox.engine) as session:
        for came, to in steps:
            ledger.transition(session, "A-1", came, to, "Maya", "", now=desk.clock(), look_ups=1)
