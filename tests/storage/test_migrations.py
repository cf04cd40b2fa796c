"""Migrations lead to exactly the tables that the code knows, guarded, however often and by how many they are run."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

import xiaoer.app  # noqa: F401  # every room's tables enter their registry
from xiaoer.house import lay_foundation
from xiaoer.inbox.queue import Queue
from xiaoer.settings import Settings, SettingsRefused
from xiaoer.storage.alone import SEED, alone
from xiaoer.storage.engine import make_engine
from xiaoer.storage.migrate import METADATA, Registry, is_ahead, pending, upgrade, version_table

REGISTRIES: tuple[Registry, ...] = ("desk", "shop")
FOREIGN = ("queue_", "procrastinate_", "checkpoint", "alembic_", "sqlite_")
GUARDED = {
    "action_event": "UPDATE action_event SET note = 'forged'",
    "issued_grant": "DELETE FROM issued_grant",
    "desk_audit": "UPDATE desk_audit SET who = 'nobody'",
}


def differences(engine: Engine, registry: Registry) -> list[Any]:
    """What a new revision would have to change."""

    def ours(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in METADATA[registry].tables

    options = {"version_table": version_table(registry), "compare_type": True, "include_name": ours}
    with engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA[registry])


@pytest.mark.parametrize("registry", REGISTRIES)
def test_an_upgraded_empty_database_is_what_the_code_knows(engine: Engine, registry: Registry) -> None:
    assert pending(engine, registry)
    upgrade(engine, registry)
    assert differences(engine, registry) == []
    assert not pending(engine, registry)
    assert set(METADATA[registry].tables) <= set(inspect(engine).get_table_names())


def test_both_histories_the_queue_and_the_cases_live_in_one_database(engine: Engine, url: str) -> None:
    for registry in REGISTRIES:
        upgrade(engine, registry)
    Queue(url).prepare()
    for registry in REGISTRIES:
        upgrade(engine, registry)
        assert differences(engine, registry) == []
    known = {name for registry in REGISTRIES for name in METADATA[registry].tables}
    strange = set(inspect(engine).get_table_names()) - known
    assert all(name.startswith(FOREIGN) for name in strange), strange


@pytest.fixture
def settings(url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XIAOER_HOME", str(tmp_path))
    monkeypatch.setenv("XIAOER_DATABASE_URL", url)
    return Settings()


def test_the_guards_of_append_only_tables_stand_after_every_start(engine: Engine, settings: Settings) -> None:
    for _ in range(2):
        lay_foundation(settings).dispose()
        assert unguarded(engine) == []


def test_a_guard_that_a_migration_dropped_is_restored_by_the_next_start(
    engine: Engine, settings: Settings
) -> None:
    lay_foundation(settings).dispose()
    with engine.begin() as connection:
        for table in GUARDED:
            drop_guard(connection, table)
    assert unguarded(engine) == list(GUARDED)
    lay_foundation(settings).dispose()
    assert unguarded(engine) == []


@pytest.mark.postgres
def test_a_start_does_not_lock_a_guarded_table_that_somebody_works_on(
    postgres_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XIAOER_HOME", str(tmp_path))
    monkeypatch.setenv("XIAOER_DATABASE_URL", postgres_url)
    lay_foundation(Settings()).dispose()
    engine = make_engine(postgres_url)
    with engine.begin() as busy:
        busy.execute(text("LOCK TABLE action_event IN ROW EXCLUSIVE MODE"))
        lay_foundation(Settings()).dispose()
    engine.dispose()


def unguarded(engine: Engine) -> list[str]:
    """The tables in which history can be rewritten."""
    return [table for table, forgery in GUARDED.items() if not _is_refused(engine, table, forgery)]


def _is_refused(engine: Engine, table: str, forgery: str) -> bool:
    with engine.connect() as connection:
        _add_row(connection, table)
        try:
            connection.execute(text(forgery))
        except DBAPIError as error:
            assert "is append-only" in str(error.orig)
            return True
        finally:
            connection.rollback()
    return False


def _add_row(connection: Connection, table: str) -> None:
    """SQLite asks its triggers row by row, so that there must be one; never committed."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        columns = [column["name"] for column in inspect(connection).get_columns(table)]
        names, values = ", ".join(columns), ", ".join("1" for _ in columns)
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({values})")


def drop_guard(connection: Connection, table: str) -> None:
    if connection.dialect.name == "sqlite":
        for change in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER {table}_no_{change}")
    else:
        connection.exec_driver_sql(f"DROP TRIGGER {table}_append_only ON {table}")


def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    def fail(_connection: Connection) -> None:
        raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError, match="power"):
        upgrade(engine, "shop", fail)
    assert inspect(engine).get_table_names() == []
    upgrade(engine, "shop")
    assert differences(engine, "shop") == []


def test_tables_of_a_newer_version_are_left_alone_and_said_to_be_so(
    engine: Engine, settings: Settings
) -> None:
    lay_foundation(settings).dispose()
    assert not is_ahead(engine, "desk")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_desk SET version_num = 'of_tomorrow'")
    assert is_ahead(engine, "desk")
    with pytest.raises(SettingsRefused, match="XIAOER_DATABASE_URL: a newer version of Xiaoer has been at"):
        lay_foundation(settings)


@pytest.mark.postgres
def test_who_waits_for_another_s_migration_waits_as_long_as_it_takes(postgres_url: str) -> None:
    first = make_engine(postgres_url)
    impatient = create_engine(postgres_url, connect_args={"options": "-c lock_timeout=50ms"})
    waiting = threading.Event()

    def second() -> None:
        waiting.set()
        with alone(impatient, SEED):
            done.append("second")

    done: list[str] = []
    with ThreadPoolExecutor() as pool:
        with alone(first, SEED):
            later = pool.submit(second)
            assert waiting.wait(10)
            with first.connect() as connection:
                connection.execute(text("SELECT pg_sleep(0.3)"))
            done.append("first")
        later.result(timeout=20)
    assert done == ["first", "second"]
    with impatient.connect() as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "50ms"
    first.dispose()
    impatient.dispose()


START = """
import sys
from xiaoer.house import lay_foundation, seed_demo_stores
from xiaoer.inbox.queue import Queue
from xiaoer.settings import Settings
sys.stdin.readline()
settings = Settings()
base = lay_foundation(settings)
Queue(settings.database_url).prepare()
print(sum(seed_demo_stores(base).values()))
"""


@pytest.mark.postgres
def test_processes_that_start_at_once_on_an_empty_database_make_it_once(
    postgres_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XIAOER_HOME", str(tmp_path))
    monkeypatch.setenv("XIAOER_DATABASE_URL", postgres_url)
    pipe = subprocess.PIPE
    racers = [
        subprocess.Popen([sys.executable, "-c", START], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=100) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0], [err[-2000:] for _, err in told]
    seeded = sorted(int(out) for out, _ in told)
    assert seeded[:2] == [0, 0]
    assert seeded[2] > 100
    engine = make_engine(postgres_url)
    assert [differences(engine, registry) for registry in REGISTRIES] == [[], []]
    engine.dispose()
