"""The desk over a real inbox and a real ledger, spoken to as its people do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from html import unescape
from typing import Any

import httpx2
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from support.case_world import Outbox, Queue, TestClock, make_draft, quote_data, read
from support.inbox import Inbox, message
from support.web import STORES, client

from xiaoer.approvals import ledger
from xiaoer.approvals.desk import Approvals, Staff
from xiaoer.channels.errors import install_error_handlers
from xiaoer.desk import DeskServices, build_api_router, build_desk_router
from xiaoer.desk.access import cookie_name
from xiaoer.desk.sessions import open_session
from xiaoer.desk.tables import DeskUser
from xiaoer.domain.actions import ActionStatus, Quote, Terms
from xiaoer.domain.limits import Limits
from xiaoer.inbox.followups.desk import FollowUps
from xiaoer.storage.engine import transaction

TOKEN = "staff-token-of-the-tests"
PASSWORD = "correct horse battery"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Question:
    """A question to a supplier, as the servers keep it."""

    inquiry_id: str = "Q-1"
    store: str = "demo-us"
    conversation_id: str = "C-1"
    supplier: str | None = "northdock"
    order_no: str | None = "#1009"
    sku: str | None = None
    question: str = "Has it left your warehouse?"
    status: str = "open"
    answer: str | None = None
    answered_by: str | None = None
    asked_at: datetime = NOW
    expected_by: datetime | None = NOW
    answered_at: datetime | None = None


@dataclass
class Desk:
    """People by role in `people`; `http` knows nobody."""

    inbox: Inbox
    clock: TestClock = field(default_factory=lambda: TestClock(NOW))
    questions: dict[str, Question] = field(default_factory=dict)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.outbox, self.jobs = Outbox(), Queue()
        self.key = Ed25519PrivateKey.generate()
        self.services = DeskServices(
            engine=self.inbox.engine,
            stores=STORES,
            approvals=Approvals(
                self.inbox.engine,
                self.jobs.defer,
                self.clock,
                self.outbox.tell,
                self.quote,
                limits_of=lambda _: self.limits,
            ),
            console=self.inbox.console,
            pauses=self.inbox.pauses,
            live=self.inbox.live,
            follow_ups=FollowUps(self.inbox.engine, self.inbox.queue, self.clock, self.inbox.live),
            list_inquiries=lambda store: [q for q in self.questions.values() if q.store == store],
            answer_inquiry=self.answer,
            api_token=TOKEN,
            login_rate="1000/minute",
            address_rate="1000/minute",
            account_rate="1000/minute",
            clock=self.clock,
        )
        self.app = FastAPI()
        install_error_handlers(self.app)
        self.app.include_router(build_api_router(self.services))
        self.app.include_router(build_desk_router(self.services))
        self.http = client(self.app)

    async def quote(self, terms: Terms, args: dict[str, Any] | None = None) -> Quote:
        return read(quote_data(terms.tool, args or terms.args, 4900, "needs_approval", 7, "p1"))

    def answer(self, inquiry_id: str, text: str, who: str) -> Question | None:
        question = self.questions.get(inquiry_id)
        if question is None or question.status != "open":
            return None
        self.answers.append((inquiry_id, text, who))
        done = Question(inquiry_id, status="answered", answer=text, answered_by=who, answered_at=NOW)
        self.questions[inquiry_id] = done
        return done

    def propose(self, action_id: str = "A-1", **changes: Any) -> str:
        """A pending action on a real conversation; its digest is on its page."""
        accepted = self.inbox.intake.accept_now(message("please refund", f"ev-{action_id}"))
        draft = make_draft(action_id, conversation_id=accepted.conversation_id, **changes)
        with transaction(self.inbox.engine) as session:
            ledger.propose(session, draft, ActionStatus.PENDING, self.clock())
        return draft.terms.digest()

    def hire(self, name: str, *roles: str) -> Staff:
        """A person whose password was hashed once for all tests: the hash is slow by design."""
        user = DeskUser(
            id=f"U-{name}", name=name, password_hash=_hashed(), roles=list(roles), created_at=self.clock()
        )
        with transaction(self.inbox.engine) as session:
            session.add(user)
        return Staff(user.id, name, frozenset(roles))

    async def sign_in(self, name: str = "Maya", *roles: str) -> Person:
        """A browser with a session; the log-in page itself has tests of its own."""
        staff = self.hire(name, *(roles or ("approver",)))
        token = open_session(self.inbox.engine, staff, self.clock)
        return Person(client(self.app, cookies={cookie_name(self.services): token}))

    def token(self) -> httpx2.AsyncClient:
        http = client(self.app)
        http.headers["authorization"] = f"Bearer {TOKEN}"
        return http


@cache
def _hashed() -> str:
    return PasswordHasher().hash(PASSWORD)


@dataclass
class Person:
    """A signed-in browser."""

    http: httpx2.AsyncClient

    async def page(self, url: str) -> str:
        answer = await self.http.get(url, headers={"accept": "text/html"})
        assert answer.status_code == 200, (answer.status_code, answer.text[:400])
        return answer.text

    async def csrf(self, page: str = "/desk/history") -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', await self.page(page))
        assert found
        return unescape(found[1])

    async def submit(self, url: str, **fields: Any) -> httpx2.Response:
        return await self.http.post(url, data={"csrf": await self.csrf(), **fields})


def facts_of(page: str) -> str:
    """The block that shows the record, as markup."""
    found = re.search(r'<section class="facts".*?</section>', page, re.S)
    assert found
    return found[0]
