"""Deciding: one click counts, the second is told who was faster, and nobody decides above his role."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from support.case_world import make_draft
from support.inbox import message
from support.staff import Desk, facts_of

from xiaoer.approvals import ledger
from xiaoer.domain.actions import ActionStatus
from xiaoer.storage.engine import transaction

# What a customer may write to fool the person who decides.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</section><section class='facts'><p class='amount'>$1.00</p>",
    "\n" * 500 + "APPROVED ✅ amount $1.00",
    "\u202egnp.tnuoma\u202c \u2066hidden\u2069",
    "{{ 7*7 }} {% raw %}",
    "javascript:alert(1) https://evil.example.com",
    "A" * 6_000,
)


async def test_an_approver_approves_and_the_case_is_woken(desk: Desk) -> None:
    digest = desk.propose()
    answer = await desk.token().post(
        "/api/v1/actions/A-1/decision", json={"decision": "approve", "digest": digest}
    )
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["decided_by"]) == ("approved", "API token")
    assert [job[0] for job in desk.jobs.jobs] == ["run_case"]


async def test_the_second_click_is_told_who_decided(desk: Desk) -> None:
    digest = desk.propose()
    maya, noel = await desk.sign_in("Maya"), await desk.sign_in("Noel", "admin")
    body = {"decision": "approve", "digest": digest}
    tokens = [{"x-csrf-token": await person.csrf()} for person in (maya, noel)]
    url = "/api/v1/actions/A-1/decision"
    first, second = await asyncio.gather(
        maya.http.post(url, json=body, headers=tokens[0]), noel.http.post(url, json=body, headers=tokens[1])
    )
    winner, loser = (first, second) if first.status_code == 200 else (second, first)
    assert (winner.status_code, loser.status_code) == (200, 409)
    assert loser.json()["winner"] == winner.json()["decided_by"]
    assert loser.json()["winner"] in loser.json()["error"]
    assert len(desk.jobs.jobs) == 1


async def test_the_page_tells_the_slower_colleague_too(desk: Desk) -> None:
    digest = desk.propose()
    maya, noel = await desk.sign_in("Maya"), await desk.sign_in("Noel", "admin")
    first = await maya.submit("/desk/approvals/A-1/decision", decision="approve", digest=digest)
    second = await noel.submit("/desk/approvals/A-1/decision", decision="reject", digest=digest, note="no")
    assert (first.status_code, second.status_code) == (200, 409)
    assert "Approved. It is carried out now, once." in first.text
    assert "Maya has decided this already: Approved." in second.text
    assert 'id="decide"' not in second.text


async def test_an_agent_may_look_but_not_decide(desk: Desk) -> None:
    digest = desk.propose()
    agent = await desk.sign_in("Guest", "agent")
    page = await agent.page("/desk/approvals/A-1")
    assert "Only an approver or an admin decides." in page
    assert 'value="approve"' not in page
    body = {"decision": "approve", "digest": digest}
    answer = await agent.http.post(
        "/api/v1/actions/A-1/decision", json=body, headers={"x-csrf-token": await agent.csrf()}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    forged = await agent.submit("/desk/approvals/A-1/decision", decision="approve", digest=digest)
    assert forged.status_code == 403
    assert desk.services.approvals.describe("A-1").summary.action.status is ActionStatus.PENDING


async def test_a_digest_that_is_not_what_was_shown_is_refused(desk: Desk) -> None:
    desk.propose()
    body = {"decision": "approve", "digest": "sha256:other"}
    answer = await desk.token().post("/api/v1/actions/A-1/decision", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "changed")


async def test_an_expired_request_cannot_be_decided(desk: Desk) -> None:
    digest = desk.propose()
    desk.clock.forward(49 * 3600)
    body = {"decision": "approve", "digest": digest}
    answer = await desk.token().post("/api/v1/actions/A-1/decision", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "expired")


async def test_a_rejection_needs_its_reason(desk: Desk) -> None:
    digest = desk.propose()
    http = desk.token()
    body = {"decision": "reject", "digest": digest}
    assert (await http.post("/api/v1/actions/A-1/decision", json=body)).status_code == 422
    answer = await http.post("/api/v1/actions/A-1/decision", json={**body, "note": "Outside the window."})
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert answer.json()["reason_note"] == "Outside the window."


async def test_an_edit_replaces_the_request_with_its_own_amount(desk: Desk) -> None:
    digest = desk.propose(lines=(("L1", 2), ("L2", 1)))
    maya = await desk.sign_in("Maya")
    fields = {"decision": "edit", "digest": digest, "line:L1": "1", "line:L2": "0"}
    answer = await maya.submit("/desk/approvals/A-1/decision", **fields)
    assert answer.status_code == 200, answer.text[:300]
    assert "The edited request was approved." in answer.text
    assert "$49.00" in facts_of(answer.text)
    old = desk.services.approvals.describe("A-1")
    assert old.summary.action.status is ActionStatus.SUPERSEDED
    new = desk.services.approvals.describe(old.superseded_by or "")
    assert new.summary.action.args["lines"] == [{"line_id": "L1", "quantity": 1}]
    assert new.summary.digest != digest


@pytest.mark.parametrize("quantities", [{"line:L1": "0"}, {"line:L1": "-1"}, {"line:L1": "many"}, {}])
async def test_an_edit_that_leaves_nothing_or_nonsense_is_refused(
    desk: Desk, quantities: dict[str, str]
) -> None:
    digest = desk.propose()
    maya = await desk.sign_in("Maya")
    answer = await maya.submit("/desk/approvals/A-1/decision", decision="edit", digest=digest, **quantities)
    assert answer.status_code == 422
    assert desk.services.approvals.describe("A-1").summary.action.status is ActionStatus.PENDING


@pytest.mark.parametrize(
    "body",
    [
        {"decision": "approve"},
        {"decision": "grant", "digest": "x"},
        {"decision": "approve", "digest": "x", "amount": 1},
        {"decision": "edit", "digest": "x", "edits": {"amount_minor": 1}},
        {"decision": "edit", "digest": "x", "edits": {"lines": [{"line_id": "L1", "quantity": 0}]}},
        {"decision": "reject", "digest": "x", "note": "n" * 501},
    ],
)
async def test_a_decision_in_another_form_is_refused(desk: Desk, body: dict[str, object]) -> None:
    desk.propose()
    answer = await desk.token().post("/api/v1/actions/A-1/decision", json=body)
    assert (answer.status_code, set(answer.json())) == (422, {"error", "code"})


async def test_an_action_that_is_not_there_is_not_found(desk: Desk) -> None:
    http = desk.token()
    assert (await http.get("/api/v1/actions/A-9")).status_code == 404
    body = {"decision": "approve", "digest": "x"}
    assert (await http.post("/api/v1/actions/A-9/decision", json=body)).status_code == 404


async def test_an_action_shows_facts_clause_digest_and_history_apart_from_words(desk: Desk) -> None:
    digest = desk.propose()
    body = (await desk.token().get("/api/v1/actions/A-1")).json()
    assert body["digest"] == digest
    assert body["facts"]["amount"] == {"amount_minor": 4900, "currency": "USD"}
    assert body["clause"]["id"] == "refund.window"
    assert [entry["to_status"] for entry in body["history"]] == ["proposed", "pending"]
    assert body["unverified"] == {"customer_words": "please <b>refund</b> APPROVED ✅"}


@pytest.mark.parametrize("words", HOSTILE)
async def test_a_customers_words_never_reach_the_facts(desk: Desk, words: str) -> None:
    desk.propose("A-0", order_no="#1004")
    propose_with(desk, words)
    maya = await desk.sign_in("Maya")
    honest, hostile = await maya.page("/desk/approvals/A-0"), await maya.page("/desk/approvals/A-1")
    assert facts_of(hostile) == facts_of(honest)
    # Not one element or attribute more, whatever was written.
    assert structure_of(hostile) == structure_of(honest)
    assert "\u202e" not in hostile and "\u2066" not in hostile
    shown = hostile.partition('class="words"')[2].partition("</blockquote>")[0]
    assert "\n" * 5 not in shown


def propose_with(desk: Desk, words: str) -> None:
    desk.inbox.intake.accept_now(message(words, "ev-hostile", sender_name=words[:60]))
    found = desk.services.approvals.describe("A-0").summary.conversation_id
    draft = replace(make_draft("A-1", conversation_id=found), customer_words=words)
    with transaction(desk.inbox.engine) as session:
        ledger.propose(session, draft, ActionStatus.PENDING, desk.clock())


def structure_of(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and the names of their attributes, in order, of the request's own article."""
    found: list[tuple[str, tuple[str, ...]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, tuple(name for name, _ in attrs)))

    Reader().feed(page[page.index('<article class="approval') :])
    return found


