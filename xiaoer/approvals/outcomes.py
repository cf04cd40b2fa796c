"""Telling the customer how an action ended, in the transaction that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlmodel import Session, select

from xiaoer.approvals.quotes import CHANGED
from xiaoer.approvals.receipts import Receipts
from xiaoer.approvals.rows import view_of
from xiaoer.approvals.tables import ActionRow, ActionWatch
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.messages import Reply

_S = ActionStatus
# Cancelled is missing: the conversation in which the customer took it back has said so already.
_OUTCOMES: dict[ActionStatus, str] = {
    _S.SUCCEEDED: "succeeded",
    _S.FAILED: "failed",
    _S.REJECTED: "rejected",
    _S.EXPIRED: "expired",
    _S.SUPERSEDED: "changed",
}
REFUSED_IN_TURN = "refused"  # a clause refused it, and the turn's own reply has told why


class Tell(Protocol):
    """Puts a message into the outbox in the caller's transaction, once per `dedupe`."""

    def __call__(self, session: Session, conversation_id: str, reply: Reply, dedupe: str) -> object: ...


@dataclass(frozen=True, slots=True)
class Teller:
    tell: Tell
    texts: Receipts

    def tell_outcome(self, session: Session, row: ActionRow) -> bool:
        """Say how it ended if that is due and not yet said; the caller holds the row."""
        outcome = outcome_of(row)
        return outcome is not None and self._say(session, row, outcome)

    def tell_waiting(self, session: Session, row: ActionRow) -> bool:
        """Say that it is not certain yet; once."""
        return self._say(session, row, "unknown")

    def _say(self, session: Session, row: ActionRow, outcome: str) -> bool:
        if row.told in (outcome, REFUSED_IN_TURN):
            return False
        row.told = outcome
        session.add(row)
        session.flush()
        reply = self.texts.render(outcome, view_of(row), row.language)
        self.tell(session, row.conversation_id, reply, f"{row.id}:{outcome}")
        for watcher in session.exec(
            select(ActionWatch.conversation_id).where(ActionWatch.action_id == row.id)
        ):
            self.tell(session, watcher, reply, f"{row.id}:{outcome}:{watcher}")
        return True


def outcome_of(row: ActionRow) -> str | None:
    """What the customer is to hear of an action in this state; None while nothing is."""
    status = ActionStatus(row.status)
    if status is _S.SUPERSEDED and row.superseded_by:
        return None  # the action that took its place speaks for both
    if status is _S.FAILED and row.last_code in CHANGED:
        return "changed"
    return _OUTCOMES.get(status)
