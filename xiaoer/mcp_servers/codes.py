"""L3: a code goes to the contact that stood on file before the conversation, and nowhere else.

The caller names an order and nothing more: where the code goes is the record's business, so a text in the
chat ("my e-mail has changed, send it to …") cannot lead it anywhere. Without a configured sender the tool
says so, and a person is offered.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Column, Engine, Index, func, select, update
from sqlmodel import Field, Session, col
from sqlmodel import select as rows
from sqlmodel.sql.expression import SelectOfScalar

from xiaoer.domain.ids import derived_id
from xiaoer.domain.refusals import Refusal
from xiaoer.mcp_servers.platforms.protocol import SETTLED, Contact
from xiaoer.storage.columns import UtcDateTime
from xiaoer.storage.engine import transaction
from xiaoer.storage.metadata import ShopTable

DIGITS = 6
LASTS = timedelta(minutes=10)
WRONG_TRIES = 3  # of one code
CODES_AN_HOUR = 3  # of one conversation, and for one customer: nobody's inbox is flooded


class ContactSender(Protocol):
    """One way to reach a customer; synchronous, called in a thread. Raises OSError for a failed delivery."""

    def send(self, store: str, to: str, code: str, lang: str) -> None: ...


Senders = Mapping[str, ContactSender]  # "email" and "sms", where configured


class NoCode(Refusal):
    """No code can be sent; the sentence says why, without a word about any record."""

    code = "no_code"


class ProofCode(ShopTable, table=True):
    """One code that was sent: its hash, never itself."""

    __tablename__ = "srv_proof_code"
    __table_args__ = (
        Index("ix_srv_proof_code_conversation", "store", "conversation_id", "sent_at"),
        Index("ix_srv_proof_code_customer", "store", "customer_ref", "sent_at"),
    )

    code_id: str = Field(primary_key=True, max_length=32)
    store: str = Field(max_length=64)
    conversation_id: str = Field(max_length=128)
    customer_ref: str = Field(max_length=128)
    salt: str = Field(max_length=64)
    code_hash: str = Field(max_length=64)
    tries: int = 0
    sent_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, in which conversation, since when."""

    store: str
    conversation_id: str
    customer_ref: str
    began_at: datetime
    lang: str = "en"


def settled(contact: Contact, began_at: datetime, now: datetime) -> bool:
    """Whether the contact stood on file before the conversation, and for 72 hours."""
    changed = contact.changed_at
    return changed is None or (changed < began_at and now - changed >= SETTLED)


def send_code(
    engine: Engine, senders: Senders, contact: Contact | None, asked: Asked, key: str, now: datetime
) -> str:
    """Make a code, keep its hash, send it; which way it went. Under the same key nothing is sent twice. Raises NoCode.

    The row is written before the code leaves, so that a crash between the two cannot give a code away
    that no limit has counted.
    """
    way = _way(senders, contact, asked, now)
    code = "".join(secrets.choice("0123456789") for _ in range(DIGITS))
    code_id = derived_id("PC", key, length=16)
    with transaction(engine) as session:
        if session.get(ProofCode, code_id) is not None:
            return way
        if _sent_lately(session, asked, now) >= CODES_AN_HOUR:
            raise NoCode("Too many codes were asked for within the hour. A colleague can go on.")
        session.add(_row(code_id, asked, code, now))
    assert contact is not None
    try:
        senders[way].send(asked.store, contact.email if way == "email" else contact.phone, code, asked.lang)
    except OSError as error:  # mail and SMS gateways fail as connections do; anything else is a fault of ours
        raise NoCode("The code could not be sent just now. A colleague can go on.") from error
    return way


def check_code(engine: Engine, asked: Asked, code: str, now: datetime) -> bool:
    """Whether this is the newest code of this conversation; for ten minutes and three wrong tries.

    The same right code again is a yes again: a turn that runs twice asks twice. To any other conversation it is nothing.
    """
    with transaction(engine) as session:
        row = session.exec(_newest(asked)).first()
        if row is None or row.tries >= WRONG_TRIES or now >= row.expires_at:
            return False
        right = hmac.compare_digest(row.code_hash, _hashed(row.salt, code))
        changes = {"used_at": now} if right else {"tries": ProofCode.tries + 1}
        session.execute(update(ProofCode).where(col(ProofCode.code_id) == row.code_id).values(**changes))
        return right


def _way(senders: Senders, contact: Contact | None, asked: Asked, now: datetime) -> str:
    if not senders:
        raise NoCode("This shop cannot send codes yet. A colleague can check who the customer is.")
    if contact is None or not settled(contact, asked.began_at, now):
        raise NoCode("No code can be sent for this. A colleague can check who the customer is.")
    held = {"email": contact.email, "sms": contact.phone}
    way = next((name for name in ("email", "sms") if name in senders and held[name]), None)
    if way is None:
        raise NoCode("No code can be sent for this. A colleague can check who the customer is.")
    return way


def _row(code_id: str, asked: Asked, code: str, now: datetime) -> ProofCode:
    salt = secrets.token_hex(16)
    return ProofCode(
        code_id=code_id,
        store=asked.store,
        conversation_id=asked.conversation_id,
        customer_ref=asked.customer_ref,
        salt=salt,
        code_hash=_hashed(salt, code),
        sent_at=now,
        expires_at=now + LASTS,
    )


def _hashed(salt: str, code: str) -> str:
    typed = "".join(char for char in code if char.isdecimal())
    return hashlib.sha256(f"{salt}{typed}".encode()).hexdigest()


def _sent_lately(session: Session, asked: Asked, now: datetime) -> int:
    since = now - timedelta(hours=1)
    t = ProofCode
    counts = [
        select(func.count()).where(col(t.store) == asked.store, column == value, col(t.sent_at) > since)
        for column, value in (
            (col(t.conversation_id), asked.conversation_id),
            (col(t.customer_ref), asked.customer_ref),
        )
    ]
    return max(int(session.execute(query).scalar() or 0) for query in counts)


def _newest(asked: Asked) -> SelectOfScalar[ProofCode]:
    return (
        rows(ProofCode)
        .where(
            ProofCode.store == asked.store,
            ProofCode.conversation_id == asked.conversation_id,
            ProofCode.customer_ref == asked.customer_ref,
        )
        .order_by(col(ProofCode.sent_at).desc())
        .limit(1)
    )
