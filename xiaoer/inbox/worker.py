"""The worker: one conversation at a time, loaded, thought about, committed once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import Engine

from xiaoer.agent.turn import RunTurn, TurnInput, TurnOutcome
from xiaoer.domain.actions import ActionDraft, ActionStatus
from xiaoer.domain.budgets import Brake, Budgets
from xiaoer.domain.clock import Clock
from xiaoer.domain.messages import HandOff
from xiaoer.domain.stores import Store
from xiaoer.inbox.budgets import read_brake
from xiaoer.inbox.committing import Committed, Lost, Verdict, commit_turn
from xiaoer.inbox.hooks import LedgerHooks, Overtaken
from xiaoer.inbox.live import Live, Settled
from xiaoer.inbox.loading import Opened, open_turn, read_input, read_scope
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.pause import held_back
from xiaoer.inbox.queue import RUN_TURN, SEND, Queue
from xiaoer.inbox.sentences import FAULT, HOLDING, LOOP, say
from xiaoer.inbox.tables import State
from xiaoer.storage.crashpoints import crash_point
from xiaoer.storage.engine import look, reading, transaction

log = structlog.get_logger()

# Handed down to the graph; a customer is not left longer than this without a truthful word.
TURN_SECONDS = 45.0


class Worker:
    """Runs turns; `attach` says so to the queue."""

    def __init__(
        self,
        engine: Engine,
        queue: Queue,
        run_turn: RunTurn,
        stores: Mapping[str, Store],
        hooks: LedgerHooks,
        outbox: Outbox,
        clock: Clock,
        live: Live,
        turn_seconds: float = TURN_SECONDS,
        budgets: Budgets | None = None,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._think = run_turn
        self._stores = stores
        self._hooks = hooks
        self._outbox = outbox
        self._clock = clock
        self._live = live
        self._turn_seconds = turn_seconds
        self._budgets = budgets or Budgets()

    def attach(self) -> None:
        """Take the queue's turns and sends."""
        self._queue.handle(RUN_TURN, self.run_turn, give_up=self.quarantine)
        self._queue.handle(SEND, self._outbox.send)
        self._live.poll_seconds = 1.0

    def recover(self) -> None:
        """At start: defer again whatever waits without a job; a job too many finds nothing to do."""
        with transaction(self._engine) as session:
            self._queue.defer_all(session, held_back(session))
        self._queue.kick()

    async def run_turn(self, conversation_id: str) -> None:
        """One turn over all messages that nobody has handled; nothing if there is nothing to do."""
        try:
            await self._run_turn(conversation_id)
        except Overtaken:
            # A person has decided what the customer was taking back: think again, on what holds now.
            await self._run_turn(conversation_id)

    async def _run_turn(self, conversation_id: str) -> None:
        started = time.monotonic()
        loaded = await look(self._engine, self._load, conversation_id)
        if loaded is None:
            return
        opened, turn, brake = loaded
        crash_point("turn.loaded")
        if brake is not None and brake.stops:
            await self._stop(opened, brake)
            return
        self._live.publish_conversation(conversation_id, "typing")
        outcome = await self._outcome(turn)
        crash_point("turn.planned")
        ms = round((time.monotonic() - started) * 1000)
        await self._commit(opened, Verdict(outcome, ms=ms))

    async def _stop(self, opened: Opened, brake: Brake) -> None:
        """Without a thought: a person gets the conversation, and the customer is told so once."""
        log.warning("turn.braked", conversation=opened.conversation.id, turn=opened.turn_id, why=brake.word)
        sentence = say(LOOP, opened.conversation.lang, self._default_lang(opened.conversation.store))
        summary = f"The assistant stopped answering here: limit {brake.word} was reached."
        outcome = self._without_answer(opened, HandOff("limit", summary, sentence), f"limit {brake.word}")
        await self._commit(opened, Verdict(outcome))

    async def quarantine(self, conversation_id: str) -> None:
        """After the last try: the messages are set aside, a person gets them, the customer is told."""
        opened = await asyncio.to_thread(self._open, conversation_id)
        if opened is None:
            return
        log.error("turn.quarantined", conversation=conversation_id, turn=opened.turn_id)
        sentence = say(FAULT, opened.conversation.lang, self._default_lang(opened.conversation.store))
        count = len(opened.messages)
        summary = f"Every try to answer failed. {count} message(s) of the customer were set aside unanswered."
        outcome = self._without_answer(opened, HandOff("fault", summary, sentence, urgent=True))
        await self._commit(opened, Verdict(outcome, State.QUARANTINED))

    async def _outcome(self, turn: TurnInput) -> TurnOutcome:
        """The graph's outcome, or an honest sentence and a person when its time is over."""
        try:
            async with asyncio.timeout(self._turn_seconds) as deadline:
                return await self._think(turn)
        except TimeoutError:
            if not deadline.expired():
                raise
        log.error("turn.deadline", conversation=turn.conversation_id, turn=turn.turn_id)
        sentence = say(HOLDING, turn.lang, turn.store.languages[0])
        summary = f"No answer within {self._turn_seconds:.0f} s; a tool or the model was too slow."
        return TurnOutcome(
            replies=(),
            drafts=(),
            rejected=(),
            scope=turn.scope,
            memory=turn.memory,
            lang=turn.lang or turn.store.languages[0],
            sentiment="neutral",
            hand_off=HandOff("fault", summary, sentence, urgent=True),
            trace=_empty_trace("deadline"),
            misses=turn.misses,
        )

    async def _commit(self, opened: Opened, verdict: Verdict) -> None:
        conversation_id = opened.conversation.id
        try:
            committed = await asyncio.to_thread(self._commit_now, opened, verdict)
        except Lost:
            log.info("turn.lost", conversation=conversation_id, turn=opened.turn_id)
            return
        crash_point("turn.committed")
        if committed.deferred:
            self._queue.kick()
        self._announce(conversation_id, committed.settled)

    def _announce(self, conversation_id: str, settled: Settled) -> None:
        for reply in settled.replies:
            self._live.publish_conversation(conversation_id, "message", message_id=reply.id)
        for action in settled.actions:
            self._live.publish_conversation(conversation_id, "action", action_id=action["id"])
        self._live.publish_settled(conversation_id, settled)

    def _load(self, conversation_id: str) -> tuple[Opened, TurnInput, Brake | None] | None:
        with reading(self._engine) as session:
            opened = open_turn(session, conversation_id)
            if opened is None:
                return None
            turn = read_input(session, opened, self._stores, self._hooks, self._clock())
            brake = read_brake(session, opened, turn, self._budgets)
            return opened, replace(turn, brake=brake.word if brake else ""), brake

    def _open(self, conversation_id: str) -> Opened | None:
        with reading(self._engine) as session:
            return open_turn(session, conversation_id)

    def _commit_now(self, opened: Opened, verdict: Verdict) -> Committed:
        with transaction(self._engine) as session:
            return commit_turn(
                session,
                opened,
                verdict,
                self._clock(),
                outbox=self._outbox,
                queue=self._queue,
                hooks=self._hooks,
                status_of=self._status_of,
                price=self._budgets.price,
            )

    def _status_of(self, draft: ActionDraft) -> ActionStatus:
        """A clause that allows approves only where the store lets rules approve; else a person decides."""
        store = self._stores[draft.terms.store]
        ruled = draft.quote.decision == "allow" and store.rules_may_approve
        return ActionStatus.APPROVED if ruled else ActionStatus.PENDING

    def _without_answer(self, opened: Opened, hand_off: HandOff, fault: str = "quarantined") -> TurnOutcome:
        row = opened.conversation
        return TurnOutcome(
            replies=(),
            drafts=(),
            rejected=(),
            scope=read_scope(row, self._clock()),
            memory=dict(row.memory),
            lang=row.lang or self._default_lang(row.store),
            sentiment=row.sentiment,
            hand_off=hand_off,
            trace=_empty_trace(fault),
            misses=row.misses,
        )

    def _default_lang(self, store_id: str) -> str:
        store = self._stores.get(store_id)
        return store.languages[0] if store else "en"


def _empty_trace(fault: str) -> dict[str, Any]:
    return {
        "brain": "",
        "prompt": "",
        "intents": [],
        "slots": {},
        "sentiment": "neutral",
        "model_calls": [],
        "tool_calls": [],
        "guard": [],
        "fault": fault,
    }
