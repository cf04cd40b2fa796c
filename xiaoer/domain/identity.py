"""What has been proven about the person who writes, and the scope that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class Level(IntEnum):
    ANONYMOUS = 0  # public facts
    CHANNEL = 1  # proven by the channel: the shop's own log-in, signed
    ORDER = 2  # order number plus phone tail, e-mail, or name with postcode
    CONTACT = 3  # code sent to the contact on file before this conversation


@dataclass(frozen=True, slots=True)
class Scope:
    """Bound to one conversation; the servers filter by it, tools never take a customer id."""

    store: str
    conversation_id: str
    level: Level = Level.ANONYMOUS
    external_id: str | None = None  # proven at L1 only
    customer_ref: str | None = None  # opaque, from a yes of verify_customer
    verified_at: datetime | None = None
    expires_at: datetime | None = None  # proof lasts for the conversation, at most 24 h
    only_order: str | None = None  # set: nothing but the state of this one order may be read
    began_at: datetime | None = None  # the conversation; a contact that changed later is nobody's proof

    def watching(self, order_no: str, customer_ref: str | None, until: datetime) -> Scope:
        """For keeping a promise after the proof has run out: one order, of whom it was promised to, for seconds."""
        level = Level.ORDER if customer_ref else Level.ANONYMOUS
        return Scope(
            self.store,
            self.conversation_id,
            level,
            customer_ref=customer_ref,
            expires_at=until,
            only_order=order_no,
        )

    def proven(self, now: datetime) -> bool:
        if self.level is Level.ANONYMOUS:
            return False
        return self.expires_at is None or now < self.expires_at
