"""Large amounts: the password again, a second person, the limit that stands in the way. On the page and in JSON."""

from __future__ import annotations

import httpx2
import pytest
from support.staff import PASSWORD, Desk, Person

from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.limits import Limits

URL = "/desk/approvals/A-1/decision"
PRICE = 4900


async def approve(person: Person, digest: str, **fields: str) -> httpx2.Response:
    return await person.submit(URL, decision="approve", digest=digest, **fields)


def status(desk: Desk) -> ActionStatus:
    return desk.services.approvals.describe("A-1").summary.action.status


async def test_two_people_agree_on_the_page_and_each_sees_who_has(desk: Desk) -> None:
    desk.limits = Limits(four_eyes_above=PRICE - 1)
    digest = desk.propose()
    maya, noel = await desk.sign_in("Maya"), await desk.sign_in("Noel", "admin")
    page = await maya.page("/desk/approvals/A-1")
    assert "Two people decide this" in page and "Nobody has agreed yet" in page and "Agree to $49.00" in page
    first = await approve(maya, digest)
    assert "You have agreed. Nothing is carried out before a second person agrees." in first.text
    assert (
        "You have agreed. A colleague has to agree too" in first.text and 'value="approve"' not in first.text
    )
    assert status(desk) is ActionStatus.PENDING and desk.jobs.jobs == [("run_case", *desk.jobs.jobs[0][1:])]
    seen = await noel.page("/desk/approvals/A-1")
    assert "<b>Maya</b> has agreed" in seen and "A second person has to agree" in seen
    again = await approve(maya, digest)
    assert again.status_code == 409 and "A second person has to agree too." in again.text
    second = await approve(noel, digest)
    assert "Approved. It is carried out now, once." in second.text
    assert status(desk) is ActionStatus.APPROVED


async def test_the_chinese_page_says_the_same(desk: Desk) -> None:
    desk.limits = Limits(four_eyes_above=PRICE - 1, store_day=PRICE - 1)
    desk.propose()
    maya = await desk.sign_in("Maya")
    await maya.http.get("/desk/lang/zh")
    page = await maya.page("/desk/approvals/A-1")
    assert "此申请须两人审批" in page and "尚无人同意" in page
    assert "批准后将超过本店每日限额 $48.99：过去 24 小时已批准 $0.00，本次 $49.00。" in page


async def test_json_says_who_has_agreed_and_what_is_missing(desk: Desk) -> None:
    desk.limits = Limits(four_eyes_above=0, customer_day=1)
    digest = desk.propose()
    http = desk.token()
    before = (await http.get("/api/v1/actions/A-1")).json()
    assert (before["agreed"], before["needs_two"], before["step_up"]) == ([], True, True)
    assert before["over_limit"] == {
        "whose": "customer",
        "limit": {"amount_minor": 1, "currency": "USD"},
        "spent": {"amount_minor": 0, "currency": "USD"},
        "amount": {"amount_minor": PRICE, "currency": "USD"},
    }
    refused = await http.post("/api/v1/actions/A-1/decision", json={"decision": "approve", "digest": digest})
    assert (refused.status_code, refused.json()["code"]) == (422, "over_limit")
    desk.limits = Limits(four_eyes_above=0)
    after = await http.post("/api/v1/actions/A-1/decision", json={"decision": "approve", "digest": digest})
    assert (after.json()["status"], after.json()["agreed"]) == ("pending", ["API token"])


async def test_a_limit_that_would_be_passed_is_named_before_and_after(desk: Desk) -> None:
    desk.limits = Limits(approver_day=PRICE)
    one, two = desk.propose("A-0", order_no="#1004"), desk.propose()
    maya = await desk.sign_in("Maya")
    assert 'id="over"' not in await maya.page("/desk/approvals/A-1")
    await maya.submit("/desk/approvals/A-0/decision", decision="approve", digest=one)
    page = await maya.page("/desk/approvals/A-1")
    assert "would pass the daily limit of $49.00 for you: $49.00 has been approved" in page
    refused = await approve(maya, two)
    assert refused.status_code == 422 and "for you: $49.00 has been approved" in refused.text
    # Another approver has a day of his own.
    noel = await desk.sign_in("Noel", "admin")
    assert 'id="over"' not in await noel.page("/desk/approvals/A-1")


