"""What a look leads to: another look, a word to the customer, a note to the person who has him."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, update
from sqlmodel import Session

from xiaoer.agent.lookout import Sight
from xiaoer.domain.clock import iso
from xiaoer.domain.ids import derived_id
from xiaoer.domain.messages import Author
from xiaoer.domain.promises import next_wait
from xiaoer.domain.stores import Store, pick
from xiaoer.inbox.followups.tables import FOLLOW_UP, FollowUpState
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.statements import AnyRow, add_note
from xiaoer.inbox.storable import storable, storable_text
from xiaoer.inbox.tables import CONVERSATION, TURN, Status

HAND_OFF_REASON = "follow_up"
NOTE_WORD = "follow_up"
_BUSY = timedelta(minutes=1)  # the customer is being answered: his answer may say it already
_UNREADABLE = timedelta(minutes=15)
_SUMMARY = {
    "en": "Promised on {promised} to come back about {subject} ({kind}). {what}",
    "zh": "{promised} 答应过就 {subject} 回复客户（{kind}）。{what}",
}
_WHAT = {
    True: {"en": "There is news that has to be explained by a person.", "zh": "有新消息，需要人工说明。"},
    False: {"en": "No news until the deadline.", "zh": "到期仍无进展。"},
}


class Lost(Exception):
    """The promise has moved meanwhile: answered, cancelled, woken, or looked at by another."""


@dataclass(frozen=True, slots=True)
class Step:
    what: str  # "again" | "tell" | "note"
    at: datetime | None = None  # of the next look


def decide(row: AnyRow, sight: Sight, conversation: AnyRow, store: Store, busy: bool, now: datetime) -> Step:
    """What to do with a look; pure. A person's conversation gets a note, a sleeping customer waits."""
    if sight.reply is None:
        wait = next_wait(row.tries + 1) if sight.readable else _UNREADABLE
        return Step("again", min(now + wait, row.deadline))
    if conversation.status == Status.HUMAN:
        return Step("note")
    if busy:
        return Step("again", now + _BUSY)
    if not row.urgent and not store.awake(now):
        return Step("again", store.next_awake(now))
    return Step("tell")


def apply_step(
    session: Session,
    outbox: Outbox,
    store: Store,
    row: AnyRow,
    conversation: AnyRow,
    sight: Sight,
    step: Step,
    now: datetime,
) -> None:
    """Everything or nothing, in the caller's transaction; raises Lost when the row is not what was looked at."""
    _move(session, row, _changes(row, sight, step, now))
    if step.what == "again" or sight.reply is None:
        return
    if step.what == "note":
        add_note(session, conversation, f"{NOTE_WORD}:{storable_text(sight.reply.text)}", "", now)
        return
    outbox.tell(session, conversation.id, sight.reply, f"{row.id}:told", Author.ASSISTANT)
    if sight.leave:
        _hand_off(session, store, row, conversation, sight, now)
    else:
        _let_offers_go(session, conversation)
    session.connection().execute(insert(TURN), _turn(row, sight, now))


def _changes(row: AnyRow, sight: Sight, step: Step, now: datetime) -> dict[str, Any]:
    if step.what != "again":
        state = FollowUpState.KEPT if sight.changed else FollowUpState.TOLD_NO_NEWS
        return {"state": state.value, "closed_by": "follow_up", "closed_at": now, "claimed_until": None}
    again: dict[str, Any] = {"next_look_at": step.at, "claimed_until": None}
    if sight.reply is None and sight.readable:
        again |= {"tries": row.tries + 1, "snapshot": storable(sight.snapshot)}
    return again


def _move(session: Session, row: AnyRow, changes: dict[str, Any]) -> None:
    """Compare and set: whoever has changed the row in between wins."""
    f = FOLLOW_UP.c
    as_seen = (f.id == row.id, f.state == row.state, f.tries == row.tries, f.next_look_at == row.next_look_at)
    if session.connection().execute(update(FOLLOW_UP).where(*as_seen).values(changes)).rowcount != 1:
        raise Lost


def _hand_off(
    session: Session, store: Store, row: AnyRow, conversation: AnyRow, sight: Sight, now: datetime
) -> None:
    """The customer has just been told that a person takes it: so it is."""
    c, lang = CONVERSATION.c, store.languages[0]
    promised = row.promised_at.astimezone(store.zone).strftime("%Y-%m-%d")
    what = pick(_WHAT[sight.changed], lang)
    subject = row.order_no or row.subject
    summary = pick(_SUMMARY, lang).format(promised=promised, subject=subject, kind=row.kind, what=what)
    values = {
        "status": Status.HUMAN.value,
        "fence": c.fence + 1,
        "hand_off_reason": HAND_OFF_REASON,
        "hand_off_summary": summary,
        "waiting_since": func.coalesce(c.waiting_since, now),
        "rest": None,
        "asked": None,
        "asked_at": None,
    }
    session.connection().execute(update(CONVERSATION).where(c.id == conversation.id).values(values))
    add_note(session, conversation, f"handed_off:{HAND_OFF_REASON}", "", now)


def _let_offers_go(session: Session, conversation: AnyRow) -> None:
    """An "ok" from here on answers the news, not what was offered before it."""
    memory = dict(conversation.memory)
    if (memory.get("ask") or {}).get("kind") != "offer":
        return
    kept = {name: value for name, value in memory.items() if name not in ("ask", "expecting")}
    mine = CONVERSATION.c.id == conversation.id
    session.connection().execute(update(CONVERSATION).where(mine).values(memory=kept))


def _turn(row: AnyRow, sight: Sight, now: datetime) -> dict[str, Any]:
    """The look in the trace of the conversation, where people see what was read and checked."""
    turn_id = derived_id("T", row.id, "told")
    trace = {**storable(sight.trace), "turn": turn_id, "promised_at": iso(row.promised_at)}
    return {
        "id": turn_id,
        "conversation_id": row.conversation_id,
        "trace": trace,
        "actions": [],
        "handed_off": sight.leave,
        "ms": round(float(sight.trace.get("ms", 0))),
        "created_at": now,
    }
