"""What follows when something has happened in the shop: the next step is put up for approval, the customer told.

Nothing is pushed here. The executor looks at the shop for every matter that waits, so that it does not
matter who booked the goods in, when, or who was dead meanwhile; and what a look finds is written with
everything that follows from it in one transaction, or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from xiaoer.approvals import ledger, matters
from xiaoer.approvals.case_steps import STOPPED, WATCHES, Next, stage_of
from xiaoer.approvals.hooks import LedgerHooks
from xiaoer.approvals.matter_tables import MatterRow
from xiaoer.approvals.outcomes import Tell
from xiaoer.approvals.quotes import LookUps, NoQuote
from xiaoer.approvals.rows import terms_of
from xiaoer.approvals.ticks import Defer
from xiaoer.domain.actions import ActionDraft, ActionStatus, Quote, Terms
from xiaoer.domain.clock import Clock
from xiaoer.domain.ids import derived_id
from xiaoer.domain.messages import Reply
from xiaoer.domain.stores import Store
from xiaoer.prompts.steps import say_step
from xiaoer.storage.engine import reading, transaction

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Found:
    """An event that a look has shown, with the offer that follows from it."""

    event: str
    step: Next
    data: Mapping[str, Any]
    draft: ActionDraft | None


@dataclass(frozen=True, slots=True)
class FollowThrough:
    """`tick` every few seconds in the executor; any number of ticks, at once or after any crash, does no harm."""

    engine: Engine
    look_ups: LookUps
    tell: Tell
    defer: Defer
    stores: Mapping[str, Store]
    clock: Clock
    paused: Callable[[str], bool]  # is money stopped in this store? Then nothing new is put up either.

    async def tick(self) -> tuple[str, ...]:
        """Look for every matter that is due; returns the ids of those that moved."""
        waiting = await asyncio.to_thread(self._due)
        moved = [matter.id for matter in waiting if await self._safely(matter)]
        return tuple(moved)

    async def _safely(self, matter: MatterRow) -> bool:
        """One matter that cannot be followed must not keep all others waiting."""
        try:
            return await self._follow(matter)
        except Exception as error:  # noqa: BLE001 - said below; it is looked at again, ever more rarely
            log.error("a matter cannot be followed", matter=matter.id, error=type(error).__name__)
            await asyncio.to_thread(self._write, lambda s: matters.look_later(s, matter.id, self.clock()))
            return False

    def _due(self) -> tuple[MatterRow, ...]:
        with reading(self.engine) as session:
            return matters.due(session, self.clock())

    async def _follow(self, matter: MatterRow) -> bool:
        if self.paused(matter.store):
            return False  # and no later than it would have been
        found = await self._look(matter)
        if found is None:
            await asyncio.to_thread(self._write, lambda s: matters.look_later(s, matter.id, self.clock()))
            return False
        return bool(await asyncio.to_thread(self._write, lambda s: self._record(s, matter, found)))

    async def _look(self, matter: MatterRow) -> _Found | None:
        """What the shop shows now; None when nothing has happened or nobody could say."""
        stage = stage_of(matter.kind, matter.stage)
        if stage is None or stage.watch is None:
            return None
        terms, watch = await asyncio.to_thread(self._terms, matter), WATCHES[stage.watch]
        seen = await self.look_ups.look(terms, watch.server, watch.tool, watch.args(matter.subject))
        if not seen.ok:
            log.warning("a matter could not be looked at", matter=matter.id, code=seen.code)
            return None
        event = watch.event(seen.data)
        if event is None or event not in stage.on:
            return None
        step = stage.on[event]
        if step.proposes is None:
            return _Found(event, step, seen.data, None)
        draft = await self._draft(matter, terms, event, step.proposes, {watch.tool: seen.data})
        return None if draft is None else _Found(event, step, seen.data, draft)

    async def _draft(
        self, matter: MatterRow, last: Terms, event: str, tool: str, evidence: Mapping[str, Any]
    ) -> ActionDraft | None:
        """The next action with a fresh quote, under an id that only this event of this matter has."""
        subject = matter.subject
        args = {"order_no": matter.order_no, "lines": subject["lines"], "reason": subject["reason"]}
        asked = replace(last, tool=tool, args=args)
        quote = await self.look_ups.quote(asked)
        if isinstance(quote, NoQuote):
            log.warning("a step could not be quoted", matter=matter.id, code=quote.code)
            return None
        return ActionDraft(
            terms=self._terms_of_step(matter, event, tool, args, quote),
            quote=quote,
            intent=matter.intent,
            customer_words="",
            language=matter.language,
            evidence=tuple({"tool": name, "data": data} for name, data in evidence.items()),
            customer_ref=matter.customer_ref,
        )

    def _terms_of_step(
        self, matter: MatterRow, event: str, tool: str, args: dict[str, Any], quote: Quote
    ) -> Terms:
        store, now = self.stores[matter.store], self.clock()
        return Terms(
            action_id=derived_id("A", matter.id, event),
            tool=tool,
            store=matter.store,
            conversation_id=matter.conversation_id,
            order_no=quote.order_no,
            args={**args, "order_no": quote.order_no},
            amount=quote.amount,
            destination=quote.destination,
            order_version=quote.order_version,
            policy_version=quote.policy_version,
            expires_at=(now + timedelta(hours=store.approval_hours)).replace(microsecond=0),
            nonce=derived_id("N", matter.id, event, length=16),
        )

    def _record(self, session: Session, looked_at: MatterRow, found: _Found) -> bool:
        """The event, what it proposes and what the customer hears, unless somebody was faster."""
        now = self.clock()
        matter = matters.lock(session, looked_at.id)
        if matter is None or matter.stage != looked_at.stage:
            return False
        step, tells = found.step, found.step.tells
        if found.draft is not None and found.draft.quote.decision == "deny":
            step, tells = Next(STOPPED), "step_refused"
        if not matters.move(session, matter, found.event, found.event, step, now):
            return False
        if found.draft is not None:
            self._propose(session, matter, found.draft)
        if tells is not None:
            reply = Reply(say_step(tells, matter.language, matter.order_no))
            self.tell(session, matter.conversation_id, reply, f"{matter.id}:{found.event}")
        return True

    def _propose(self, session: Session, matter: MatterRow, draft: ActionDraft) -> None:
        matters.expect(session, matter, derived_id("CASE", draft.terms.action_id))
        hooks = LedgerHooks(self.stores, self.clock)
        action_id, _, jobs = hooks.propose(session, draft, ActionStatus.PENDING)
        if action_id != draft.terms.action_id:  # an open action speaks for these lines already
            case_id = ledger.get(session, action_id).case_id or ""
            matters.take_over(session, matter, case_id, action_id, self.clock())
        for job in jobs:
            self.defer(session, *job)

    def _terms(self, matter: MatterRow) -> Terms:
        with reading(self.engine) as session:
            return terms_of(ledger.get(session, matter.action_id))

    def _write(self, work: Callable[[Session], Any]) -> Any:
        with transaction(self.engine) as session:
            return work(session)