@pytest.mark.parametrize(
    "limits", [Limits(step_up_above=PRICE - 1), Limits(step_up_above=PRICE - 1, four_eyes_above=PRICE)]
)
async def test_a_large_amount_asks_for_the_password_again(desk: Desk, limits: Limits) -> None:
    desk.limits = limits
    digest = desk.propose()
    maya = await desk.sign_in("Maya")
    desk.clock.forward(301)  # the log-in itself was a proof, for five minutes
    page = await maya.page("/desk/approvals/A-1")
    assert 'id="prove"' in page and "Your password, please" in page
    bare = await approve(maya, digest)
    assert bare.status_code == 403 and "This asks for your password again." in bare.text
    wrong = await approve(maya, digest, password="wrong")
    assert wrong.status_code == 403 and "The password is not right." in wrong.text
    assert status(desk) is ActionStatus.PENDING
    right = await approve(maya, digest, password=PASSWORD)
    assert right.status_code == 200 and status(desk) is ActionStatus.APPROVED
    trail = [entry.what for entry in desk.services.audit.list()[0] if entry.what.startswith("confirm")]
    assert trail == ["confirm", "confirm_failed"]


async def test_a_proof_counts_for_five_minutes_and_for_this_browser_alone(desk: Desk) -> None:
    desk.limits = Limits(step_up_above=0)
    digest = desk.propose()
    maya = await desk.sign_in("Maya")
    desk.clock.forward(301)
    token = {"x-csrf-token": await maya.csrf()}
    body = {"decision": "approve", "digest": digest}
    refused = await maya.http.post("/api/v1/actions/A-1/decision", json=body, headers=token)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up")
    proof = await maya.http.post("/api/v1/confirm", json={"password": PASSWORD}, headers=token)
    assert proof.status_code == 204
    desk.clock.forward(301)
    assert (await maya.http.post("/api/v1/actions/A-1/decision", json=body, headers=token)).status_code == 403
    await maya.http.post("/api/v1/confirm", json={"password": PASSWORD}, headers=token)
    desk.clock.forward(299)
    assert (await maya.http.post("/api/v1/actions/A-1/decision", json=body, headers=token)).status_code == 200


async def test_an_edit_of_a_large_amount_asks_for_the_password_too(desk: Desk) -> None:
    desk.limits = Limits(step_up_above=PRICE - 1)
    digest = desk.propose(lines=(("L1", 2),))
    maya = await desk.sign_in("Maya")
    desk.clock.forward(301)
    fields = {"decision": "edit", "digest": digest, "line:L1": "1"}
    assert (await maya.submit(URL, **fields)).status_code == 403
    assert (await maya.submit(URL, **fields, password=PASSWORD)).status_code == 200


async def test_rejecting_asks_for_no_password(desk: Desk) -> None:
    desk.limits = Limits(step_up_above=0, four_eyes_above=0)
    digest = desk.propose()
    maya = await desk.sign_in("Maya")
    desk.clock.forward(301)
    answer = await maya.submit(URL, decision="reject", digest=digest, note="Outside the window.")
    assert answer.status_code == 200 and status(desk) is ActionStatus.REJECTED


def test_without_a_step_up_limit_the_one_for_two_people_asks() -> None:
    assert Limits(four_eyes_above=10).needs_step_up(11, False)
    assert not Limits(four_eyes_above=10).needs_step_up(10, False)
    assert Limits(four_eyes_above=10).needs_step_up(None, True)
    assert Limits(four_eyes_above=10, step_up_above=5).needs_step_up(6, False)
    assert not Limits().needs_step_up(10**9, True)
