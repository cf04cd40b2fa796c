"""The same desk on PostgreSQL: in one process, and with its roles in processes of their own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest
from support.desk import open_desk
from support.postgres import PostgresServer
from support.serving import TOKEN, Server
from support.waiting import eventually

from xiaoer.approvals import keys as key_files
from xiaoer.approvals.savers import open_saver
from xiaoer.mcp_servers.platforms.local import LocalPlatform
from xiaoer.storage.engine import make_engine

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("roles")]


async def test_one_process_on_postgresql_goes_from_question_to_receipt(
    postgres_url: str, tmp_path: Path
) -> None:
    async with open_desk(tmp_path, XIAOER_DATABASE_URL=postgres_url) as desk:
        jane = await desk.customer()
        assert "order" in (await jane.say("Where is my parcel?")).lower()
        assert "#1032" in await jane.say("it's #1032, jane@example.com")
        await jane.say("I want a refund for the travel pillow, I changed my mind")
        (action,) = jane.actions
        assert (action["tool"], action["status"]) == ("issue_refund", "pending")
        assert (await desk.decide(action["id"])).status_code == 200

        async def receipt() -> list[str]:
            return [m["text"] for m in await jane.history() if m["kind"] == "receipt"]

        assert "#1032" in (await eventually(receipt, 60))[0]
        assert (await desk.action(action["id"]))["status"] == "succeeded"
    assert refunds_of(postgres_url, "#1032") == 1


@pytest.mark.timeout(120)
async def test_two_executors_that_start_at_once_share_the_tables_of_cases(postgres_url: str) -> None:
    async def start() -> None:
        async with open_saver(postgres_url) as saver:
            await saver.aget_tuple({"configurable": {"thread_id": "none", "checkpoint_ns": ""}})

    await asyncio.gather(*(start() for _ in range(3)))


@dataclass
class Apart:
    """Three processes, each in a home with nothing but its own key."""

    database: str
    api: Server
    worker: Server
    executor: Server


# What each role is given of the four files that `xiaoer keys` makes.
GIVEN = {"api": (), "worker": ("context.pem", "verify.json"), "executor": ("grant.pem", "verify.json")}


@pytest.fixture(scope="module")
def apart(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    url = postgres_server.fresh_database_url()
    folder = tmp_path_factory.mktemp("roles")
    make_keys(folder / "made")
    shared = {"XIAOER_DATABASE_URL": url, "XIAOER_SECRET_KEY": "a secret that only the api process has"}
    servers = {}
    with ExitStack() as stack:
        stack.callback(postgres_server.drop, url)
        for role, files in GIVEN.items():
            home = folder / role
            (home / "keys").mkdir(parents=True)
            for file in files:
                shutil.copy2(folder / "made" / file, home / "keys" / file)
            servers[role] = Server(home, role=role, **shared)
            stack.callback(servers[role].stop)
        # All at once, on an empty database: none of them may depend on another's having been first.
        with ThreadPoolExecutor() as pool:
            list(pool.map(Server.start, servers.values()))
        yield Apart(url, **servers)


def make_keys(folder: Path) -> None:
    keys = {kind: key_files.make_key_file(folder / f"{kind}.pem").public_key() for kind in key_files.KINDS}
    key_files.write_verify_keys(folder / "verify.json", keys)


@pytest.mark.timeout(400)
def test_roles_apart_go_the_same_way(apart: Apart) -> None:
    customer = httpx2.Client(base_url=apart.api.url, timeout=70)
    staff = httpx2.Client(base_url=apart.api.url, timeout=20, headers={"authorization": f"Bearer {TOKEN}"})
    opened = customer.post("/channels/web/demo-us/sessions", json={}).json()
    customer.headers["authorization"] = f"Bearer {opened['session']}"

    def say(text: str) -> dict[str, Any]:
        body = {"id": text, "text": text}
        answer = customer.post("/channels/web/demo-us/messages", params={"wait": 60}, json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def receipts() -> list[str]:
        found = customer.get(
            "/channels/web/demo-us/events", params={"after": 0}, headers={"accept": "application/json"}
        )
        messages = [event["message"] for event in found.json() if event["type"] == "message"]
        return [message["text"] for message in messages if message["kind"] == "receipt"]

    assert say("Where is my parcel?")["replies"]
    assert "#1032" in say("it's #1032, jane@example.com")["replies"][0]["text"]
    (action,) = say("I want a refund for the travel pillow, I changed my mind")["actions"]
    assert (action["tool"], action["status"]) == ("issue_refund", "pending")

    shown = staff.get(f"/api/v1/actions/{action['id']}").json()
    decision = {"decision": "approve", "digest": shown["digest"]}
    path = f"/api/v1/actions/{action['id']}/decision"
    assert [staff.post(path, json=decision).status_code for _ in range(2)] == [200, 409]

    assert "#1032" in until(receipts)[0]
    assert staff.get(f"/api/v1/actions/{action['id']}").json()["status"] == "succeeded"
    assert refunds_of(apart.database, "#1032") == 1


def test_every_role_says_by_itself_whether_it_is_ready(apart: Apart) -> None:
    parts = {}
    for server in (apart.api, apart.worker, apart.executor):
        answer = httpx2.get(f"{server.url}/readyz", timeout=20)
        assert answer.status_code == 200
        parts[server.role] = answer.json()["parts"]
    assert set(parts["api"]) == {"desk_database", "shop_database", "queue"}
    assert set(parts["worker"]) - set(parts["api"]) == {"tools", "brain"}
    assert set(parts["executor"]) - set(parts["api"]) == {"tools"}


def test_only_the_api_takes_messages_and_shows_pages(apart: Apart) -> None:
    for server in (apart.worker, apart.executor):
        assert (
            httpx2.post(f"{server.url}/channels/web/demo-us/sessions", json={}, timeout=20).status_code == 404
        )
        assert httpx2.get(f"{server.url}/api/v1/actions", timeout=20).status_code == 404


def test_the_grant_key_is_nowhere_near_the_api_and_the_worker(apart: Apart) -> None:
    key = (apart.executor.home / "keys" / "grant.pem").read_bytes().splitlines()[1]
    for server in (apart.api, apart.worker):
        environment = Path(f"/proc/{server.pid}/environ").read_bytes()
        assert b"GRANT" not in environment
        files = [file for file in server.home.rglob("*") if file.is_file()]
        assert [file for file in files if "grant" in file.name or key in file.read_bytes()] == []


def until(look: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = monotonic() + seconds
    while not (found := look()):
        assert monotonic() < deadline, f"it did not happen within {seconds} s"
        sleep(0.05)
    return found


def refunds_of(url: str, order_no: str) -> int:
    engine = make_engine(url)
    try:
        order = LocalPlatform(engine).get_order("demo-us", None, order_no)
        assert order is not None
        return len(order.refunds)
    finally:
        engine.dispose()
