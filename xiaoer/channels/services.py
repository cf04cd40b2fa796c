"""What the channels are given by the joiner: the inbox, the ledger's public face, secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine

from xiaoer.channels.limiter import Limiter
from xiaoer.channels.streams import Streams
from xiaoer.domain.actions import ActionView
from xiaoer.domain.stores import Store
from xiaoer.inbox.intake import Intake
from xiaoer.inbox.live import Live


@dataclass(frozen=True, slots=True)
class Rates:
    """Generous for people behind one address; `limits` notation."""

    sessions: str = "120/minute"  # of one address
    messages: str = "120/minute"  # of one session
    address_messages: str = "600/minute"  # of one address, whatever its sessions


@dataclass(frozen=True)
class WebServices:
    engine: Engine  # the desk database
    stores: Mapping[str, Store]
    intake: Intake
    live: Live
    actions_of: Callable[[str], tuple[ActionView, ...]]  # of one conversation; synchronous
    secret_key: str  # signs sessions
    widget_secret: Callable[[Store], str | None]  # by the name that the store's file gives
    frame_ancestors: tuple[str, ...] = ("'self'",)  # sites that may embed the chat
    rates: Rates = Rates()
    limiter: Limiter = field(default_factory=Limiter)
    # A customer has a chat open in some windows; all customers of this process together.
    streams: Streams = field(default_factory=lambda: Streams(each=6, most=10_000))
