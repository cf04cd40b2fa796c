"""What the worker asks of the ledger; the joiner gives it, so that the rooms do not know each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlmodel import Session

from xiaoer.domain.actions import ActionDraft, ActionStatus, ActionView
from xiaoer.inbox.queue import Deferral


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of a draft: the id is another's when an open action speaks for the same already."""

    action_id: str
    status: str
    deferrals: list[Deferral]


class LedgerHooks(Protocol):
    """Both run inside the worker's session; `propose` inside the turn's own transaction."""

    def actions_of(self, session: Session, conversation_id: str) -> tuple[ActionView, ...]:
        """Every action of the conversation, oldest first."""
        ...

    def propose(self, session: Session, draft: ActionDraft, status: ActionStatus) -> Entered:
        """Enter an action, with the jobs to defer (its case). The same action id twice changes nothing."""
        ...


class NoLedger:
    """For a desk without actions: nothing is proposed, nothing is known."""

    def actions_of(self, session: Session, conversation_id: str) -> tuple[ActionView, ...]:
        return ()

    def propose(self, session: Session, draft: ActionDraft, status: ActionStatus) -> Entered:
        raise LookupError(f"no ledger is joined, yet {draft.terms.tool} was proposed")
