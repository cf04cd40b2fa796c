"""What people do with the ledger: list, look, decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from xiaoer.approvals import ledger, listing, settling
from xiaoer.approvals.deadlines import expire, has_expired, ledger_now
from xiaoer.approvals.limits import agree, consents_of, needs_step_up, needs_two, over_limit
from xiaoer.approvals.outcomes import Tell, Teller
from xiaoer.approvals.quotes import NoQuote
from xiaoer.approvals.receipts import Receipts, default_receipts
from xiaoer.approvals.refusals import Conflict, Forbidden, LostRace, StepUp
from xiaoer.approvals.rows import quote_of, terms_of, view_of
from xiaoer.approvals.tables import ActionRow
from xiaoer.approvals.ticks import Defer, wake
from xiaoer.domain.actions import ActionDraft, ActionStatus, ActionView, Quote, Terms
from xiaoer.domain.canonical import canonical_json
from xiaoer.domain.clock import Clock
from xiaoer.domain.ids import derived_id, new_id
from xiaoer.domain.limits import Limits
from xiaoer.domain.refusals import BadInput, Refusal
from xiaoer.storage.crashpoints import crash_point
from xiaoer.storage.engine import reading, transaction

log = structlog.get_logger()

_S = ActionStatus
Decision = Literal["approve", "reject", "edit"]
DECIDERS: tuple[str, ...] = ("admin", "approver")
_EDITABLE = frozenset({"lines", "reason"})
_LONGEST_NOTE = 500
# What an edit may not move: the person was shown the record as it stood then.
_SHOWN = ("order_version", "policy_version", "destination")


@dataclass(frozen=True, slots=True)
class Staff:
    """Who decides. `id` is the account, `name` what the slower colleague reads."""

    id: str
    name: str
    roles: frozenset[str]
    proven: bool = True  # the password was given within the last minutes; the desk says so of its sessions


class FreshQuote(Protocol):
    """quotes.LookUps.quote: what the tool would do now with these arguments."""

    async def __call__(self, terms: Terms, args: dict[str, Any] | None = None) -> Quote | NoQuote: ...


@dataclass(frozen=True, slots=True)
class _Verdict:
    """One decision on its way into the ledger."""

    action_id: str
    digest: str
    who: Staff
    note: str
    new: tuple[dict[str, Any], Quote] | None = None  # arguments and quote of an edit


@dataclass(frozen=True, slots=True)
class Approvals:
    """The desk's way to the ledger. `quote` is None where nobody can edit (no executor at hand)."""

    engine: Engine
    defer: Defer
    clock: Clock
    tell: Tell
    quote: FreshQuote | None = None
    texts: Receipts | None = None
    limits_of: Callable[[str], Limits] = lambda _store: Limits()

    def list_actions(
        self,
        status: ActionStatus | None = None,
        store: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> listing.Page:
        with reading(self.engine) as session:
            return listing.list_actions(session, status, store, cursor, limit)

    def describe(self, action_id: str, who: Staff | None = None) -> listing.ActionDetail:
        """One action with facts, evidence, clause, digest and history, as it looks to `who`; raises UnknownAction."""
        with reading(self.engine) as session:
            limits = self.limits_of(ledger.get(session, action_id).store)
            return listing.describe(session, action_id, limits, self.clock(), who.id if who else None)

    def look_again(self, action_id: str, who: Staff) -> ActionView:
        """Ask the shop once more what became of an unknown action; raises Forbidden or Conflict."""
        self._require_right(action_id, who)
        with transaction(self.engine) as session:
            row = settling.look_again(session, action_id, who.name, self.clock())
            self._wake(session, row)
            return view_of(row)

    def close_unknown(
        self, action_id: str, outcome: str, reference: str, note: str, who: Staff
    ) -> ActionView:
        """One person's word on what became of it; the second who says the same closes it."""
        self._require_right(action_id, who)
        with transaction(self.engine) as session:
            row = ledger.lock_row(session, action_id)
            if needs_step_up(row, self.limits_of(row.store)) and not who.proven:
                raise _asks_again()
            now = max(self.clock(), ledger_now(session, self.clock()))
            row = settling.give_word(session, action_id, who.id, who.name, outcome, reference, note, now)
            Teller(self.tell, self._texts()).tell_outcome(session, row)
            self._wake(session, row)
            return view_of(row)

    def actions_of(self, conversation_id: str) -> tuple[ActionView, ...]:
        with reading(self.engine) as session:
            return ledger.actions_of(session, conversation_id)

    def cancel_by_customer(self, session: Session, action_id: str) -> ActionView:
        """Take back what has not begun, in the caller's transaction; raises Conflict."""
        view = ledger.cancel_by_customer(session, action_id, self.clock())
        self._wake(session, ledger.get(session, action_id))
        return view

    async def decide(
        self,
        action_id: str,
        decision: Decision,
        digest: str,
        who: Staff,
        note: str = "",
        edits: Mapping[str, Any] | None = None,
    ) -> ActionView:
        """One person's decision on exactly these terms; the first one counts.

        An edit returns the new action. Raises Forbidden, UnknownAction, BadInput, Refusal (the
        edit is not allowed) or Conflict with the winner's name.
        """
        self._require_right(action_id, who)
        verdict = _Verdict(action_id, digest, who, _checked_note(decision, note))
        if decision == "edit":
            verdict = await self._edited(verdict, edits or {})
        answer = await asyncio.to_thread(self._commit, decision, verdict)
        if isinstance(answer, Refusal):
            raise answer
        crash_point("decision.committed")
        return answer

    def _require_right(self, action_id: str, who: Staff) -> None:
        if who.roles.isdisjoint(DECIDERS):
            log.warning("decision refused: role", action=action_id, staff=who.id)
            raise Forbidden("Only an approver or an admin may decide this.")

    def _commit(self, decision: Decision, verdict: _Verdict) -> ActionView | Refusal:
        """The decision, its history and the wake in one transaction; a refused try is recorded too."""
        with transaction(self.engine) as session:
            row = ledger.lock_row(session, verdict.action_id)
            now = max(self.clock(), ledger_now(session, self.clock()))
            refusal: Refusal | None = self._conflict(session, row, verdict, now)
            if refusal is None and decision == "approve":
                refusal = self._held_back(session, row, verdict, now)
            if refusal is not None:
                note = f"{decision} refused: {refusal.code}"
                ledger.note_attempt(session, row.id, verdict.who.name, note, now)
                return refusal
            steps = {"approve": self._approve, "reject": self._reject, "edit": self._replace}
            try:
                decided = steps[decision](session, row, verdict, now)
            except LostRace:  # only where a database gives no row lock
                return ledger.conflict_of(ledger.get(session, row.id))
            self._wake(session, decided)
            return view_of(decided)

    def _conflict(
        self, session: Session, row: ActionRow, verdict: _Verdict, now: datetime
    ) -> Conflict | None:
        status = ActionStatus(row.status)
        if status is _S.PENDING and has_expired(session, row, now):
            expire(session, row.id, status, now)
            row = ledger.lock_row(session, row.id)
            Teller(self.tell, self._texts()).tell_outcome(session, row)
            self._wake(session, row)
            return ledger.conflict_of(row)
        if status is not _S.PENDING:
            return ledger.conflict_of(row)
        if verdict.digest != row.digest:
            return Conflict(
                "This is not what you were shown: the action has changed. Look again.", "changed", status
            )
        return None

    def _held_back(
        self, session: Session, row: ActionRow, verdict: _Verdict, now: datetime
    ) -> Refusal | None:
        """What keeps this person from approving this amount now."""
        limits = self.limits_of(row.store)
        if needs_step_up(row, limits) and not verdict.who.proven:
            return _asks_again()
        if any(consent.staff_id == verdict.who.id for consent in consents_of(session, row.id)):
            told = "You have agreed already. This needs a second person: a colleague has to agree too."
            return Conflict(told, "second_needed", _S.PENDING, verdict.who.name)
        return over_limit(session, row, limits, now, verdict.who.id)

    def _approve(self, session: Session, row: ActionRow, verdict: _Verdict, now: datetime) -> ActionRow:
        if needs_two(row, self.limits_of(row.store)):
            agree(session, row, verdict.who.id, verdict.who.name, now)
            if len(consents_of(session, row.id)) < 2:
                note = f"{verdict.who.name} agrees; a second person has to agree too"
                ledger.note(session, row.id, verdict.who.name, note, now)
                return ledger.get(session, row.id)
        return ledger.transition(
            session,
            row.id,
            _S.PENDING,
            _S.APPROVED,
            verdict.who.name,
            verdict.note,
            now=now,
            **_by(verdict, now),
        )

    def _reject(self, session: Session, row: ActionRow, verdict: _Verdict, now: datetime) -> ActionRow:
        changes = {**_by(verdict, now), "reject_note": verdict.note}
        row = ledger.transition(
            session, row.id, _S.PENDING, _S.REJECTED, verdict.who.name, verdict.note, now=now, **changes
        )
        Teller(self.tell, self._texts()).tell_outcome(session, row)
        return row

    def _replace(self, session: Session, row: ActionRow, verdict: _Verdict, now: datetime) -> ActionRow:
        """Supersede the action and approve the edited one, which has its own terms and digest."""
        assert verdict.new is not None
        args, quote = verdict.new
        draft = _edited_draft(row, args, quote)
        entered = ledger.propose(session, draft, _S.PENDING, now, actor=verdict.who.name)
        if not entered.new or entered.case_id is None:
            raise Refusal("Another open action already speaks for these lines.")
        old = ledger.get(session, row.id)
        old.decided_by, old.decided_by_id, old.decided_at = verdict.who.name, verdict.who.id, now
        session.add(old)
        new = ledger.get(session, entered.action_id)
        if refusal := self._held_back(session, new, verdict, now):
            raise refusal
        return self._approve(session, new, verdict, now)

    async def _edited(self, verdict: _Verdict, edits: Mapping[str, Any]) -> _Verdict:
        """What the edit would do, by a fresh quote; raises BadInput, Refusal or Conflict when it may not be."""
        if self.quote is None:
            raise Refusal("Editing is not possible here: no executor is connected.")
        row = await asyncio.to_thread(self._look, verdict.action_id)
        if row.status != _S.PENDING or row.digest != verdict.digest:
            return replace(verdict, new=({}, quote_of(row)))  # the commit says why it is too late
        args = _edited_args(row, edits)
        quote = await self.quote(terms_of(row), args)
        if isinstance(quote, NoQuote):
            raise Refusal(quote.error or "The order cannot be quoted now; try again.", quote.code or "down")
        if quote.decision == "deny":
            raise Refusal(f"The shop's rules refuse this edit ({quote.clause_id}).", "denied")
        if any(getattr(quote, name) != getattr(row, name) for name in _SHOWN):
            told = "The order or the shop's rules have changed since this was asked for; it has to be asked for anew."
            raise Conflict(told, "changed", _S.PENDING)
        return replace(verdict, new=(args, quote))

    def _look(self, action_id: str) -> ActionRow:
        with reading(self.engine) as session:
            return ledger.get(session, action_id)

    def _wake(self, session: Session, row: ActionRow) -> None:
        if row.case_id:
            self.defer(session, *wake(row.case_id))

    def _texts(self) -> Receipts:
        return self.texts or default_receipts()


def _asks_again() -> StepUp:
    return StepUp("An amount like this asks for your password again. Confirm it, then decide.")


def _by(verdict: _Verdict, now: datetime) -> dict[str, Any]:
    role = next(role for role in DECIDERS if role in verdict.who.roles)
    return {
        "decided_by": verdict.who.name,
        "decided_by_id": verdict.who.id,
        "decided_role": role,
        "decided_at": now,
        "next_try_at": None,
    }


def _checked_note(decision: Decision, note: str) -> str:
    note = note.strip()
    if decision not in ("approve", "reject", "edit"):
        raise BadInput("A decision is approve, reject or edit.")
    if decision == "reject" and not note:
        raise BadInput("A rejection needs a reason; the customer will read it.")
    if len(note) > _LONGEST_NOTE:
        raise BadInput(f"A note has at most {_LONGEST_NOTE} characters.")
    return note


def _edited_args(row: ActionRow, edits: Mapping[str, Any]) -> dict[str, Any]:
    strange = sorted(set(edits) - (_EDITABLE & row.args.keys()))
    if strange or not edits:
        raise BadInput(f"Only {', '.join(sorted(_EDITABLE & row.args.keys()))} can be edited here.")
    args = {**row.args, **edits}
    if "lines" in edits:
        args["lines"] = [_edited_line(line) for line in edits["lines"]]
        if not args["lines"]:
            raise BadInput("An edit that leaves no line is a rejection.")
    if not isinstance(args.get("reason", ""), str):
        raise BadInput("The reason is a text.")
    return args


def _edited_line(line: Any) -> dict[str, Any]:
    match line:
        case {"line_id": str(line_id), "quantity": int(quantity)} if 1 <= quantity <= 999 and len(line) == 2:
            if not isinstance(quantity, bool):
                return {"line_id": line_id, "quantity": quantity}
    raise BadInput("A line is {line_id, quantity} with a quantity from 1 to 999.")


def _edited_draft(row: ActionRow, args: dict[str, Any], quote: Quote) -> ActionDraft:
    old = terms_of(row)
    terms = replace(
        old,
        action_id=derived_id("A", row.id, "edit", canonical_json(args), new_id("", 8)),
        args=args,
        amount=quote.amount,
        destination=quote.destination,
        order_version=quote.order_version,
        policy_version=quote.policy_version,
        nonce=new_id("N", 16),
    )
    return ActionDraft(
        terms=terms,
        quote=quote,
        intent=row.intent,
        customer_words=row.customer_words,
        language=row.language,
        evidence=tuple(row.evidence),
        supersedes=row.id,
        customer_ref=row.customer_ref,
    )
