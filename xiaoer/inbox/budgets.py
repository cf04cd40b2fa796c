"""What has been used today, counted in the transaction of each turn; senders only as a hash of the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import BigInteger, Column, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session

from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.domain.budgets import Brake, Budgets, Price, Spent, brake_for, loop_in
from xiaoer.domain.canonical import sha256_hex
from xiaoer.inbox.loading import Opened
from xiaoer.storage.metadata import DeskTable


class BudgetDay(DeskTable, table=True):
    """One scope on one day: "all", "store:…", "conversation:…", "sender:<hash>"."""

    __tablename__ = "budget_day"

    day: str = Field(primary_key=True)  # 2026-11-22, UTC
    scope: str = Field(primary_key=True)
    turns: int = 0
    messages: int = 0
    characters: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    tokens: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    micro_usd: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


BUDGET = cast(Table, BudgetDay.__table__)  # type: ignore[attr-defined]  # SQLModel hides its table
_COUNTED = ("turns", "messages", "characters", "tokens", "micro_usd")
_READ = select(BUDGET).where(
    BUDGET.c.day == bindparam("of_day"), BUDGET.c.scope.in_(bindparam("scopes", expanding=True))
)
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def read_brake(session: Session, opened: Opened, turn: TurnInput, budgets: Budgets) -> Brake | None:
    """The first limit that this turn would pass; loops first, they need no counting."""
    loop = loop_in(turn.history, [(m.text, m.created_at) for m in opened.messages], budgets)
    return loop or brake_for(_spent(session, scopes_of(opened, turn.now), turn.now), budgets)


def count_turn(session: Session, opened: Opened, outcome: TurnOutcome, now: datetime, price: Price) -> None:
    """Add the turn to every scope; the widest last, so that its row is locked for the shortest time."""
    used = _used(opened, outcome, price)
    rows = [{"day": _day(now), "scope": scope, **used} for scope in scopes_of(opened, now).values()]
    session.connection().execute(_add(session.get_bind().dialect.name), rows)


def scopes_of(opened: Opened, now: datetime) -> dict[str, str]:
    """Scope → the key of its row, the narrowest first."""
    row = opened.conversation
    # The hash changes every day: a row tells nothing of a person, and nobody is followed over days.
    sender = sha256_hex("\x1f".join((_day(now), row.store, row.channel, row.external_id or row.thread)))[:24]
    return {
        "conversation": f"conversation:{row.id}",
        "sender": f"sender:{sender}",
        "store": f"store:{row.store}",
        "all": "all",
    }


def _used(opened: Opened, outcome: TurnOutcome, price: Price) -> dict[str, int]:
    calls: list[Mapping[str, Any]] = outcome.trace.get("model_calls", [])
    total, cached, output = (
        sum(call.get(name, 0) or 0 for call in calls)
        for name in ("input_tokens", "cached_tokens", "output_tokens")
    )
    return {
        "turns": 1,
        "messages": len(opened.messages),
        "characters": sum(len(message.text) for message in opened.messages),
        "tokens": total + output,
        "micro_usd": price.micro_usd(max(0, total - cached), cached, output),
    }


def _spent(session: Session, scopes: Mapping[str, str], now: datetime) -> dict[str, Spent]:
    names = {key: scope for scope, key in scopes.items()}
    rows = session.connection().execute(_READ, {"of_day": _day(now), "scopes": list(names)})
    return {names[row.scope]: Spent(*(getattr(row, name) for name in _COUNTED)) for row in rows}


def _day(now: datetime) -> str:
    return f"{now:%Y-%m-%d}"


@lru_cache
def _add(dialect: str) -> Any:
    made = _INSERTS[dialect](BUDGET)
    sums = {name: BUDGET.c[name] + made.excluded[name] for name in _COUNTED}
    return made.on_conflict_do_update(index_elements=["day", "scope"], set_=sums)
