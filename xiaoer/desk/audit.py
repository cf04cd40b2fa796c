"""Who did what at the desk, for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, select

from xiaoer.approvals.desk import Staff
from xiaoer.desk.tables import DeskAudit
from xiaoer.domain.clock import Clock
from xiaoer.domain.pii import Masker
from xiaoer.domain.refusals import BadInput
from xiaoer.storage.engine import reading, transaction

WHATS = (
    "sign_in",
    "sign_in_failed",
    "sign_out",
    "confirm",
    "confirm_failed",
    "look",
    "decide",
    "decide_refused",
    "take",
    "give_back",
    "close",
    "write",
    "pause",
    "resume",
    "answer_supplier",
    "case_received",
    "case_stopped",
    "case_not_stopped",
    "cancel_follow_up",
    "look_again",
    "close_unknown",
    "password",
    "end_sessions",
    "invite",
    "welcome",
    "reset",
    "roles",
    "disable",
    "enable",
)
MOST = 200


@dataclass(frozen=True, slots=True)
class AuditEntry:
    id: int
    at: datetime
    who: str
    what: str
    store: str | None
    target: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Audit:
    engine: Engine
    clock: Clock

    def note(self, who: Staff, what: str, target: str = "", store: str | None = None, **details: Any) -> None:
        """Add one entry; details hold ids and words of ours, never a customer's text (masked all the same)."""
        assert what in WHATS, what
        details = Masker().data(details)
        row = DeskAudit(
            at=self.clock(),
            who=who.name,
            who_id=who.id,
            what=what,
            store=store,
            target=target,
            details=details,
        )
        with transaction(self.engine) as session:
            session.add(row)

    def list(
        self,
        what: str | None = None,
        store: str | None = None,
        target: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        who: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Sequence[AuditEntry], str | None]:
        """Newest first, from `since` to before `until`, and the cursor of the next page; BadInput for a foreign one."""
        statement = select(DeskAudit).order_by(col(DeskAudit.id).desc()).limit(min(limit, MOST) + 1)
        wanted = {DeskAudit.what: what, DeskAudit.store: store, DeskAudit.target: target, DeskAudit.who: who}
        for column, value in wanted.items():
            if value:
                statement = statement.where(column == value)
        if since is not None:
            statement = statement.where(col(DeskAudit.at) >= since)
        if until is not None:
            statement = statement.where(col(DeskAudit.at) < until)
        if cursor is not None:
            statement = statement.where(col(DeskAudit.id) < _number(cursor))
        with reading(self.engine) as session:
            rows = [_entry(row) for row in session.exec(statement)]
        page = rows[: min(limit, MOST)]
        return page, str(page[-1].id) if len(rows) > len(page) else None


def _number(cursor: str) -> int:
    if not cursor.isdecimal() or len(cursor) > 18:
        raise BadInput("This cursor is not one of ours.")
    return int(cursor)


def _entry(row: DeskAudit) -> AuditEntry:
    assert row.id is not None
    return AuditEntry(row.id, row.at, row.who, row.what, row.store, row.target, row.details)
