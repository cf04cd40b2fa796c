"""What is due goes in small batches; what is open, and what bookkeeping needs, stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select
from sqlmodel import Session

import xiaoer.app  # noqa: F401  # every room's tables enter their registry
from xiaoer.mcp_servers.state import ProofAttempt, SpentGrant
from xiaoer.privacy import retention
from xiaoer.privacy.retention import Keep, Sweeper, hourly
from xiaoer.privacy.subject import table
from xiaoer.storage.engine import make_engine, reading, transaction
from xiaoer.storage.metadata import desk_metadata, shop_metadata

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def engines(tmp_path: Path) -> tuple[Engine, Engine]:
    desk, shop = (
        make_engine(f"sqlite:///{tmp_path / 'desk.db'}"),
        make_engine(f"sqlite:///{tmp_path / 'shop.db'}"),
    )
    desk_metadata.create_all(desk)
    shop_metadata.create_all(shop)
    return desk, shop


def talk(desk: Engine, name: str, days: int, promise: str | None = None) -> None:
    """A conversation whose last movement was so many days ago."""
    at = NOW - timedelta(days=days)
    row = {
        "id": name, "store": "demo-us", "channel": "web", "thread": f"u:{name}", "status": "closed", "sentiment": "neutral",
        "urgent": False, "hand_off_summary": "about Jane", "customer_name": "Jane", "level": 0, "memory": {"x": "y"},
        "misses": 0, "fence": 1, "last_seq": 1, "created_at": at, "updated_at": at,
    }  # fmt: skip
    said = {
        "id": f"M-{name}", "conversation_id": name, "store": "demo-us", "channel": "web", "seq": 1, "author": "customer",
        "who": "Jane", "kind": "text", "text": "I am Jane", "cards": [], "citations": [], "raw": {}, "event_id": f"e-{name}",
        "created_at": at, "state": "handled",
    }  # fmt: skip
    turn = {
        "id": f"T-{name}",
        "conversation_id": name,
        "trace": {},
        "actions": [],
        "handed_off": False,
        "ms": 1,
        "created_at": at,
    }
    with transaction(desk) as session:
        run = session.connection().execute
        run(insert(table("conversation")), row)
        run(insert(table("message")), said)
        run(insert(table("turn")), turn)
        if promise:
            values = {
                "id": f"F-{name}", "store": "demo-us", "conversation_id": name, "kind": "parcel", "subject": "#1", "order_no": "",
                "snapshot": {}, "urgent": False, "promised_at": at, "next_look_at": at, "deadline": at, "tries": 0,
                "state": promise, "closed_by": "", "closed_at": None if promise == "open" else at,
            }  # fmt: skip
            run(insert(table("follow_up")), values)


def count(engine: Engine, name: str) -> int:
    with reading(engine) as session:
        return int(session.connection().execute(select(func.count()).select_from(table(name))).scalar() or 0)


def sweeper(engines: tuple[Engine, Engine], **keep: int) -> Sweeper:
    return Sweeper(*engines, Keep(**keep), lambda: NOW)


def test_old_words_go_their_row_stays_without_a_name_and_new_ones_are_untouched(
    engines: tuple[Engine, Engine],
) -> None:
    desk, _ = engines
    talk(desk, "C-old", 800)
    talk(desk, "C-new", 10)
    done = sweeper(engines).sweep()
    assert done["messages"] == 1
    with reading(desk) as session:
        rows = {row.id: row for row in session.connection().execute(select(table("conversation")))}
        texts = list(session.connection().execute(select(table("message").c.conversation_id)).scalars())
    assert texts == ["C-new"]
    assert (rows["C-old"].customer_name, rows["C-old"].hand_off_summary, rows["C-old"].memory) == ("", "", {})
    assert rows["C-old"].thread == "erased:C-old" and rows["C-new"].thread == "u:C-new"
    assert not any(sweeper(engines).sweep().values())


def test_an_open_promise_keeps_its_conversation(engines: tuple[Engine, Engine]) -> None:
    talk(engines[0], "C-open", 800, promise="open")
    talk(engines[0], "C-kept", 800, promise="kept")
    sweeper(engines, traces=0).sweep()
    with reading(engines[0]) as session:
        left = list(session.connection().execute(select(table("message").c.conversation_id)).scalars())
    assert left == ["C-open"]
    assert count(engines[0], "follow_up") == 1


def test_traces_go_before_the_words_do(engines: tuple[Engine, Engine]) -> None:
    talk(engines[0], "C-1", 100)
    assert sweeper(engines).sweep()["traces"] == 1
    assert (count(engines[0], "turn"), count(engines[0], "message")) == (0, 1)


def test_zero_days_keep_for_ever(engines: tuple[Engine, Engine]) -> None:
    talk(engines[0], "C-1", 5_000)
    done = sweeper(engines, messages=0, traces=0).sweep()
    assert done.get("messages", 0) == done.get("traces", 0) == 0
    assert count(engines[0], "message") == 1


def test_many_rows_go_in_batches(engines: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 7)
    _, shop = engines
    with transaction(shop) as session:
        _attempts(session, 40)
    batches: list[int] = []
    step = retention._delete_some

    def counted(*given: object) -> int:
        batches.append(step(*given))  # type: ignore[arg-type]  # as it is called
        return batches[-1]

    monkeypatch.setattr(retention, "_delete_some", counted)
    assert sweeper(engines).sweep()["proofs"] == 40
    assert max(batches) == 7
    assert count(shop, "srv_proof_attempt") == 2  # the young ones
    assert count(shop, "srv_spent_grant") == 1


def _attempts(session: Session, old: int) -> None:
    for number in range(old + 2):
        at = NOW - timedelta(days=30 if number < old else 1)
        session.add(ProofAttempt(store="s", conversation_id="c", order_no=str(number), at=at))
    for name, days in (("g-old", 40), ("g-new", 1)):
        at = NOW - timedelta(days=days)
        session.add(
            SpentGrant(grant_id=name, action_id="a", server="refunds", tool="t", store="s", spent_at=at)
        )


async def test_a_sweep_runs_at_the_start_and_then_once_an_hour() -> None:
    ran: list[datetime] = []
    now = NOW

    async def work() -> None:
        ran.append(now)

    tick = hourly(lambda: now, work)
    for _ in range(3):
        await tick()
    now += timedelta(minutes=61)
    await tick()
    assert ran == [NOW, now]
