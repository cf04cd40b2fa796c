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


class Overtaken(Exception):
    """What the turn was about to take back has been decided meanwhile; the turn has to look again."""


class LedgerHooks(Protocol):
    """All run inside the worker's session; `propose` and `withdraw` inside the turn's own transaction."""

    def actions_of(self, session: Session, conversation_id: str) -> tuple[ActionView, ...]:
        """Every action of the conversation, oldest first."""
        ...

    def propose(self, session: Session, draft: ActionDraft, status: ActionStatus) -> Entered:
        """Enter an action, with the jobs to defer (its case). The same action id twice changes nothing."""
        ...

    def withdraw(self, session: Session, action_id: str, conversation_id: str) -> list[Deferral]:
        """Take back an action of this conversation for its customer; raises Overtaken when it is too late."""
        ...


class NoLedger:
    """For a desk without actions: nothing is proposed, nothing is known."""

    def actions_of(self, session: Session, conversation_id: str) -> tuple[ActionView, ...]:
        return ()

    def propose(self, session: Session, draft: ActionDraft, status: ActionStatus) -> Entered:
        raise LookupError(f"no ledger is joined, yet {draft.terms.tool} was proposed")

    def withdraw(self, session: Session, action_id: str, conversation_id: str) -> list[Deferral]:
        raise LookupError(f"no ledger is joined, yet {action_id} was taken back")
