"""Who is meant: the shop's customer records, the conversations, and the texts that only mention somebody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, false, func, or_, select

from xiaoer.domain.refusals import BadInput
from xiaoer.storage.engine import reading
from xiaoer.storage.metadata import desk_metadata, shop_metadata

_LEAST_DIGITS = 7  # of a phone; with fewer, half the town is meant
_TAIL = 9  # digits that tell two phones apart, whatever stands before them


@dataclass(frozen=True, slots=True)
class Wanted:
    """One way of naming a person; exactly one is given."""

    email: str | None = None
    phone: str | None = None
    customer: str | None = None  # the shop's reference, or the id in the shop's own log-in
    conversation: str | None = None
    store: str | None = None  # only there

    def __post_init__(self) -> None:
        given = [self.email, self.phone, self.customer, self.conversation]
        if sum(bool(value) for value in given) != 1:
            raise BadInput("Say whom you mean by exactly one of: e-mail, phone, customer, conversation.")
        if self.phone and len(digits_of(self.phone)) < _LEAST_DIGITS:
            raise BadInput(f"A phone number has at least {_LEAST_DIGITS} digits.")


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything that hangs on one person."""

    customers: tuple[tuple[str, str], ...] = ()  # (store, reference)
    orders: tuple[tuple[str, str], ...] = ()  # (store, order key)
    returns: tuple[tuple[str, str], ...] = ()
    refunds: tuple[tuple[str, str], ...] = ()
    conversations: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()  # messages of other conversations in which mail or phone stand
    actions: tuple[str, ...] = ()
    names: tuple[str, ...] = field(default=(), repr=False)
    values: tuple[str, ...] = field(default=(), repr=False)  # mail, phone, address: as the record has them

    @property
    def empty(self) -> bool:
        return not (self.customers or self.conversations or self.mentions)


def find_subject(desk: Engine, shop: Engine, wanted: Wanted) -> Subject:
    """Look in both databases; a subject that is empty is nobody we know."""
    with reading(shop) as session:
        records = _customers(session.connection(), wanted)
        pairs = tuple((row.store, row.customer_ref) for row in records)
        orders = _orders(session.connection(), pairs)
        kept = {
            name: _by_orders(session.connection(), name, orders) for name in ("shop_returns", "shop_refunds")
        }
    with reading(desk) as session:
        conn = session.connection()
        conversations = _conversations(conn, wanted, records)
        people = conn.execute(
            _columns("conversation", "customer_name").where(_in("conversation", "id", conversations))
        )
        said = [row.customer_name for row in people]
        mentions = _mentions(conn, wanted, records, conversations)
        actions = _actions(conn, pairs, conversations)
    return Subject(
        customers=pairs,
        orders=tuple((row.store, row.order_key) for row in orders),
        returns=kept["shop_returns"],
        refunds=kept["shop_refunds"],
        conversations=conversations,
        mentions=mentions,
        actions=actions,
        names=_unique([*(row.name for row in records), *(row.ship_name for row in orders), *said]),
        values=_unique(_values(wanted, records, orders)),
    )


def digits_of(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())


def table(name: str) -> Table:
    found = desk_metadata.tables.get(name)
    return found if found is not None else shop_metadata.tables[name]


def pair_clause(of: Table, column: str, pairs: Iterable[tuple[str, str]]) -> ColumnElement[bool]:
    """(store, key) in pairs; both databases understand it so."""
    clauses = [and_(of.c.store == store, of.c[column] == key) for store, key in pairs]
    return or_(*clauses) if clauses else false()


def _columns(name: str, *columns: str) -> Any:
    return select(*(table(name).c[column] for column in columns))


def _in(name: str, column: str, values: Iterable[str]) -> ColumnElement[bool]:
    return table(name).c[column].in_(tuple(values))


def _customers(conn: Connection, wanted: Wanted) -> list[Any]:
    t = table("shop_customers")
    query = select(t)
    if wanted.store:
        query = query.where(t.c.store == wanted.store)
    if wanted.email:
        query = query.where(func.lower(t.c.email) == wanted.email.strip().lower())
    elif wanted.customer:
        query = query.where(or_(t.c.customer_ref == wanted.customer, t.c.external_id == wanted.customer))
    elif wanted.phone:
        tail = digits_of(wanted.phone)[-4:]
        # Numbers are stored as people write them: the last digits find a few, their digits decide.
        query = query.where(t.c.phone.like(f"%{tail[-2:]}"))
        return [row for row in conn.execute(query) if same_phone(row.phone, wanted.phone)]
    else:
        return []
    return list(conn.execute(query))


