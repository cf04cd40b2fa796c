"""What the inbox calls in a turn's own transaction, without knowing this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from xiaoer.approvals import ledger
from xiaoer.approvals.limits import needs_two, over_limit
from xiaoer.approvals.refusals import UnknownAction
from xiaoer.approvals.rows import row_of
from xiaoer.approvals.ticks import Deferral, wake
from xiaoer.domain.actions import ActionDraft, ActionStatus, ActionView
from xiaoer.domain.clock import Clock
from xiaoer.domain.stores import Store


@dataclass(frozen=True, slots=True)
class LedgerHooks:
    stores: Mapping[str, Store]
    clock: Clock

    def actions_of(self, session: Session, conversation_id: str) -> tuple[ActionView, ...]:
        return ledger.actions_of(session, conversation_id)

    def propose(
        self, session: Session, draft: ActionDraft, status: ActionStatus
    ) -> tuple[str, str, list[Deferral]]:
        """Enter a draft; (action id, status, jobs to defer in the same transaction).

        The id is another than the draft's when an open action speaks for these lines already.
        """
        entered = ledger.propose(session, draft, self._status(session, draft, status), self.clock())
        cases = [entered.superseded_case, entered.case_id if entered.new else None]
        stands = ledger.get(session, entered.action_id).status
        return entered.action_id, stands, [wake(case_id) for case_id in cases if case_id]

    def withdraw(self, session: Session, action_id: str, conversation_id: str) -> list[Deferral]:
        """Take back what this conversation has asked for; raises Conflict when it is too late for that."""
        row = ledger.get(session, action_id)
        if row.conversation_id != conversation_id:
            raise UnknownAction("Only the conversation that asked for it can take it back.")
        ledger.cancel_by_customer(session, action_id, self.clock())
        return [wake(row.case_id)] if row.case_id else []

    def _status(self, session: Session, draft: ActionDraft, status: ActionStatus) -> ActionStatus:
        """A rule approves only where the clause allows it, the shop has switched that on, and no limit is passed."""
        if status is ActionStatus.REJECTED or draft.quote.decision == "deny":
            return ActionStatus.REJECTED
        store = self.stores.get(draft.terms.store)
        if draft.quote.decision != "allow" or store is None or not store.rules_may_approve:
            return ActionStatus.PENDING
        now = self.clock()
        row = row_of(draft, now)
        beyond = needs_two(row, store.limits) or over_limit(session, row, store.limits, now, None)
        return ActionStatus.PENDING if beyond else ActionStatus.APPROVED
