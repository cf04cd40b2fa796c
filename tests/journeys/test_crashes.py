"""Killed at every named point of a turn and of a case: answered once, refunded once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest
from support.serving import TOKEN, Server, prepare_home

from xiaoer.mcp_servers.platforms.local import LocalPlatform
from xiaoer.storage.crashpoints import POINTS
from xiaoer.storage.engine import make_engine

ORDER = "#1010"
REQUEST = "order #1010, tail 0108. It is going back to you, refund me please"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_home(tmp_path_factory.mktemp("prepared"))


class Story:
    """The customer and the approver; whatever call dies with the process is made again after the restart."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.deaths: list[int] = []
        self.customer = httpx2.Client(base_url=server.url, timeout=20)
        self.staff = httpx2.Client(
            base_url=server.url, timeout=20, headers={"authorization": f"Bearer {TOKEN}"}
        )

    def call(self, request: Callable[[], httpx2.Response]) -> httpx2.Response:
        while True:
            try:
                return request()
            except httpx2.HTTPError:
                self.deaths.append(self.server.wait_dead())
                self.server.start()

    def open(self) -> None:
        opened = self.call(lambda: self.customer.post("/channels/web/demo-us/sessions", json={}))
        self.customer.headers["authorization"] = f"Bearer {opened.json()['session']}"

    def ask(self) -> None:
        body = {"id": "the-only-message", "text": REQUEST}
        assert (
            self.call(lambda: self.customer.post("/channels/web/demo-us/messages", json=body)).status_code
            == 202
        )

    def messages(self) -> list[dict[str, Any]]:
        found = self.call(
            lambda: self.customer.get(
                "/channels/web/demo-us/events", params={"after": 0}, headers={"accept": "application/json"}
            )
        )
        return [event["message"] for event in found.json() if event["type"] == "message"]

    def answers(self) -> list[str]:
        return [m["text"] for m in self.messages() if m["author"] == "assistant"]

    def receipts(self) -> list[str]:
        return [m["text"] for m in self.messages() if m["kind"] == "receipt"]

    def action(self) -> dict[str, Any]:
        found = self.call(lambda: self.staff.get("/api/v1/actions")).json()
        (item,) = found["actions"] if isinstance(found, dict) else found
        return dict(item)

    def approve(self) -> None:
        action = self.action()
        body = {"decision": "approve", "digest": action["digest"]}
        said = self.call(lambda: self.staff.post(f"/api/v1/actions/{action['id']}/decision", json=body))
        # Asked again after the crash, the first click may have counted already.
        assert said.status_code == 200 or (said.status_code == 409 and self.deaths)

    def until(self, look: Callable[[], Any], what: str) -> None:
        deadline = monotonic() + 60
        while not look():
            assert monotonic() < deadline, f"{what} did not happen; {self.messages()}"
            sleep(0.05)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", [point for point in POINTS if not point.startswith("followup.")])
def test_a_process_killed_at_this_point_answers_once_and_refunds_once(
    point: str, prepared: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(prepared, home)
    passed = tmp_path / "points"
    server = Server(home)
    story = Story(server)
    try:
        server.start(XIAOER_CRASH_AT=point, XIAOER_CRASH_LOG=str(passed))
        story.open()
        story.ask()
        story.until(story.answers, "the answer")
        story.until(lambda: story.action()["status"] == "pending" or story.deaths, "the proposal")
        story.approve()
        story.until(story.receipts, "the receipt")
        story.until(lambda: story.action()["status"] == "succeeded", "the success")
    finally:
        server.stop()

    assert story.deaths == [-9], "the armed point must have killed the process exactly once"
    assert point in passed.read_text().split()
    assert len(story_end(home)) == 1


def story_end(home: Path) -> list[str]:
    """The refunds that the shop itself knows of this order."""
    engine = make_engine(f"sqlite:///{home / 'shop.db'}")
    try:
        order = LocalPlatform(engine).get_order("demo-us", None, ORDER)
        assert order is not None
        return [refund.refund_id for refund in order.refunds]
    finally:
        engine.dispose()
