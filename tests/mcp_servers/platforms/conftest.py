"""A shop database of its own for every test, on SQLite and, where it is installed, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from xiaoer.mcp_servers.platforms.local import LocalPlatform, LocalShop
from xiaoer.storage.engine import make_engine
from xiaoer.storage.metadata import shop_metadata

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    yield from _with_tables(f"sqlite:///{tmp_path}/shop.db")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        yield from _with_tables(f"sqlite:///{tmp_path}/shop.db")
    else:
        yield from _with_tables(request.getfixturevalue("postgres_url"))


def _with_tables(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    shop_metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def platform(engine: Engine) -> LocalPlatform:
    return LocalPlatform(engine, lambda: NOW)


@pytest.fixture
def shop(engine: Engine) -> LocalShop:
    return LocalShop(engine, lambda: NOW)
