"""What the inbox calls in a turn's own transaction, without knowing this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from xiaoer.approvals import ledger
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
        entered = ledger.propose(session, draft, self._status(draft, status), self.clock())
        cases = [entered.superseded_case, entered.case_id if entered.new else None]
        stands = ledger.get(session, entered.action_id).status
        return entered.action_id, stands, [wake(case_id) for case_id in cases if case_id]

    def _status(self, draft: ActionDraft, status: ActionStatus) -> ActionStatus:
        """A rule approves only where the clause allows it and the shop has switched that on."""
        if status is ActionStatus.REJECTED or draft.quote.decision == "deny":
            return ActionStatus.REJECTED
        store = self.stores.get(draft.terms.store)
        by_rule = draft.quote.decision == "allow" and store is not None and store.rules_may_approve
        return ActionStatus.APPROVED if by_rule else ActionStatus.PENDING
