"""The one transaction of a turn: whoever finds its messages still unhandled wins, everybody else leaves no trace."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlmodel import Session

from xiaoer.agent.turn import TurnOutcome
from xiaoer.domain.actions import ActionDraft, ActionStatus
from xiaoer.domain.budgets import Price
from xiaoer.domain.messages import Author, Reply
from xiaoer.inbox.budgets import count_turn
from xiaoer.inbox.followups.rows import ask_rating, enter_outcome
from xiaoer.inbox.hooks import LedgerHooks
from xiaoer.inbox.live import Settled
from xiaoer.inbox.loading import Opened
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.queue import Queue, has_deferred
from xiaoer.inbox.statements import add_note
from xiaoer.inbox.storable import storable, storable_text
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, TURN, State, Status

NO_PRICE = Price()
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
    settled: Settled
    deferred: bool = False  # jobs came of it: wake the workers


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
    price: Price = NO_PRICE,
) -> Committed:
    """Everything or nothing; raises Lost when the messages or the conversation have moved on, Overtaken
    when an action has."""
    outcome = verdict.outcome
    replies = _replies(outcome)
    first_seq = _win(session, opened, verdict, now, len(replies))
    for action_id in outcome.withdraws:
        queue.defer_all(session, hooks.withdraw(session, action_id, opened.conversation.id))
    actions = _propose(session, outcome, queue, hooks, status_of)
    replies = [_renamed(reply, actions) for reply in replies]
    told = outbox.enqueue(
        session,
        opened.conversation,
        replies,
        Author.ASSISTANT,
        [f"{opened.turn_id}:{number}" for number in range(len(replies))],
        turn_id=opened.turn_id,
        lang=outcome.lang,
        at_once=True,
        first_seq=first_seq,
    )
    if outcome.hand_off is not None:
        add_note(session, opened.conversation, f"handed_off:{outcome.hand_off.reason}", "", now)
    enter_outcome(session, opened.conversation, opened.turn_id, outcome, now)
    if outcome.asks_rating and told:
        ask_rating(session, opened.conversation, told[-1].id, now)
    asked = [{"id": a.action_id, "tool": a.tool, "status": a.status} for a in actions]
    session.connection().execute(_INSERT_TURN, _turn_row(opened, verdict, asked, now))
    count_turn(session, opened, outcome, now, price)
    settled = Settled(
        handled=frozenset(message.id for message in opened.messages),
        replies=told,
        handed_off=outcome.hand_off is not None,
        actions=tuple(asked),
    )
    return Committed(settled, has_deferred(session))


def _win(session: Session, opened: Opened, verdict: Verdict, now: datetime, count: int) -> int:
    """Compare and set: the conversation by its fence, then exactly the messages of this turn.

    Takes `count` numbers of the conversation for the replies; the first of them.
    """
    conversation = {
        "of": opened.conversation.id,
        "seen_fence": opened.conversation.fence,
        "last_handled": opened.last_seq,
        "count": count,
        **_conversation_values(opened, verdict.outcome, now),
    }
    statement = _HAND_OFF if verdict.outcome.hand_off else _ANSWER
    won = session.connection().execute(statement, conversation).first()
    if won is None:
        raise Lost
    messages = {
        "of": opened.conversation.id,
        "last_handled": opened.last_seq,
        "new_state": verdict.state.value,
        "new_turn": opened.turn_id,
        "new_lang": verdict.outcome.lang,
    }
    if session.connection().execute(_MARK_HANDLED, messages).rowcount != len(opened.messages):
        raise Lost
    return int(won.last_seq) - count + 1


def _conversation_values(opened: Opened, outcome: TurnOutcome, now: datetime) -> dict[str, Any]:
    scope, hand_off = outcome.scope, outcome.hand_off
    values = {
        "new_level": int(scope.level),
        "new_customer_ref": scope.customer_ref,
        "new_verified_at": scope.verified_at,
        "new_scope_expires_at": scope.expires_at,
        "new_memory": storable(outcome.memory),
        "new_lang": outcome.lang,
        "new_sentiment": outcome.sentiment,
        "new_misses": outcome.misses,
        "new_updated_at": now,
        "new_served_at": now if outcome.served else opened.conversation.served_at,
        "new_asked": outcome.asked,
        "new_asked_at": now if outcome.asked else None,
    }
    if hand_off is None:
        return values
    return values | {
        "new_hand_off_reason": hand_off.reason,
        "new_hand_off_summary": storable_text(hand_off.summary),
        "new_urgent": hand_off.urgent,
    }


_SILENCE = ("served_at", "asked", "asked_at")


def _commit_statement(*more: str, **fixed: Any) -> Any:
    """Every run that has read the same fence may try; the first one moves it on."""
    c, m = CONVERSATION.c, MESSAGE.c
    names = ("level", "customer_ref", "verified_at", "scope_expires_at", "memory", "lang", "sentiment")
    new = {
        name: bindparam(f"new_{name}", type_=c[name].type)
        for name in (*names, *_SILENCE, "misses", "updated_at", *more)
    }
    still_waiting = (
        select(func.min(m.created_at))
        .where(m.conversation_id == c.id, m.state == State.RECEIVED.value, m.seq > bindparam("last_handled"))
        .scalar_subquery()
    )
    taken = {
        "fence": c.fence + 1,
        "last_seq": c.last_seq + bindparam("count"),
        "waiting_since": still_waiting,
        "reminded_at": None,
    }
    return (
        update(CONVERSATION)
        .where(c.id == bindparam("of"), c.fence == bindparam("seen_fence"), c.status == Status.BOT.value)
        .values({**taken, **new, **fixed})
        .returning(c.last_seq)
    )


_ANSWER = _commit_statement()
_HAND_OFF = _commit_statement(
    "hand_off_reason",
    "hand_off_summary",
    "urgent",
    status=Status.HUMAN.value,
    waiting_since=func.coalesce(CONVERSATION.c.waiting_since, bindparam("new_updated_at")),
)
# Numbers are given under the conversation's lock: what was open up to this one is what the turn has read.
_MARK_HANDLED = (
    update(MESSAGE)
    .where(MESSAGE.c.conversation_id == bindparam("of"), MESSAGE.c.seq <= bindparam("last_handled"))
    .where(MESSAGE.c.state == State.RECEIVED.value, MESSAGE.c.turn_id.is_(None))
    .values(state=bindparam("new_state"), turn_id=bindparam("new_turn"), lang=bindparam("new_lang"))
)
_INSERT_TURN = insert(TURN)


def _replies(outcome: TurnOutcome) -> list[Reply]:
    """The hand-off's sentence comes last, unless the graph has put it among the replies itself."""
    replies = list(outcome.replies)
    say = outcome.hand_off.say if outcome.hand_off else ""
    if say and all(reply.text != say for reply in replies):
        replies.append(Reply(say))
    return replies