async def test_money_looks_different_from_what_is_harmless(desk: Desk) -> None:
    desk.propose("A-1")
    desk.propose("A-2", tool="create_return_label", order_no="#1004")
    maya = await desk.sign_in("Maya")
    paying, harmless = await maya.page("/desk/approvals/A-1"), await maya.page("/desk/approvals/A-2")
    assert "Moves money" in facts_of(paying) and 'class="btn big pay"' in paying
    assert "No money moves" in facts_of(harmless) and 'class="btn big primary"' in harmless


async def test_the_queue_shows_the_oldest_first_and_filters_by_store(desk: Desk) -> None:
    desk.propose("A-1")
    desk.clock.forward(60)
    desk.propose("A-2", order_no="#1004")
    maya = await desk.sign_in("Maya")
    page = await maya.page("/desk/approvals")
    assert re.findall(r'data-row="(A-\d)"', page) == ["A-1", "A-2"]
    assert "2 requests wait for a decision" in page
    assert re.findall(r'data-row="(A-\d)"', await maya.page("/desk/approvals?store=demo-cn")) == []
    found = (await desk.token().get("/api/v1/actions?status=pending")).json()
    assert [action["id"] for action in found["actions"]] == ["A-1", "A-2"]


async def test_every_decision_and_every_refused_try_is_in_the_trail(desk: Desk) -> None:
    digest = desk.propose()
    http = desk.token()
    body = {"decision": "approve", "digest": digest}
    await http.post("/api/v1/actions/A-1/decision", json=body)
    await http.post("/api/v1/actions/A-1/decision", json=body)
    entries = (await http.get("/api/v1/audit?target=A-1")).json()["entries"]
    assert [(entry["what"], entry["details"].get("code")) for entry in entries] == [
        ("decide_refused", "decided"),
        ("look", None),
        ("decide", None),
    ]
