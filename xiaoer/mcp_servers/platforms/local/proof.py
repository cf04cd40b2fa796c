"""Is the writer the buyer? One path and the same work whether the order exists or not."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select

from xiaoer.domain.orders import order_key
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.normal import email_key, name_key, phone_tail_key, postcode_key
from xiaoer.mcp_servers.platforms.protocol import SETTLED, Proof

# A missing order is answered by the shop's first one, which is read and compared all the same: what no row
# would save (a join, dates, eight normal forms) was a ninth of the whole, and told missing from foreign.
_BY_KEY = t.orders.alias("named")
_FIRST = t.orders.alias("first")
_ROW = func.coalesce(
    select(_BY_KEY.c.order_key)
    .where(_BY_KEY.c.store == bindparam("store"), _BY_KEY.c.order_key == bindparam("key"))
    .scalar_subquery(),
    select(func.min(_FIRST.c.order_key)).where(_FIRST.c.store == bindparam("store")).scalar_subquery(),
)
_CONTACTS = (
    select(
        t.orders.c.order_key,
        t.orders.c.customer_ref,
        t.orders.c.ship_name,
        t.orders.c.ship_phone,
        t.orders.c.ship_postcode,
        t.customers.c.name,
        t.customers.c.email,
        t.customers.c.phone,
        t.customers.c.postcode,
        t.customers.c.contact_changed_at,
    )
    .join_from(
        t.orders,
        t.customers,
        and_(t.customers.c.store == t.orders.c.store, t.customers.c.customer_ref == t.orders.c.customer_ref),
    )
    .where(t.orders.c.store == bindparam("store"), t.orders.c.order_key == _ROW)
)

# Compared where a shop has no order at all; what it holds can be typed by nobody.
_NOBODY = SimpleNamespace(
    order_key="\x00",
    customer_ref="",
    ship_name="\x00 nobody",
    ship_phone="",
    ship_postcode="\x00",
    name="\x00 nobody",
    email="\x00@nowhere",
    phone="",
    postcode="\x00",
    contact_changed_at=None,
)


def prove_customer(conn: Connection, store: str, proof: Proof, now: datetime) -> str | None:
    """The buyer's reference when one thing offered fits: mail, phone tail, or name with postcode.

    A mail or phone that was changed on file in the last 72 hours does not count: whoever has taken an account
    over changes those first. What stands on the order itself still counts.
    """
    key = order_key(proof.order_no)
    record: Any = conn.execute(_CONTACTS, {"store": store, "key": key}).first() or _NOBODY
    fits = _any_fits(proof, record, _settled(record.contact_changed_at, now))
    meant = bool(key) & (record.order_key == key)
    return str(record.customer_ref) if fits & meant else None


def _settled(changed_at: datetime | None, now: datetime) -> bool:
    return changed_at is None or now - changed_at >= SETTLED


def _any_fits(proof: Proof, record: Any, settled: bool) -> bool:
    """Every comparison is made, whatever the first of them says."""
    mail = _same(email_key, proof.email, record.email) & settled
    ordered = _same(phone_tail_key, proof.phone_tail, record.ship_phone)
    tail = ordered | (_same(phone_tail_key, proof.phone_tail, record.phone) & settled)
    name = _same(name_key, proof.name, record.name, record.ship_name)
    code = _same(postcode_key, proof.postcode, record.postcode, record.ship_postcode)
    return mail | tail | (name & code)


def _same(normal: Callable[[str], str], offered: str | None, *held: str) -> bool:
    """Does the offered value equal one on record? Nothing equals nothing."""
    wanted = normal(offered or "")
    found = False
    for value in held:
        known = normal(value)
        equal = hmac.compare_digest(_hashed(wanted), _hashed(known))
        found |= equal & bool(wanted) & bool(known)
    return found


def _hashed(text: str) -> bytes:
    """Equal length, so that the time of a comparison tells nothing of the length."""
    return hashlib.sha256(text.encode(errors="replace")).digest()
