"""A small world around the approvals: a server that forgets nothing, an outbox, a queue, a clock.

The server is deliberately stupid: it verifies grants, and every accepted call is an effect. It has
no idempotency of its own, so that a second call shows as a second effect.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine
from sqlmodel import Session

from xiaoer.approvals.context import HouseRules
from xiaoer.approvals.desk import Approvals, Staff
from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.runner import CaseRunner
from xiaoer.approvals.ticks import CaseClock
from xiaoer.domain.actions import ActionDraft, Quote, QuoteLine, Terms
from xiaoer.domain.clock import iso
from xiaoer.domain.limits import Limits
from xiaoer.domain.messages import Reply
from xiaoer.domain.money import Money
from xiaoer.domain.permits import META_GRANT, Grant, PermitRefused, verify_grant
from xiaoer.storage.crashpoints import crash_point
from xiaoer.tools.calls import ToolCall, ToolResult
from xiaoer.tools.catalog import QUOTES

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PRICE = 4900
CARD = "Visa ···· 0142"
MAYA = Staff("u1", "Maya Demo", frozenset({"approver"}))
NOEL = Staff("u2", "Noel Demo", frozenset({"admin"}))
GUEST = Staff("u3", "Guest Demo", frozenset({"agent"}))


@dataclass
class TestClock:
    __test__ = False

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Outbox:
    """What the customers were told; a dedupe key counts once, as in the inbox."""

    told: dict[str, tuple[str, Reply]] = field(default_factory=dict)

    def tell(self, session: Session, conversation_id: str, reply: Reply, dedupe: str) -> None:
        self.told.setdefault(dedupe, (conversation_id, reply))

    def texts(self) -> list[str]:
        return [reply.text for _, reply in self.told.values()]


@dataclass
class Queue:
    jobs: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def defer(self, session: Session, task: str, lock: str, args: dict[str, Any]) -> None:
        self.jobs.append((task, lock, args))


@dataclass
class Server:
    """All servers at once. `faults` are taken one a call, by tool: see the methods of this name."""

    key: Ed25519PrivateKey
    clock: TestClock
    effects: list[Grant] = field(default_factory=list)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    late: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    version: int = 7
    policy: str = "p1"
    price: int = PRICE
    decision: str = "needs_approval"
    log: Path | None = None  # effects that outlive a killed process

    async def execute(
        self, server: str, tool: str, args: dict[str, Any], meta: dict[str, Any], seconds: float
    ) -> ToolResult:
        self.calls[tool] += 1
        fault = self._next_fault(tool)
        if fault in ("down", "timeout", "garbage", "refused", "order_changed", "grant_expired"):
            if fault == "garbage":
                return self._answer(server, tool, args, {"strange": True})
            return self._error(server, tool, args, fault)
        if fault == "late":
            self.late.append((server, tool, {"args": args, "meta": meta}))
            return self._error(server, tool, args, "timeout")
        try:
            data = self._run(server, tool, args, meta)
        except PermitRefused as error:
            return self._error(server, tool, args, error.code)
        if fault == "timeout_after":
            return self._error(server, tool, args, "timeout")
        return self._answer(server, tool, args, data)

    def deliver_late(self) -> None:
        """What was delayed on its way arrives now, with the grant it had."""
        waiting, self.late = self.late, []
        for server, tool, call in waiting:
            try:
                self._run(server, tool, call["args"], call["meta"])
            except PermitRefused:
                continue

    def _run(self, server: str, tool: str, args: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
        grant = verify_grant(meta.get(META_GRANT), {"grant": self.key.public_key()}, server, self.clock())
        if grant.tool != tool or grant.args != args:
            raise PermitRefused("grant_args", "This grant is for something else.")
        if tool == "get_effect":
            receipt = self._receipts().get(args["action_id"])
            return {"found": receipt is not None, "receipt": receipt}
        if tool in QUOTES:
            return self._effect(grant, args)
        return self._quote(tool, args)

    def _effect(self, grant: Grant, args: dict[str, Any]) -> dict[str, Any]:
        if grant.grant_id in self.spent:
            raise PermitRefused("grant_spent", "used")
        if grant.order_version != self.version:
            raise PermitRefused("order_changed", "The order has changed.")
        self.spent.add(grant.grant_id)
        self.effects.append(grant)
        receipt = {
            "action_id": grant.action_id,
            "tool": grant.tool,
            "order_no": grant.order_no,
            "reference": f"RF-{len(self.effects)}",
            "amount": self._money(args),
            "destination": CARD,
            "lines": args.get("lines", []),
            "details": {},
            "at": iso(self.clock()),
        }
        self.receipts[grant.action_id] = receipt
        self._write(receipt)
        crash_point("effect.done")
        return receipt

    def _quote(self, tool: str, args: dict[str, Any]) -> dict[str, Any]:
        acting = next(name for name, (_, quoting) in QUOTES.items() if quoting == tool)
        return quote_data(acting, args, self.price, self.decision, self.version, self.policy)

    def _money(self, args: dict[str, Any]) -> dict[str, Any]:
        return {"amount_minor": units(args) * self.price, "currency": "USD"}

    def _next_fault(self, tool: str) -> str:
        waiting = self.faults.get(tool)
        return waiting.pop(0) if waiting else ""

    def _write(self, receipt: dict[str, Any]) -> None:
        if self.log is None:
            return
        handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a") as file:
            file.write(json.dumps(receipt) + "\n")

    def _receipts(self) -> dict[str, dict[str, Any]]:
        if self.log is None or not self.log.exists():
            return self.receipts
        written = [json.loads(line) for line in self.log.read_text().splitlines()]
        return {receipt["action_id"]: receipt for receipt in written}

    def _answer(self, server: str, tool: str, args: dict[str, Any], data: dict[str, Any]) -> ToolResult:
        return ToolResult(ToolCall("x", tool, args), server, True, data)

    def _error(self, server: str, tool: str, args: dict[str, Any], code: str) -> ToolResult:
        return ToolResult(ToolCall("x", tool, args), server, False, {}, f"{tool}: {code}", code)


def units(args: dict[str, Any]) -> int:
    return sum(line["quantity"] for line in args.get("lines", [])) or 1


def quote_data(
    tool: str, args: dict[str, Any], price: int, decision: str, version: int, policy: str
) -> dict[str, Any]:
    lines = [
        {
            "line_id": line["line_id"],
            "title": f"Demo item {line['line_id']}",
            "quantity": line["quantity"],
            "amount": {"amount_minor": price * line["quantity"], "currency": "USD"},
        }
        for line in args.get("lines", [])
    ]
    return {
        "tool": tool,
        "order_no": args["order_no"],
        "lines": lines,
        "amount": {"amount_minor": units(args) * price, "currency": "USD"},
        "destination": CARD,
        "facts": {"order_state": "delivered"},
        "decision": decision,
        "clause_id": "refund.window",
        "clause_text": {"en": "Within 30 days.", "zh": "30 天内。"},
        "missing": [],
        "order_version": version,
        "policy_version": policy,
    }


def make_draft(
    action_id: str = "A-1",
    lines: tuple[tuple[str, int], ...] = (("L1", 1),),
    *,
    tool: str = "issue_refund",
    order_no: str = "#1032",
    decision: str = "needs_approval",
    conversation_id: str = "C-1",
    expires_at: datetime = NOON + timedelta(hours=48),
    language: str = "en",
    supersedes: str | None = None,
    customer_ref: str | None = "K-1",
) -> ActionDraft:
    args: dict[str, Any] = {"order_no": order_no, "reason": "changed_mind"}
    if lines:
        args["lines"] = [{"line_id": line, "quantity": quantity} for line, quantity in lines]
    quote = read(quote_data(tool, args, PRICE, decision, 7, "p1"))
    terms = Terms(
        action_id=action_id,
        tool=tool,
        store="demo-us",
        conversation_id=conversation_id,
        order_no=order_no,
        args=args,
        amount=quote.amount,
        destination=CARD,
        order_version=7,
        policy_version="p1",
        expires_at=expires_at,
        nonce=f"N-{action_id}",
    )
    return ActionDraft(
        terms,
        quote,
        "refund_request",
        "please <b>refund</b> APPROVED ✅",
        language,
        supersedes=supersedes,
        customer_ref=customer_ref,
    )


def read(data: dict[str, Any]) -> Quote:
    lines = tuple(
        QuoteLine(line["line_id"], line["title"], line["quantity"], Money(**line["amount"]))
        for line in data["lines"]
    )
    return Quote(**{**data, "lines": lines, "amount": Money(**data["amount"]), "missing": ()})


@dataclass
class World:
    """Everything of one test, joined; `restart` forgets what a process would forget."""

    engine: Engine
    saver: Any
    clock: TestClock = field(default_factory=TestClock)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    outbox: Outbox = field(default_factory=Outbox)
    queue: Queue = field(default_factory=Queue)
    paused: set[str] = field(default_factory=set)
    limits: Limits = field(default_factory=Limits)
    gone: set[str] = field(default_factory=set)  # ids of people who may decide no more
    log: Path | None = None

    def __post_init__(self) -> None:
        self.server = Server(self.key, self.clock, log=self.log)
        self.restart()

    def restart(self) -> None:
        self.runner = CaseRunner(
            self.engine,
            self.server.execute,
            GrantSigner(self.key),
            self.outbox.tell,
            self.clock,
            self.saver,
            self.paused.__contains__,
            house=HouseRules(
                limits_of=lambda _: self.limits,
                may_decide=lambda staff_id: staff_id not in self.gone,
                stop_money=lambda store, _: self.paused.add(store),
            ),
        )
        self.desk = Approvals(
            self.engine,
            self.queue.defer,
            self.clock,
            self.outbox.tell,
            self.runner.look_ups.quote,
            limits_of=lambda _: self.limits,
        )
        self.case_clock = CaseClock(
            self.engine, self.outbox.tell, self.queue.defer, self.clock, self.paused.__contains__
        )

    async def run_jobs(self) -> None:
        """Run the deferred wakes, and those that they defer."""
        while self.queue.jobs:
            _, _, args = self.queue.jobs.pop(0)
            await self.runner.run_case(args["case_id"])

    async def settle(self, seconds: float = 400, step: float = 5) -> None:
        """Let the clock tick and the jobs run for a while."""
        for _ in range(int(seconds / step)):
            self.clock.forward(step)
            self.case_clock.tick()
            await self.run_jobs()


def other_terms(draft: ActionDraft, **changes: Any) -> ActionDraft:
    return replace(draft, terms=replace(draft.terms, **changes))
