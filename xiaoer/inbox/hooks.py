"""What the worker asks of the ledger; the joiner gives it, so that the rooms do not know each other."""

from __future__ import annotations

from typing import Protocol

from sqlmodel import Session

from xiaoer.domain.actions import ActionDraft, ActionStatus, ActionView
from xiaoer.inbox.queue import Deferral


class LedgerHooks(Protocol):
    """Both run inside the worker's session; `propose` inside the turn's own transaction."""

    def actions_of(self, session: Session, conversation_id: str) -> tuple[ActionView, ...]:
        """Every action of the conversation, oldest first."""
        ...

    def propose(self, session: Session, draft: ActionDraft, status: ActionStatus) -> list[Deferral]:
        """Enter an action; the jobs to defer with it (its case). The same action id twice changes nothing."""
        ...


class NoLedger:
    """For a desk without actions: nothing is proposed, nothing is known."""

    def actions_of(self, session: Session, conversation_id: str) -> tuple[ActionView, ...]:
        return ()

    def propose(self, session: Session, draft: ActionDraft, status: ActionStatus) -> list[Deferral]:
        raise LookupError(f"no ledger is joined, yet {draft.terms.tool} was proposed")
