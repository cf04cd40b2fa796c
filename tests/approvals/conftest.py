from __future__ import annotations

import os

# LangGraph reads it when it is imported, which is here before our own package could set it.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from sqlalchemy import Engine
from support.case_world import MAYA, World, make_draft

from xiaoer.approvals import ledger
from xiaoer.approvals.savers import open_saver
from xiaoer.approvals.tables import ActionRow
from xiaoer.domain.actions import ActionDraft, ActionStatus
from xiaoer.storage.engine import make_engine, reading, transaction
from xiaoer.storage.metadata import desk_metadata


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/desk.db"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    if request.param == "sqlite":
        return sqlite_url
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    yield from _engine(database_url)


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    yield from _engine(sqlite_url)


def _engine(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    desk_metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
async def world(engine: Engine, database_url: str) -> AsyncIterator[World]:
    """On both databases, with the real savers."""
    async with open_saver(database_url) as saver:
        yield World(engine, saver)


@pytest.fixture
def small_world(sqlite_engine: Engine) -> World:
    return World(sqlite_engine, InMemorySaver())


class Book:
    """Short words for the ledger in tests."""

    def __init__(self, world: World) -> None:
        self.world = world

    def propose(
        self, draft: ActionDraft | None = None, status: ActionStatus = ActionStatus.PENDING
    ) -> ledger.Proposed:
        with transaction(self.world.engine) as session:
            return ledger.propose(session, draft or make_draft(), status, self.world.clock())

    def row(self, action_id: str = "A-1") -> ActionRow:
        with reading(self.world.engine) as session:
            return ledger.get(session, action_id)

    def status(self, action_id: str = "A-1") -> ActionStatus:
        return ActionStatus(self.row(action_id).status)

    async def approve(self, action_id: str = "A-1", **more: Any) -> Any:
        return await self.world.desk.decide(action_id, "approve", self.row(action_id).digest, MAYA, **more)


@pytest.fixture
def book(world: World) -> Book:
    return Book(world)


@pytest.fixture
def small_book(small_world: World) -> Book:
    return Book(small_world)
