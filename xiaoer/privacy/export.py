"""Everything that the house has of a person, as plain JSON, table by table."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine

from xiaoer.domain.clock import Clock, iso
from xiaoer.privacy.inventory import DESK, SHOP, Rule
from xiaoer.privacy.rows import rows_of
from xiaoer.privacy.subject import Subject, Wanted, find_subject
from xiaoer.storage.engine import reading
from xiaoer.storage.metadata import desk_metadata, shop_metadata


def export_person(desk: Engine, shop: Engine, wanted: Wanted, clock: Clock) -> dict[str, Any]:
    """`{"made_at", "subject", "tables": {name: [row, …]}}`; tables without rows are left out."""
    subject = find_subject(desk, shop, wanted)
    tables: dict[str, list[dict[str, Any]]] = {}
    for engine, rules, metadata in ((desk, DESK, desk_metadata), (shop, SHOP, shop_metadata)):
        known = {name: rule for name, rule in rules.items() if name in metadata.tables}
        tables |= _tables(engine, known, subject)
    return {"made_at": iso(clock()), "subject": _who(subject), "tables": tables}


def _tables(engine: Engine, rules: dict[str, Rule], subject: Subject) -> dict[str, list[dict[str, Any]]]:
    found = {}
    with reading(engine) as session:
        for name, rule in rules.items():
            if rule.by in ("staff", "none", "shop"):
                continue
            rows = rows_of(session.connection(), name, rule, subject)
            if rows:
                found[name] = [{column: _plain(value) for column, value in row.items()} for row in rows]
    return found


def _who(subject: Subject) -> dict[str, Any]:
    return {
        "customers": [list(pair) for pair in subject.customers],
        "conversations": list(subject.conversations),
        "mentioned_in_messages": list(subject.mentions),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return value.isoformat() if isinstance(value, date) else value