def same_phone(one: str, other: str) -> bool:
    first, second = digits_of(one), digits_of(other)
    return len(first) >= _LEAST_DIGITS and first[-_TAIL:] == second[-_TAIL:]


def _orders(conn: Connection, pairs: tuple[tuple[str, str], ...]) -> list[Any]:
    t = table("shop_orders")
    return list(conn.execute(select(t).where(pair_clause(t, "customer_ref", pairs))))


def _by_orders(conn: Connection, name: str, orders: list[Any]) -> tuple[tuple[str, str], ...]:
    t = table(name)
    key = "return_id" if name == "shop_returns" else "refund_id"
    pairs = [(row.store, row.order_key) for row in orders]
    found = conn.execute(select(t.c.store, t.c[key]).where(pair_clause(t, "order_key", pairs)))
    return tuple((row[0], row[1]) for row in found)


def _conversations(conn: Connection, wanted: Wanted, records: list[Any]) -> tuple[str, ...]:
    t, a = table("conversation"), table("action")
    clauses = [and_(t.c.store == row.store, t.c.customer_ref == row.customer_ref) for row in records]
    clauses += [
        and_(t.c.store == row.store, t.c.external_id == row.external_id) for row in records if row.external_id
    ]
    if wanted.conversation:
        clauses.append(t.c.id == wanted.conversation)
    if wanted.customer:  # known to a shop whose records are elsewhere
        clauses.append(or_(t.c.customer_ref == wanted.customer, t.c.external_id == wanted.customer))
    if not clauses:
        return ()
    query = select(t.c.id).where(or_(*clauses))
    if wanted.store:
        query = query.where(t.c.store == wanted.store)
    found = {row.id for row in conn.execute(query)}
    pairs = [(row.store, row.customer_ref) for row in records]
    found |= {
        row[0]
        for row in conn.execute(select(a.c.conversation_id).where(pair_clause(a, "customer_ref", pairs)))
    }
    return tuple(sorted(found))


def _mentions(
    conn: Connection, wanted: Wanted, records: list[Any], conversations: tuple[str, ...]
) -> tuple[str, ...]:
    """Messages elsewhere that hold the mail or the phone as typed: somebody wrote it without proof."""
    needles = {value.lower() for value in (wanted.email, *(row.email for row in records)) if value}
    tails = {digits_of(value)[-_TAIL:] for value in (wanted.phone, *(row.phone for row in records)) if value}
    if not needles and not tails:
        return ()
    t = table("message")
    loose = [func.lower(t.c.text).contains(needle, autoescape=True) for needle in needles]
    loose += [t.c.text.like("%" + "%".join(tail) + "%") for tail in tails if len(tail) >= _LEAST_DIGITS]
    query = select(t.c.id, t.c.conversation_id, t.c.text, t.c.store).where(or_(*loose))
    rows = [row for row in conn.execute(query) if row.conversation_id not in conversations]
    return tuple(
        row.id for row in rows if _mentioned(row.text, needles, tails) and wanted.store in (None, row.store)
    )


def _mentioned(text: str, needles: set[str], tails: set[str]) -> bool:
    lowered, digits = text.lower(), re.sub(r"[ ().-]", "", text)
    return any(needle in lowered for needle in needles) or any(tail and tail in digits for tail in tails)


def _actions(
    conn: Connection, pairs: tuple[tuple[str, str], ...], conversations: tuple[str, ...]
) -> tuple[str, ...]:
    t = table("action")
    query = select(t.c.id).where(
        or_(_in("action", "conversation_id", conversations), pair_clause(t, "customer_ref", pairs))
    )
    return tuple(row.id for row in conn.execute(query))


def _values(wanted: Wanted, records: list[Any], orders: list[Any]) -> Iterable[str]:
    yield from (value for value in (wanted.email, wanted.phone) if value)
    for row in records:
        yield from (row.email, row.phone, row.street)
    for row in orders:
        yield from (row.ship_phone, row.ship_street)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    """Without blanks, and without what an earlier erasure has put there."""
    kept = (value.strip() for value in values if value and not value.startswith("<"))
    return tuple(dict.fromkeys(value for value in kept if len(value) > 1))
