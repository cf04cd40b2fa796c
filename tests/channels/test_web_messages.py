"""A message in, an answer out; the same message twice is one; bad input has one shape of answer."""

from __future__ import annotations

import json

import pytest
from support.inbox import until
from support.web import Web, read_events, serving

from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.money import Money


async def test_a_message_is_taken_at_once_and_answered_by_event(web: Web) -> None:
    customer = await web.open()
    answer = await customer.post("where is my parcel?")
    assert answer.status_code == 202
    assert set(answer.json()) == {"message_id", "conversation_id"}
    await until(lambda: len(web.inbox.texts()) == 2)
    said = [(message["author"], message["text"]) for message in await customer.messages()]
    assert said == [("customer", "where is my parcel?"), ("assistant", "answer to: where is my parcel?")]


async def test_waiting_answers_with_the_committed_turn(web: Web) -> None:
    customer = await web.open()
    answer = await customer.post("hello", wait=20)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"conversation_id", "message_id", "replies", "handed_off", "actions"}
    assert [(reply["author"], reply["text"]) for reply in body["replies"]] == [
        ("assistant", "answer to: hello")
    ]
    assert (body["handed_off"], body["actions"]) == (False, [])


async def test_a_wait_that_is_over_first_answers_202(web: Web) -> None:
    web.inbox.pauses.pause("answers", None, "Maya Demo")
    customer = await web.open()
    answer = await customer.post("hello", wait=0.2)
    assert answer.status_code == 202


@pytest.mark.parametrize("wait", ["61", "-1", "soon", "nan"])
async def test_a_wait_outside_its_limits_is_refused(web: Web, wait: str) -> None:
    customer = await web.open()
    url = f"/channels/web/demo-us/messages?wait={wait}"
    answer = await web.http.post(url, json={"id": "m1", "text": "hi"}, headers=customer.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_the_same_id_again_changes_nothing_and_answers_the_same(web: Web) -> None:
    customer = await web.open()
    first = await customer.post("hello", wait=20, id="m-1")
    again = await customer.post("hello", wait=20, id="m-1")
    assert first.json() == again.json()
    assert len(await customer.messages()) == 2


async def test_two_customers_may_choose_the_same_message_id(web: Web) -> None:
    jane, omar = await web.open(), await web.open()
    assert (await jane.post("one", wait=20, id="m-1")).status_code == 200
    assert (await omar.post("two", wait=20, id="m-1")).json()["replies"][0]["text"] == "answer to: two"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\x00b\x07c", "abc"),
        ("two\r\nlines", "two\nlines"),
        ("😀👨‍👩‍👧", "😀👨‍👩‍👧"),
        ("مرحبا \u202egnp", "مرحبا \u202egnp"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("'; DROP TABLE message; --", "'; DROP TABLE message; --"),
        ("x" * 10_000, "x" * 10_000),
    ],
)
async def test_strange_texts_are_kept_without_what_no_screen_shows(web: Web, text: str, kept: str) -> None:
    customer = await web.open()
    assert (await customer.post(text)).status_code == 202
    assert (await customer.messages())[0]["text"] == kept


@pytest.mark.parametrize(
    "body",
    [
        {"id": "m1", "text": ""},
        {"id": "m1", "text": "  \x00 \n"},
        {"id": "m1", "text": "x" * 10_001},
        {"id": "", "text": "hi"},
        {"id": "x" * 129, "text": "hi"},
        {"id": "a\x00b", "text": "hi"},
        {"id": 7, "text": "hi"},
        {"id": "m1", "text": ["hi"]},
        {"id": "m1"},
        {"id": "m1", "text": "hi", "store": "demo-cn"},
        {"id": "m1", "text": "\ud800"},
        [],
        "text",
        None,
    ],
)
async def test_a_body_that_does_not_fit_is_refused_in_one_sentence(web: Web, body: object) -> None:
    customer = await web.open()
    answer = await web.http.post(
        "/channels/web/demo-us/messages",
        content=json.dumps(body),
        headers={**customer.headers, "content-type": "application/json"},
    )
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "code"}
    assert answer.json()["error"].endswith(".")
    assert web.inbox.texts() == []


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"{", b"", b"{" * 5_000, b'{"id":"m","text":NaN}'])
async def test_a_body_that_is_no_json_is_refused(web: Web, raw: bytes) -> None:
    customer = await web.open()
    headers = {**customer.headers, "content-type": "application/json"}
    answer = await web.http.post("/channels/web/demo-us/messages", content=raw, headers=headers)
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error", "code"}


