"""Who writes: sessions belong to one store and one conversation; ids count only with a signature."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.web import WIDGET_SECRET, Web

from xiaoer.channels.errors import Problem
from xiaoer.channels.services import Rates
from xiaoer.channels.web.sessions import WebSession, check_signature, read_session, seal_session
from xiaoer.inbox import views


def sign(external_id: str, secret: str = WIDGET_SECRET) -> str:
    return hmac.new(secret.encode(), external_id.encode(), hashlib.sha256).hexdigest()


async def test_a_visitor_gets_a_session_and_a_conversation(web: Web) -> None:
    answer = await web.http.post("/channels/web/demo-us/sessions", json={})
    assert answer.status_code == 201
    assert set(answer.json()) == {"session", "conversation_id"}
    row = views.get_conversation(web.inbox.engine, answer.json()["conversation_id"])
    assert (row.store, row.channel, row.level, row.external_id) == ("demo-us", "web", 0, None)


async def test_a_signed_visitor_is_level_one_and_comes_back_to_his_thread(web: Web) -> None:
    first = await web.open(external_id="shopper-7", signature=sign("shopper-7"), name="Jane Demo")
    again = await web.open(external_id="shopper-7", signature=sign("shopper-7"))
    assert first.conversation_id == again.conversation_id
    row = views.get_conversation(web.inbox.engine, first.conversation_id)
    assert (row.level, row.external_id, row.customer_name) == (1, "shopper-7", "Jane Demo")


async def test_an_unsigned_id_proves_nothing_and_leads_to_nobodys_thread(web: Web) -> None:
    proven = await web.open(external_id="shopper-7", signature=sign("shopper-7"))
    claimed = await web.open(external_id="shopper-7")
    assert claimed.conversation_id != proven.conversation_id
    row = views.get_conversation(web.inbox.engine, claimed.conversation_id)
    assert (row.level, row.external_id) == (0, None)


@pytest.mark.parametrize("signature", ["", "0" * 64, sign("somebody-else"), "é" * 32, sign("shopper-7", "x")])
async def test_a_wrong_signature_is_refused(web: Web, signature: str) -> None:
    body = {"external_id": "shopper-7", "signature": signature}
    answer = await web.http.post("/channels/web/demo-us/sessions", json=body)
    assert answer.status_code == 401
    assert answer.json()["code"] == "bad_signature"


async def test_a_signature_without_a_widget_secret_is_told_so(web: Web) -> None:
    web.widget_secret = None
    body = {"external_id": "shopper-7", "signature": sign("shopper-7")}
    answer = await web.http.post("/channels/web/demo-us/sessions", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "no_widget_secret"


async def test_a_session_of_one_store_is_nothing_in_another(web: Web) -> None:
    customer = await web.open("demo-us")
    customer.store = "demo-cn"
    assert (await customer.post()).status_code == 401
    assert (await web.http.get("/channels/web/demo-cn/events", headers=customer.headers)).status_code == 401


@pytest.mark.parametrize("token", ["", "nonsense", "WyJkZW1vLXVzIl0.a.b"])
async def test_a_forged_or_missing_session_is_refused(web: Web, token: str) -> None:
    customer = await web.open()
    customer.token = token
    answer = await customer.post()
    assert answer.status_code == 401
    assert answer.json()["code"] == "bad_session"


async def test_one_customer_never_hears_another(web: Web) -> None:
    jane, omar = await web.open(), await web.open()
    await jane.post("my order is #1001", wait=20)
    assert [message["text"] for message in await omar.messages()] == []


async def test_an_unknown_store_is_not_found(web: Web) -> None:
    answer = await web.http.post("/channels/web/nowhere/sessions", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_store")


async def test_floods_of_sessions_and_messages_meet_a_wall(web: Web) -> None:
    narrow = Web(web.inbox, rates=Rates(sessions="2/minute", messages="1/minute"))
    customer = await narrow.open()
    await narrow.open()
    refused = await narrow.http.post("/channels/web/demo-us/sessions", json={})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) > 0
    assert (await customer.post()).status_code == 202
    assert (await customer.post()).status_code == 429


@given(st.text(max_size=40), st.text(max_size=80))
def test_only_the_secrets_own_signature_fits(external_id: str, other: str) -> None:
    check_signature("s", external_id, sign_with("s", external_id))
    if other.lower() != sign_with("s", external_id):
        with pytest.raises(Problem):
            check_signature("s", external_id, other)


def sign_with(secret: str, external_id: str) -> str:
    return hmac.new(secret.encode(), external_id.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


@given(st.text(max_size=60))
def test_no_text_is_a_session(token: str) -> None:
    with pytest.raises(Problem):
        read_session("key", token, "demo-us")


def test_a_session_comes_back_as_it_was_sealed() -> None:
    session = WebSession("demo-us", "C-1", "s:1", "shopper-7", "Jane Demo")
    assert read_session("key", seal_session("key", session), "demo-us") == session
    with pytest.raises(Problem):
        read_session("another key", seal_session("key", session), "demo-us")