@dataclass(frozen=True, slots=True)
class _Asked:
    """One draft of the turn and the action that stands for it in the ledger."""

    draft_id: str
    action_id: str
    tool: str
    status: str


def _propose(
    session: Session, outcome: TurnOutcome, queue: Queue, hooks: LedgerHooks, status_of: StatusOf
) -> list[_Asked]:
    drafts = [(draft, status_of(draft)) for draft in outcome.drafts]
    drafts += [(draft, ActionStatus.REJECTED) for draft in outcome.rejected]
    asked = []
    for draft, status in drafts:
        entered = hooks.propose(session, draft, status)
        queue.defer_all(session, entered.deferrals)
        asked.append(_Asked(draft.terms.action_id, entered.action_id, draft.terms.tool, entered.status))
    return asked


def _renamed(reply: Reply, actions: list[_Asked]) -> Reply:
    """The reply names the action that really stands, when another conversation had asked for it first."""
    for asked in actions:
        if asked.action_id != asked.draft_id:
            swap = functools.partial(_swapped, old=asked.draft_id, new=asked.action_id)
            reply = replace(reply, text=swap(reply.text), cards=tuple(swap(card) for card in reply.cards))
    return reply


def _swapped(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {key: _swapped(item, old, new) for key, item in value.items()}
    return [_swapped(item, old, new) for item in value] if isinstance(value, list | tuple) else value


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
