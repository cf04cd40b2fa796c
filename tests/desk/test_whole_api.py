"""Requests made up from the OpenAPI, for every address and everybody who may call it.

No answer is a 500, nothing is taken that the description does not know, and nobody is told of what is not his.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection
from support.inbox import Inbox, message
from support.staff import TOKEN, Desk, Question
from support.web import STORES, client

from xiaoer.channels.services import WebServices
from xiaoer.channels.web import build_web_router
from xiaoer.channels.web.sessions import WebSession, seal_session

KEY = "secret-key-of-the-tests"
CANARY = "canary of another customer"
# Nobody is waited for here: nothing runs turns.
BRIEF = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@dataclass
class House:
    app: Any
    customer: str  # a web session in demo-us that owns nothing but itself


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    inbox = Inbox(f"sqlite:///{tmp_path_factory.mktemp('api') / 'desk.db'}")
    desk = Desk(inbox)
    desk.propose()
    desk.questions["Q-1"] = Question(question=CANARY)
    for store in ("demo-us", "demo-cn"):
        inbox.intake.accept_now(
            message(CANARY, f"ev-{store}", thread="other", store=store, sender_name=CANARY)
        )
    services = WebServices(
        engine=inbox.engine,
        stores=STORES,
        intake=inbox.intake,
        live=inbox.live,
        actions_of=desk.services.approvals.actions_of,
        secret_key=KEY,
        widget_secret=lambda _store: None,
    )
    desk.app.include_router(build_web_router(services))
    own = asyncio.run(inbox.intake.open_conversation("demo-us", "web", "s:own"))
    yield House(desk.app, seal_session(KEY, WebSession("demo-us", own, "s:own")))
    inbox.engine.dispose()


@pytest.fixture(scope="module")
def operations(house: House) -> list[Any]:
    found = schemathesis.openapi.from_asgi("/openapi.json", house.app).get_all_operations()
    return [operation.ok() for operation in found]


def test_staff_meet_no_500_and_nothing_unknown_is_taken(operations: list[Any]) -> None:
    assert len(operations) > 20
    for operation in operations:
        made_up(operation, BRIEF, lambda case: call(case, {"authorization": f"Bearer {TOKEN}"}))


def test_a_customer_is_told_of_nothing_that_is_not_his(operations: list[Any], house: House) -> None:
    def ask(case: Any) -> None:
        assert CANARY not in call(case, {"authorization": f"Bearer {house.customer}"}).text

    for operation in operations:
        made_up(operation, settings(BRIEF, max_examples=4), ask)


def test_a_stranger_is_told_nothing(operations: list[Any]) -> None:
    def ask(case: Any) -> None:
        answer = call(case, {})
        assert CANARY not in answer.text
        if case.operation.path.startswith("/api"):
            assert answer.status_code in (400, 401, 405, 422), (case.operation.label, answer.status_code)

    for operation in operations:
        made_up(operation, settings(BRIEF, max_examples=4), ask)


def test_every_body_is_closed_to_unknown_fields(house: House) -> None:
    """What the description leaves open no made-up request would find."""
    described = house.app.openapi()
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for path in described["paths"].values()
        for operation in path.values()
        if "requestBody" in operation
    ]
    assert len(bodies) >= 8
    for schema in bodies:
        for shape in shapes_in(schema, described["components"]["schemas"]):
            assert shape.get("additionalProperties") is False, shape["title"]


def shapes_in(schema: Any, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every object in a schema, through its references."""
    if isinstance(schema, list):
        for part in schema:
            yield from shapes_in(part, known)
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "object":
        yield schema
    for part in schema.values():
        yield from shapes_in(part, known)


async def test_an_unknown_parameter_is_told_and_not_ignored(house: House) -> None:
    http = client(house.app)
    http.headers["authorization"] = f"Bearer {TOKEN}"
    for url in ("conversations?stroe=demo-us", "actions?limit=5&all=1", "audit?x=1", "follow-ups?stores=a"):
        answer = await http.get(f"/api/v1/{url}")
        assert answer.status_code == 422 and "unknown parameter" in answer.json()["error"], url


def made_up(operation: Any, how: settings, ask: Any) -> None:
    """Requests as described, and requests that are not, in halves."""
    for mode in GenerationMode:

        @given(case=operation.as_strategy(generation_mode=mode))
        @how
        def run(case: Any) -> None:
            ask(case)

        try:
            run()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label  # nothing can be wrong here


def call(case: Any, headers: dict[str, str]) -> Any:
    if case.query.get("wait") is not None and case.operation.path.endswith("/messages"):
        case.query["wait"] = "0.01"
    # The list, not the stream that never ends.
    answer = case.call(headers={"accept": "application/json", **headers})
    checks = [not_a_server_error, negative_data_rejection] if headers else [not_a_server_error]
    case.validate_response(answer, checks=checks)
    return answer
