"""What a person can do, each with its entry in the trail; shared by the API and the pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xiaoer.approvals.desk import Decision
from xiaoer.channels.errors import Problem
from xiaoer.desk.access import require_right
from xiaoer.desk.roles import Right
from xiaoer.desk.services import DeskServices, Inquiry
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.actions import ActionView
from xiaoer.domain.refusals import Refusal
from xiaoer.inbox import views
from xiaoer.inbox.followups.desk import FollowUp
from xiaoer.inbox.live import DESK


@dataclass(frozen=True, slots=True)
class Acts:
    services: DeskServices

    async def decide(
        self,
        person: SignedIn,
        action_id: str,
        decision: Decision,
        digest: str,
        note: str = "",
        edits: Mapping[str, Any] | None = None,
    ) -> ActionView:
        """Decide once; refused tries are in the trail too."""
        approvals, staff = self.services.approvals, person.staff
        try:
            action = await approvals.decide(action_id, decision, digest, staff, note, edits)
        except Refusal as refusal:
            await self._note(person, "decide_refused", action_id, decision=decision, code=refusal.code)
            raise
        await self._note(person, "decide", action_id, decision=decision, result=action.action_id)
        await asyncio.to_thread(self._tell, action_id)
        return action

    def look_again(self, person: SignedIn, action_id: str) -> ActionView:
        action = self.services.approvals.look_again(action_id, person.staff)
        self.services.audit.note(person.staff, "look_again", action_id)
        self._tell(action_id)
        return action

    def close_unknown(
        self, person: SignedIn, action_id: str, outcome: str, reference: str, note: str
    ) -> ActionView:
        """One person's word on what nobody can look up; the second who says the same closes it."""
        action = self.services.approvals.close_unknown(action_id, outcome, reference, note, person.staff)
        status = action.status.value
        self.services.audit.note(person.staff, "close_unknown", action_id, outcome=outcome, status=status)
        self._tell(action_id)
        return action

    def take(self, person: SignedIn, conversation_id: str) -> None:
        self.services.console.take(conversation_id, person.staff.name)
        self._noted(person, "take", conversation_id)

    def give_back(self, person: SignedIn, conversation_id: str) -> None:
        self.services.console.give_back(conversation_id, person.staff.name)
        self._noted(person, "give_back", conversation_id)

    def close(self, person: SignedIn, conversation_id: str) -> None:
        self.services.console.close(conversation_id, person.staff.name)
        self._noted(person, "close", conversation_id)

    def write(self, person: SignedIn, conversation_id: str, text: str) -> str:
        message_id = self.services.console.agent_message(conversation_id, person.staff.name, text)
        self._noted(person, "write", conversation_id, message_id=message_id)
        return message_id

    def pause(self, person: SignedIn, what: str, store: str | None) -> None:
        """Whoever works here may stop; it is safe."""
        self._require_store(store)
        self.services.pauses.pause(what, store, person.staff.name)
        self.services.audit.note(person.staff, "pause", what, store)

    def resume(self, person: SignedIn, what: str, store: str | None) -> None:
        """Starting again is for those who may also approve."""
        require_right(person, Right.RESUME)
        self._require_store(store)
        self.services.pauses.resume(what, store)
        self.services.audit.note(person.staff, "resume", what, store)

    def answer_supplier(self, person: SignedIn, inquiry_id: str, text: str) -> Inquiry:
        answered = self.services.answer_inquiry(inquiry_id, text, person.staff.name)
        if answered is None:
            raise Problem(409, "This question is answered already, or there is none of this id.", "answered")
        self.services.audit.note(person.staff, "answer_supplier", inquiry_id, answered.store)
        self.services.live.publish(DESK, {"kind": "inquiry"})
        # Whoever was promised this answer hears of it at once; the clock would find it later.
        self.services.follow_ups.wake(answered.store, inquiry_id)
        return answered

    def book_case(self, person: SignedIn, matter_id: str, what: str) -> None:
        """`received`, `stopped` or `not-stopped`: what has happened in the shop to a waiting case."""
        matter = self.services.cases.book(matter_id, what)
        word = f"case_{what.replace('-', '_')}"
        self.services.audit.note(person.staff, word, matter_id, matter.store)
        self.services.live.publish(DESK, {"kind": "case"})

    def cancel_follow_up(self, person: SignedIn, follow_up_id: str) -> FollowUp:
        cancelled = self.services.follow_ups.cancel(follow_up_id, person.staff.name)
        self.services.audit.note(person.staff, "cancel_follow_up", follow_up_id, cancelled.store)
        return cancelled

    def _require_store(self, store: str | None) -> None:
        if store is not None and store not in self.services.stores:
            raise Problem(404, "There is no such store.", "unknown_store")

    async def _note(self, person: SignedIn, what: str, action_id: str, **details: Any) -> None:
        await asyncio.to_thread(self.services.audit.note, person.staff, what, action_id, None, **details)

    def _noted(self, person: SignedIn, what: str, conversation_id: str, **details: Any) -> None:
        store = views.get_conversation(self.services.engine, conversation_id).store
        self.services.audit.note(person.staff, what, conversation_id, store, **details)

    def _tell(self, action_id: str) -> None:
        """Colleagues' pages and the customer's page look again. Reads the database: not on the event loop."""
        conversation_id = self.services.approvals.describe(action_id).summary.conversation_id
        self.services.live.publish_conversation(conversation_id, "action", action_id=action_id)


Step = Callable[[Acts, SignedIn, str], None]  # (acts, person, conversation id)
CONVERSATION_STEPS: dict[str, Step] = {"take": Acts.take, "give-back": Acts.give_back, "close": Acts.close}
