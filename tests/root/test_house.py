"""What each role opens and runs, and what logs never say."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from xiaoer.commands.serve import configure_logs
from xiaoer.house import databases_of, servers_here
from xiaoer.mcp_servers.registry import SERVERS
from xiaoer.settings import Role, Settings
from xiaoer.storage.engine import make_engine


@pytest.mark.parametrize(
    ("role", "servers"),
    [
        (Role.ALL, set(SERVERS)),
        (Role.WORKER, set(SERVERS)),
        (Role.EXECUTOR, {"orders", "logistics", "returns", "refunds"}),
        (Role.API, set()),
    ],
)
def test_a_role_runs_only_the_servers_that_it_calls(home: Path, role: Role, servers: set[str]) -> None:
    assert set(servers_here(Settings(), role)) == servers


def test_with_every_server_elsewhere_worker_and_executor_do_not_open_the_shop(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SERVERS:
        monkeypatch.setenv(f"XIAOER_MCP_{name.upper()}_URL", "http://127.0.0.1:8101/mcp")
    settings = Settings()
    assert servers_here(settings, Role.WORKER) == ()
    assert databases_of(settings, Role.WORKER) == databases_of(settings, Role.EXECUTOR) == ("desk",)
    assert databases_of(settings, Role.API) == databases_of(settings, Role.ALL) == ("desk", "shop")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def logs_restored() -> Iterator[None]:
    before = structlog.get_config()
    level = logging.getLogger("procrastinate").level
    yield
    structlog.configure(**before)
    logging.getLogger("procrastinate").setLevel(level)


@pytest.mark.parametrize("stream", [io.StringIO, _Terminal])
def test_a_traceback_in_the_log_repeats_nothing_that_a_customer_wrote(
    monkeypatch: pytest.MonkeyPatch, logs_restored: None, stream: type[io.StringIO]
) -> None:
    said = stream()
    monkeypatch.setattr(sys, "stderr", said)
    configure_logs()

    card = "4111 1111"

    def answer(words: str) -> None:
        raise RuntimeError("no answer")

    try:
        answer(card)
    except RuntimeError:
        structlog.get_logger().exception("turn.failed", turn="T-1")
    assert "turn.failed" in said.getvalue()
    assert "RuntimeError: no answer" in said.getvalue()
    assert card not in said.getvalue()


def test_an_error_of_the_database_does_not_repeat_its_values(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(DBAPIError) as failed, engine.connect() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": "my card is 4111"})
    assert "4111" not in str(failed.value)
    engine.dispose()
