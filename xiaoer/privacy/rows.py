"""Rows of one person: found by the inventory's rules, handed out or rewritten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, false, select, update

from xiaoer.domain.pii import Kind, Masker
from xiaoer.privacy.inventory import Rule, masked
from xiaoer.privacy.subject import Subject, pair_clause, table

_ACTION_ID = {"action": "id"}
_CONVERSATION_ID = {"conversation": "id"}


class RecordMasker(Masker):
    """Knows besides the shapes what the record says: streets and numbers that no shape would tell."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject.names)
        self._known = [
            (re.compile(re.escape(value), re.IGNORECASE), value)
            for value in sorted(subject.values, key=len, reverse=True)
            if len(value) >= 5
        ]

    def text(self, text: str) -> str:
        for pattern, value in self._known:
            if pattern.search(text):
                kind = (
                    Kind.EMAIL
                    if "@" in value
                    else Kind.PHONE
                    if value.strip("+()- .").isdecimal()
                    else Kind.ADDRESS
                )
                text = pattern.sub(self.token(kind, value), text)
        return super().text(text)


def clause_of(name: str, rule: Rule, subject: Subject) -> ColumnElement[bool]:
    """Which rows of a table are this person's."""
    t = table(name)
    match rule.by:
        case "conversation":
            return t.c[_CONVERSATION_ID.get(name, "conversation_id")].in_(subject.conversations)
        case "action":
            return t.c[_ACTION_ID.get(name, "action_id")].in_(subject.actions)
        case "customer":
            return pair_clause(t, "customer_ref", subject.customers)
        case "order":
            return pair_clause(t, "order_key", subject.orders)
        case "return":
            return pair_clause(t, "return_id", subject.returns)
        case "refund":
            return pair_clause(t, "refund_id", subject.refunds)
    return false()


def rows_of(conn: Connection, name: str, rule: Rule, subject: Subject) -> list[RowMapping]:
    t = table(name)
    order = list(t.primary_key.columns)
    return [
        row._mapping for row in conn.execute(select(t).where(clause_of(name, rule, subject)).order_by(*order))
    ]


def rewrite(
    conn: Connection, name: str, rule: Rule, rows: Sequence[RowMapping], masker: Masker, *, dry: bool
) -> int:
    """Put what is to stand there in the place of personal columns; how many rows that changes."""
    t = table(name)
    present = {column: change for column, change in rule.erased.items() if column in t.c}
    count = 0
    for row in rows:
        new = {column: change(row, row[column], masker) for column, change in present.items()}
        new = {column: value for column, value in new.items() if value != row[column]}
        if not new:
            continue
        count += 1
        if not dry:
            key = and_(*(column == row[column.name] for column in t.primary_key.columns))
            conn.execute(update(t).where(key).values(**new))
    return count


# In conversations of others only what names the person goes: (table, how it hangs on the message, columns).
_ELSEWHERE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("message", "id", ("text", "cards", "raw")),
    ("conversation", "conversation", ("memory", "hand_off_summary")),
    ("action", "conversation", ("customer_words", "reject_note")),
    ("turn", "conversation", ("trace",)),
    ("csat", "conversation", ("comment",)),
    ("follow_up", "conversation", ("snapshot",)),
)


def mentioned_rows(conn: Connection, subject: Subject) -> Iterator[tuple[str, Rule, list[RowMapping]]]:
    """Rows of others in which the person is named, with the rule that takes only the naming out."""
    t = table("message")
    said = conn.execute(select(t.c.conversation_id).where(t.c.id.in_(subject.mentions)))
    conversations = {row.conversation_id for row in said}
    for name, by, columns in _ELSEWHERE:
        of = table(name)
        if by == "id":
            clause = of.c.id.in_(subject.mentions)
        else:
            clause = of.c[_CONVERSATION_ID.get(name, "conversation_id")].in_(conversations)
        rows = [row._mapping for row in conn.execute(select(of).where(clause))]
        yield name, Rule("none", dict.fromkeys(columns, masked)), rows
