"""Erase a person over all stores: seen first, refused while something is open, told in full, and for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, select, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from xiaoer.approvals.history import record_erasure
from xiaoer.domain.actions import OPEN
from xiaoer.domain.clock import Clock
from xiaoer.privacy.inventory import DESK, SHOP, Rule
from xiaoer.privacy.rows import RecordMasker, mentioned_rows, rewrite, rows_of
from xiaoer.privacy.subject import Subject, Wanted, find_subject, pair_clause, table
from xiaoer.storage.engine import reading, transaction, writing

_OPEN_RETURNS = ("requested", "approved", "label_created", "in_transit", "open", "pickup_booked")


@dataclass(slots=True)
class Report:
    """What was found, what changed (or would), what stands in the way, what stays and why."""

    subject: Subject
    dry: bool
    blockers: list[str] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return not self.dry and not self.blockers


@dataclass(frozen=True, slots=True)
class Eraser:
    """Works on both databases; `with_shop=False` leaves the local shop's records alone."""

    desk: Engine
    shop: Engine
    clock: Clock

    def erase(self, wanted: Wanted, *, dry: bool, with_shop: bool = True) -> Report:
        """A second time changes nothing. Open money or parcels refuse it, with the reason."""
        subject = find_subject(self.desk, self.shop, wanted)
        report = Report(subject, dry)
        if subject.empty:
            return report
        report.blockers += self._blockers(subject, with_shop)
        if report.blockers and not dry:
            return report
        masker = RecordMasker(subject)
        if with_shop:
            self._shop(subject, masker, report)
        self._desk(subject, masker, report)
        if not dry:
            report.notes += [note for engine in {self.desk, self.shop} if (note := compact(engine))]
        return report

    def _desk(self, subject: Subject, masker: RecordMasker, report: Report) -> None:
        with transaction(self.desk) as session:
            conn = session.connection()
            if not report.dry:
                # A turn that is thinking just now must find the conversation moved on.
                t = table("conversation")
                conn.execute(update(t).where(t.c.id.in_(subject.conversations)).values(fence=t.c.fence + 1))
                _end_promises(conn, subject, self.clock())
            changed = _rewrite_all(conn, DESK, subject, masker, report)
            for name, rule, rows in mentioned_rows(conn, subject):
                report.changed[name] = report.changed.get(name, 0) + rewrite(
                    conn, name, rule, rows, masker, dry=report.dry
                )
            if not report.dry:
                for action_id in changed.get("action", ()):
                    record_erasure(session, action_id, self.clock())

    def _shop(self, subject: Subject, masker: RecordMasker, report: Report) -> None:
        with transaction(self.shop) as session:
            conn = session.connection()
            changed = _rewrite_all(conn, SHOP, subject, masker, report)
            if not report.dry and changed.get("shop_orders"):
                t = table("shop_orders")
                # A later import of the same file must not bring the person back.
                mine = pair_clause(t, "order_key", subject.orders)
                conn.execute(update(t).where(mine).values(touched_at=self.clock()))

    def _blockers(self, subject: Subject, with_shop: bool) -> list[str]:
        found = []
        with reading(self.desk) as session:
            t = table("action")
            open_now = select(t.c.id, t.c.tool, t.c.status, t.c.order_no).where(
                t.c.id.in_(subject.actions), t.c.status.in_([status.value for status in OPEN])
            )
            found += [
                f"{row.id} ({row.tool}, order {row.order_no}) is {row.status}: decide it first."
                for row in session.connection().execute(open_now)
            ]
        if with_shop:
            with reading(self.shop) as session:
                found += _open_orders(session, subject)
        return found


def _rewrite_all(
    conn: Connection, rules: dict[str, Rule], subject: Subject, masker: RecordMasker, report: Report
) -> dict[str, list[str]]:
    """Rewrite by every rule; the ids of rows that changed, of tables with an id."""
    ids: dict[str, list[str]] = {}
    for name, rule in rules.items():
        if rule.by in ("staff", "none", "shop") or not _exists(name):
            continue
        rows = rows_of(conn, name, rule, subject)
        before = {row["id"]: row for row in rows} if "id" in table(name).c else {}
        report.changed[name] = rewrite(conn, name, rule, rows, masker, dry=report.dry)
        if rows and rule.kept:
            report.kept[name] = rule.kept
        if before and report.changed[name]:
            after = {row["id"]: row for row in rows_of(conn, name, rule, subject)}
            ids[name] = [key for key, row in after.items() if dict(row) != dict(before[key])]
    return ids


def _exists(name: str) -> bool:
    from xiaoer.storage.metadata import desk_metadata, shop_metadata

    return name in desk_metadata.tables or name in shop_metadata.tables


def _end_promises(conn: Connection, subject: Subject, now: datetime) -> None:
    t = table("follow_up")
    mine = and_(t.c.conversation_id.in_(subject.conversations), t.c.state == "open")
    conn.execute(update(t).where(mine).values(state="cancelled", closed_by="erasure", closed_at=now))


def _open_orders(session: Session, subject: Subject) -> list[str]:
    """A contract that is still to be fulfilled needs its address."""
    orders, lines, returns = table("shop_orders"), table("shop_lines"), table("shop_returns")
    conn: Any = session.connection()
    waiting = (
        select(orders.c.order_no)
        .join(lines, and_(lines.c.store == orders.c.store, lines.c.order_key == orders.c.order_key))
        .where(pair_clause(orders, "order_key", subject.orders), orders.c.cancelled.is_(False))
        .where(lines.c.shipped_quantity + lines.c.cancelled_quantity < lines.c.quantity)
        .distinct()
    )
    found = [
        f"Order {row.order_no} is not shipped yet: its address is needed." for row in conn.execute(waiting)
    ]
    back = select(returns.c.return_id, returns.c.status).where(
        pair_clause(returns, "order_key", subject.orders), returns.c.status.in_(_OPEN_RETURNS)
    )
    return found + [f"Return {row.return_id} is still {row.status}." for row in conn.execute(back)]


def compact(engine: Engine) -> str | None:
    """Overwrite what SQLite has only marked as free, in the file and in its log; a sentence when it could not.

    PostgreSQL does this by itself (autovacuum); backups are the operator's.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    try:
        with writing(engine.url.database), engine.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").first()
    except DBAPIError as error:
        return f"{engine.url.database}: could not be compacted ({type(error.orig).__name__}); stop the desk and run it again."
    if busy is not None and busy[0]:
        return f"{engine.url.database}: a reader holds old pages; they go when it ends (run it again to be sure)."
    return None
