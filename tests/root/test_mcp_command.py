"""`xiaoer mcp`: one server alone, for the official client, over stdio and HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent
from support.command import run_here

from xiaoer.mcp_servers.platforms.local import LocalPlatform
from xiaoer.mcp_servers.registry import SERVERS
from xiaoer.storage.engine import make_engine
from xiaoer.tools.catalog import CATALOG

pytestmark = pytest.mark.xdist_group("cli")

REFUND = {"order_no": "#1032", "lines": [{"line_id": "1", "quantity": 1}], "reason": "changed_mind"}


def environment(home: Path, **more: str) -> dict[str, str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if name == "XIAOER_CACHE" or not name.startswith("XIAOER_")
    }
    return {**clean, "XIAOER_HOME": str(home), **more}


async def look(server: Any) -> tuple[set[str], CallToolResult]:
    """The tools a client sees, and what comes of a refund without a grant."""
    async with Client(server) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        return tools, await client.call_tool("issue_refund", REFUND)


def assert_refused(answer: CallToolResult, home: Path) -> None:
    assert answer.is_error
    (part,) = answer.content
    assert isinstance(part, TextContent)
    said = json.loads(part.text[part.text.index("{") :])
    assert said["code"].startswith("grant")
    engine = make_engine(f"sqlite:///{home / 'shop.db'}")
    order = LocalPlatform(engine).get_order("demo-us", None, "#1032")
    engine.dispose()
    assert order is not None
    assert order.refunds == ()


REFUND_TOOLS = {name for server, name in CATALOG if server == "refunds"}


async def test_by_stdio_it_lists_its_tools_and_moves_no_money_without_a_grant(home: Path) -> None:
    command = [sys.executable, "-m", "xiaoer.cli", "mcp", "refunds"]
    tools, answer = await look(
        StdioServerParameters(command=command[0], args=command[1:], env=environment(home))
    )
    assert tools == REFUND_TOOLS
    assert_refused(answer, home)
    assert not (home / "xiaoer.db").exists(), "a server alone has no business with the desk's database"


async def test_by_http_the_same(home: Path) -> None:
    with serving_mcp(home, "refunds") as url:
        tools, answer = await look(url)
    assert tools == REFUND_TOOLS
    assert_refused(answer, home)


@contextmanager
def serving_mcp(home: Path, name: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "xiaoer.cli", "mcp", name, "--http", address]
    process = subprocess.Popen(command, env=environment(home), stderr=subprocess.PIPE, text=True)
    try:
        await_port(process, address)
        yield f"http://{address}/mcp"
    finally:
        process.terminate()
        said = process.communicate(timeout=20)[1]
    assert f"refunds serves MCP at http://{address}/mcp" in said
    assert "Traceback" not in said


def await_port(process: subprocess.Popen[str], address: str) -> None:
    host, port = address.split(":")
    deadline = monotonic() + 60
    while monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        sleep(0.05)
    raise AssertionError(f"nobody listens at {address}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["payments"], f"There is no server 'payments'; there are: {', '.join(SERVERS)}."),
        (["refunds", "--http", "8104"], "--http 8104 is not HOST:PORT, such as 127.0.0.1:8101."),
        (["refunds", "--http", "127.0.0.1:99999"], "is not HOST:PORT"),
        (["refunds", "--http", "127.0.0.1:http"], "is not HOST:PORT"),
    ],
)
def test_what_cannot_be_served_is_told_with_exit_code_2(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    ran = run_here(monkeypatch, capsys, "mcp", *words)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err


def test_a_taken_port_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = run_here(monkeypatch, capsys, "mcp", "refunds", "--http", address)
    assert ran.code == 3
    assert "is not free" in ran.err
    assert "Set --http to another one." in ran.err


def test_keys_that_are_said_to_come_from_elsewhere_are_not_made_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XIAOER_VERIFY_KEYS", str(home / "elsewhere.json"))
    ran = run_here(monkeypatch, capsys, "mcp", "refunds")
    assert ran.code == 2
    assert ran.err.startswith(f"XIAOER_VERIFY_KEYS: {home}/elsewhere.json is not there.")
    assert not (home / "keys").exists()
