"""The one transaction of a turn: whoever finds its messages still unhandled wins, everybody else leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlmodel import Session

from xiaoer.agent.turn import TurnOutcome
from xiaoer.domain.actions import ActionDraft, ActionStatus
from xiaoer.domain.messages import Author, HandOff, Reply
from xiaoer.inbox.hooks import LedgerHooks
from xiaoer.inbox.loading import Opened
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.queue import Deferral, Queue
from xiaoer.inbox.statements import add_note
from xiaoer.inbox.storable import storable, storable_text
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, TURN, State, Status

StatusOf = Callable[[ActionDraft], ActionStatus]


class Lost(Exception):
    """Another run, or a person, was faster; the transaction is to be rolled back."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be committed, beside the graph's outcome."""

    outcome: TurnOutcome
    state: State = State.HANDLED  # of the customer's messages; QUARANTINED after the last try
    ms: int = 0


@dataclass(frozen=True, slots=True)
class Committed:
    message_ids: tuple[str, ...]
    action_ids: tuple[str, ...] = field(default=())


def commit_turn(
    session: Session,
    opened: Opened,
    verdict: Verdict,
    now: datetime,
    *,
    outbox: Outbox,
    queue: Queue,
    hooks: LedgerHooks,
    status_of: StatusOf,
) -> Committed:
    """Everything or nothing; raises Lost when the messages or the conversation have moved on."""
    outcome = verdict.outcome
    _win(session, opened, verdict, now)
    replies = _replies(outcome)
    message_ids = outbox.enqueue(
        session,
        opened.conversation,
        replies,
        Author.ASSISTANT,
        [f"{opened.turn_id}:{number}" for number in range(len(replies))],
        turn_id=opened.turn_id,
        lang=outcome.lang,
        at_once=True,
    )
    if outcome.hand_off is not None:
        add_note(session, opened.conversation, f"handed_off:{outcome.hand_off.reason}", "", now)
    actions = _propose(session, outcome, queue, hooks, status_of)
    session.execute(insert(TURN), [_turn_row(opened, verdict, actions, now)])
    return Committed(tuple(message_ids), tuple(action["id"] for action in actions))


def _win(session: Session, opened: Opened, verdict: Verdict, now: datetime) -> None:
    """Compare and set: first the conversation by its fence, then exactly the messages of this turn."""
    c, m = CONVERSATION.c, MESSAGE.c
    ids = opened.message_ids
    still_waiting = (
        select(func.min(m.created_at))
        .where(m.conversation_id == c.id, m.state == State.RECEIVED, m.id.not_in(ids))
        .scalar_subquery()
    )
    changes = _conversation_changes(verdict.outcome, now)
    won = session.execute(
        update(CONVERSATION)
        .where(c.id == opened.conversation.id, c.fence == opened.conversation.fence, c.status == Status.BOT)
        .values(fence=c.fence + 1, **{"waiting_since": still_waiting, **changes})
        .returning(c.id)
    )
    if won.first() is None:
        raise Lost
    handled = session.execute(
        update(MESSAGE)
        .where(m.id.in_(ids), m.state == State.RECEIVED, m.turn_id.is_(None))
        .values(state=verdict.state.value, turn_id=opened.turn_id, lang=verdict.outcome.lang)
        .returning(m.id)
    )
    if len(handled.all()) != len(ids):
        raise Lost


def _conversation_changes(outcome: TurnOutcome, now: datetime) -> dict[str, Any]:
    scope = outcome.scope
    changes: dict[str, Any] = {
        "level": int(scope.level),
        "customer_ref": scope.customer_ref,
        "verified_at": scope.verified_at,
        "scope_expires_at": scope.expires_at,
        "memory": storable(outcome.memory),
        "lang": outcome.lang,
        "sentiment": outcome.sentiment,
        "misses": outcome.misses,
        "updated_at": now,
    }
    return changes | (_hand_off_changes(outcome.hand_off, now) if outcome.hand_off else {})


def _hand_off_changes(hand_off: HandOff, now: datetime) -> dict[str, Any]:
    return {
        "status": Status.HUMAN.value,
        "hand_off_reason": hand_off.reason,
        "hand_off_summary": storable_text(hand_off.summary),
        "urgent": hand_off.urgent,
        "waiting_since": func.coalesce(CONVERSATION.c.waiting_since, now),
    }


def _replies(outcome: TurnOutcome) -> list[Reply]:
    """The hand-off's sentence comes last, unless the graph has put it among the replies itself."""
    replies = list(outcome.replies)
    say = outcome.hand_off.say if outcome.hand_off else ""
    if say and all(reply.text != say for reply in replies):
        replies.append(Reply(say))
    return replies


def _propose(
    session: Session, outcome: TurnOutcome, queue: Queue, hooks: LedgerHooks, status_of: StatusOf
) -> list[dict[str, str]]:
    asked = [(draft, status_of(draft)) for draft in outcome.drafts]
    asked += [(draft, ActionStatus.REJECTED) for draft in outcome.rejected]
    actions = []
    for draft, status in asked:
        deferrals: list[Deferral] = hooks.propose(session, draft, status)
        queue.defer_all(session, deferrals)
        actions.append({"id": draft.terms.action_id, "tool": draft.terms.tool, "status": status.value})
    return actions


def _turn_row(
    opened: Opened, verdict: Verdict, actions: list[dict[str, str]], now: datetime
) -> dict[str, Any]:
    return {
        "id": opened.turn_id,
        "conversation_id": opened.conversation.id,
        "trace": {"turn": opened.turn_id, "ms": verdict.ms, **storable(verdict.outcome.trace)},
        "actions": actions,
        "handed_off": verdict.outcome.hand_off is not None,
        "ms": verdict.ms,
        "created_at": now,
    }