@pytest.mark.parametrize("announced", [True, False])
async def test_a_hundred_kilobytes_are_too_large(web: Web, announced: bool) -> None:
    customer = await web.open()
    body = json.dumps({"id": "m1", "text": "x" * 100_000}).encode()

    async def pieces():  # type: ignore[no-untyped-def]  # an upload without Content-Length
        for at in range(0, len(body), 8_000):
            yield body[at : at + 8_000]

    headers = {**customer.headers, "content-type": "application/json"}
    content = body if announced else pieces()
    answer = await web.http.post("/channels/web/demo-us/messages", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_wrong_addresses_and_methods_have_the_same_shape(web: Web) -> None:
    for answer in (await web.http.get("/nowhere"), await web.http.put("/channels/web/demo-us/sessions")):
        assert answer.status_code in (404, 405)
        assert set(answer.json()) == {"error", "code"}


async def test_answers_are_data_that_nobody_keeps_or_embeds(web: Web) -> None:
    answer = await web.http.post("/channels/web/demo-us/sessions", json={})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_the_stream_tells_each_message_once_and_goes_on_after_the_last_id(web: Web) -> None:
    customer = await web.open()
    async with serving(web.app) as base:
        await customer.post("one", wait=20)
        first = await read_events(base, customer, lambda heard: count(heard, "message") == 2)
        last = max(event["id"] for event in first)
        await customer.post("two", wait=20)
        then = await read_events(base, customer, lambda heard: count(heard, "message") == 2, str(last))
    assert [event["message"]["text"] for event in then if event["type"] == "message"] == [
        "two",
        "answer to: two",
    ]


async def test_the_stream_speaks_up_while_it_is_listened_to(web: Web) -> None:
    customer = await web.open()

    def heard_answer(heard: list[dict]) -> bool:  # type: ignore[type-arg]  # plain JSON
        if count(heard, "state") == 1 and not web.inbox.texts():
            web.inbox.intake.accept_now(message_of(customer))
        return count(heard, "message") == 2

    async with serving(web.app) as base:
        heard = await read_events(base, customer, heard_answer)
    assert [event["message"]["author"] for event in heard if event["type"] == "message"] == [
        "customer",
        "assistant",
    ]


def message_of(customer):  # type: ignore[no-untyped-def]  # the session's own thread
    from xiaoer.channels.web.router import _inbound
    from xiaoer.channels.web.sessions import read_session
    from xiaoer.channels.web.shapes import MessageRequest

    session = read_session("secret-key-of-the-tests", customer.token, customer.store)
    return _inbound(session, MessageRequest(id="m-live", text="hello"))


async def test_an_action_is_told_again_when_it_has_moved(web: Web) -> None:
    customer = await web.open()
    web.actions = [refund(ActionStatus.PENDING)]

    def moved(heard: list[dict]) -> bool:  # type: ignore[type-arg]  # plain JSON
        if count(heard, "action") == 1:
            web.actions = [refund(ActionStatus.SUCCEEDED)]
        return count(heard, "action") == 2

    async with serving(web.app) as base:
        heard = await read_events(base, customer, moved)
    told = [event["action"] for event in heard if event["type"] == "action"]
    assert [action["status"] for action in told] == ["pending", "succeeded"]
    assert told[0]["amount"] == {"amount_minor": 4900, "currency": "USD"}
    # A customer's page hears nothing of who decided and why.
    assert "decided_by" not in told[0]


async def test_the_list_tells_the_present_state_of_the_conversation(web: Web) -> None:
    customer = await web.open()
    assert [event["state"] for event in await customer.events() if event["type"] == "state"] == [
        {"status": "bot", "handed_off": False}
    ]
    web.inbox.console.take(customer.conversation_id, "Maya Demo")
    assert [
        event["state"]["handed_off"] for event in await customer.events() if event["type"] == "state"
    ] == [True]


async def test_a_colleagues_name_and_words_reach_the_customer(web: Web) -> None:
    customer = await web.open()
    web.inbox.console.agent_message(customer.conversation_id, "Maya", "I am here.")
    await until(lambda: "I am here." in web.inbox.texts("agent"))
    await web.inbox.outbox.send(customer.conversation_id)
    told = [message for message in await customer.messages() if message["author"] == "agent"]
    assert [(message["name"], message["text"]) for message in told] == [("Maya", "I am here.")]


def refund(status: ActionStatus) -> ActionView:
    return ActionView(
        "A-1",
        "issue_refund",
        status,
        "#1032",
        {},
        Money(4900, "USD"),
        "Visa ···· 0142",
        "refund.window",
        decided_by="Maya Demo",
    )


def count(heard: list[dict], kind: str) -> int:  # type: ignore[type-arg]  # plain JSON
    return sum(event["type"] == kind for event in heard)
