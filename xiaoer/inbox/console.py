"""People in a conversation: take it, write, give it back, close it, open it again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Row, or_, select, update
from sqlmodel import Session

from xiaoer.domain.clock import Clock
from xiaoer.domain.ids import new_id
from xiaoer.domain.messages import Author, Reply
from xiaoer.domain.refusals import BadInput, NotFound, Refusal
from xiaoer.inbox.intake import MOST_CHARACTERS
from xiaoer.inbox.live import Live
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.queue import Queue, turn_of
from xiaoer.inbox.statements import add_note, columns
from xiaoer.inbox.storable import storable_text
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, State, Status
from xiaoer.storage.engine import transaction


class Taken(Refusal):
    """A colleague has the conversation."""

    code = "taken"


class Console:
    """Every step enters the history; a turn that is running meanwhile loses its commit."""

    def __init__(self, engine: Engine, queue: Queue, outbox: Outbox, clock: Clock, live: Live) -> None:
        self._engine = engine
        self._queue = queue
        self._outbox = outbox
        self._clock = clock
        self._live = live

    def take(self, conversation_id: str, who: str) -> None:
        """The conversation is this person's; taking it twice changes nothing. Raises Taken, NotFound."""
        with transaction(self._engine) as session:
            self._take(session, conversation_id, who)
        self._live.publish_conversation(conversation_id, "status")

    def give_back(self, conversation_id: str, who: str) -> None:
        """The assistant goes on; what the customer wrote since the last answer is its next turn."""
        with transaction(self._engine) as session:
            conversation = _require(session, conversation_id)
            if conversation.status != Status.HUMAN:
                raise Refusal("The assistant has this conversation already.", "not_taken")
            released = {"assigned_to": None, "hand_off_reason": None, "hand_off_summary": "", "urgent": False}
            _change(session, conversation_id, status=Status.BOT.value, misses=0, **released)
            add_note(session, conversation, "given_back", who, self._clock())
            self._queue.defer_all(session, [turn_of(conversation_id)])
        self._queue.kick()
        self._live.publish_conversation(conversation_id, "status")

    def agent_message(self, conversation_id: str, who: str, text: str) -> str:
        """Write to the customer as a person; takes the conversation if nobody has it. The message's id.

        Raises BadInput for an empty or too long text, Taken when a colleague has the conversation.
        """
        text = storable_text(text).strip()
        if not text or len(text) > MOST_CHARACTERS:
            raise BadInput(f"A message has 1 to {MOST_CHARACTERS:,} characters.")
        with transaction(self._engine) as session:
            conversation = self._take(session, conversation_id, who)
            message_id = self._outbox.enqueue(
                session, conversation, [Reply(text)], Author.AGENT, [new_id("agent")], who=who
            )[0].id
            # What the customer had asked is answered by this message, not by a later turn.
            _settle(session, conversation_id, message_id)
            _change(session, conversation_id, waiting_since=None)
        self._queue.kick()
        self._live.publish_conversation(conversation_id, "message", message_id=message_id)
        return message_id

    def close(self, conversation_id: str, who: str) -> None:
        """Done; the customer's next message opens it again."""
        with transaction(self._engine) as session:
            conversation = _require(session, conversation_id)
            if conversation.status == Status.CLOSED:
                return
            note_id = add_note(session, conversation, "closed", who, self._clock())
            _settle(session, conversation_id, note_id)
            changes = {"assigned_to": None, "waiting_since": None, "urgent": False}
            _change(session, conversation_id, status=Status.CLOSED.value, **changes)
        self._live.publish_conversation(conversation_id, "status")

    def reopen(self, conversation_id: str, who: str) -> None:
        """Open a closed conversation again, in this person's hands."""
        with transaction(self._engine) as session:
            conversation = _require(session, conversation_id)
            if conversation.status != Status.CLOSED:
                return
            add_note(session, conversation, "reopened", who, self._clock())
            _change(session, conversation_id, status=Status.HUMAN.value, assigned_to=who)
        self._live.publish_conversation(conversation_id, "status")

    def _take(self, session: Session, conversation_id: str, who: str) -> Row[Any]:
        c = CONVERSATION.c
        conversation = _require(session, conversation_id)
        if conversation.status == Status.HUMAN and conversation.assigned_to == who:
            return conversation
        free = or_(c.assigned_to.is_(None), c.assigned_to == who)
        changes = {"status": Status.HUMAN.value, "assigned_to": who, "updated_at": self._clock()}
        won = session.execute(
            update(CONVERSATION)
            .where(c.id == conversation_id, free)
            .values(fence=c.fence + 1, **changes)
            .returning(c.id)
        )
        if won.first() is None:
            raise Taken(f"{conversation.assigned_to} has this conversation.")
        add_note(session, conversation, "taken", who, self._clock())
        return conversation


def _require(session: Session, conversation_id: str) -> Row[Any]:
    query = select(*columns(CONVERSATION, "id", "store", "channel", "status", "assigned_to"))
    row = session.execute(query.where(CONVERSATION.c.id == conversation_id).with_for_update()).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    return row


def _change(session: Session, conversation_id: str, **changes: Any) -> None:
    statement = update(CONVERSATION).where(CONVERSATION.c.id == conversation_id)
    session.execute(statement.values(fence=CONVERSATION.c.fence + 1, **changes))


def _settle(session: Session, conversation_id: str, answer_id: str) -> None:
    """The customer's open messages are handled by this message."""
    waiting = (MESSAGE.c.conversation_id == conversation_id, MESSAGE.c.state == State.RECEIVED)
    session.execute(update(MESSAGE).where(*waiting).values(state=State.HANDLED.value, turn_id=answer_id))
