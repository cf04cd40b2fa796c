"""What the desk is given by the joiner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol

from sqlalchemy import Engine

from xiaoer.approvals.case_files import CaseFiles, ShopDesk
from xiaoer.approvals.desk import Approvals
from xiaoer.channels.limiter import Limiter
from xiaoer.channels.streams import Streams
from xiaoer.desk.audit import Audit
from xiaoer.desk.looks import Looks
from xiaoer.domain.clock import Clock, utc_now
from xiaoer.domain.stores import Store
from xiaoer.inbox.console import Console
from xiaoer.inbox.followups.desk import FollowUps
from xiaoer.inbox.live import Live
from xiaoer.inbox.pause import Pauses


class Inquiry(Protocol):
    """A question to a supplier, as the suppliers server keeps it."""

    @property
    def inquiry_id(self) -> str: ...
    @property
    def store(self) -> str: ...
    @property
    def conversation_id(self) -> str: ...
    @property
    def supplier(self) -> str | None: ...
    @property
    def order_no(self) -> str | None: ...
    @property
    def sku(self) -> str | None: ...
    @property
    def question(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def answer(self) -> str | None: ...
    @property
    def answered_by(self) -> str | None: ...
    @property
    def asked_at(self) -> datetime: ...
    @property
    def expected_by(self) -> datetime | None: ...
    @property
    def answered_at(self) -> datetime | None: ...


ListInquiries = Callable[[str], Sequence[Inquiry]]  # (store)
AnswerInquiry = Callable[[str, str, str], Inquiry | None]  # (inquiry id, text, who); None: too late


@dataclass(frozen=True)
class DeskServices:
    engine: Engine  # the desk database
    stores: Mapping[str, Store]
    approvals: Approvals
    console: Console
    pauses: Pauses
    live: Live
    follow_ups: FollowUps
    list_inquiries: ListInquiries
    answer_inquiry: AnswerInquiry
    api_token: str | None = None
    secure_cookies: bool = False  # True behind TLS: `__Host-` and Secure
    login_rate: str = "10/minute"  # wrong tries of one address at one account
    address_rate: str = "60/minute"  # tries of one address at any
    account_rate: str = "20/15minute"  # wrong tries at one account, from wherever
    confirm_rate: str = "5/5minute"  # wrong tries of a signed-in person at his own password
    shop_desk: ShopDesk | None = None  # None: goods are booked in elsewhere
    clock: Clock = utc_now
    limiter: Limiter = field(default_factory=Limiter)
    streams: Streams = field(default_factory=lambda: Streams(each=8, most=400))

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.engine, self.clock)

    @cached_property
    def cases(self) -> CaseFiles:
        return CaseFiles(self.engine, self.clock, self.shop_desk)

    @cached_property
    def looks(self) -> Looks:
        return Looks(self.audit)
