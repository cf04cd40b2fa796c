"""Any order of proposals, decisions, faults, crashes and clocks: an effect happens at most once,
never without an approval of the same digest, and exactly once where the ledger says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from langgraph.checkpoint.memory import InMemorySaver
from sqlalchemy import event
from sqlmodel import select
from support import case_world
from support.case_world import MAYA, NOEL, World, make_draft

from xiaoer.approvals import desk, executor, ledger
from xiaoer.approvals.history import approved_digest, verify_chain
from xiaoer.approvals.refusals import Conflict
from xiaoer.approvals.tables import ActionHold, ActionRow
from xiaoer.domain.actions import OPEN, ActionStatus
from xiaoer.domain.refusals import Refusal
from xiaoer.storage.engine import make_engine, reading, transaction
from xiaoer.storage.metadata import desk_metadata

S = ActionStatus
FAULTS = {
    "quote_refund": ["down", "garbage", "timeout"],
    "issue_refund": ["timeout", "timeout_after", "late", "garbage", "refused", "order_changed"],
    "get_effect": ["down", "garbage", "timeout"],
}
OURS = ["decision.committed", "case.executing", "effect.done", "receipt.unrecorded", "receipt.recorded"]
TROUBLE = {
    "line": st.integers(1, 3),
    "answer": st.sampled_from(["", *FAULTS["issue_refund"]]),
    "look": st.sampled_from(["", "", "down", "garbage"]),
    "kill_at": st.sampled_from([None, None, *OURS]),
    "late": st.booleans(),
    "jump": st.sampled_from([0, 3, 30, 70]),
}
MAY_HAVE_HAPPENED = {S.EXECUTING, S.UNKNOWN, S.SUCCEEDED}


class Killed(BaseException):
    """The process is gone; nothing that it would have done next happens."""


class ForwardClock:
    """The server's own clock: another machine, not set back with ours."""

    def __init__(self, clock):
        self.clock, self.latest = clock, clock()

    def __call__(self):
        self.latest = max(self.latest, self.clock())
        return self.latest


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.engine = make_engine(f"sqlite:///{Path(self.home.name)}/desk.db")
        event.listen(self.engine, "connect", self.forget_power_cuts)
        self.engine.dispose()
        desk_metadata.create_all(self.engine)
        self.loop = asyncio.new_event_loop()
        self.armed: str | None = None
        self.count = 0
        self.patches = [
            mock.patch.object(module, "crash_point", self.crash_point)
            for module in (executor, desk, case_world)
        ]
        for patch in self.patches:
            patch.start()

    def forget_power_cuts(self, connection, _record):
        connection.execute("PRAGMA synchronous=OFF")

    @initialize()
    def open_shop(self):
        self.world = World(self.engine, InMemorySaver())
        self.world.server.clock = ForwardClock(self.world.clock)

    def teardown(self):
        try:
            self.come_to_rest()
        finally:
            for patch in self.patches:
                patch.stop()
            self.loop.close()
            self.engine.dispose()
            self.home.cleanup()

    def crash_point(self, name):
        if self.armed == name:
            self.armed = None
            raise Killed

    def alive(self, work):
        """Run something; when it is killed, a new process starts as the joiner starts it."""
        try:
            return self.loop.run_until_complete(work)
        except Killed:
            self.world.restart()
            self.world.case_clock.recover()
            return None

    def rows(self):
        with reading(self.engine) as session:
            return list(session.exec(select(ActionRow).order_by(ActionRow.id)))

    def pick(self, data, *statuses):
        rows = [row for row in self.rows() if not statuses or row.status in statuses]
        return data.draw(st.sampled_from(rows)) if rows else None

    # what people and brains do

    @rule(
        line=st.integers(1, 3),
        quantity=st.integers(1, 2),
        decision=st.sampled_from(["needs_approval", "deny", "allow"]),
    )
    def propose(self, line, quantity, decision):
        self.count += 1
        draft = make_draft(
            f"A-{self.count:03}", ((f"L{line}", quantity),), decision=decision, expires_at=self.in_two_days()
        )
        by_rule = decision == "allow" and line == 1
        with transaction(self.engine) as session:
            entered = ledger.propose(session, draft, S.APPROVED if by_rule else S.PENDING, self.world.clock())
            if entered.new and entered.case_id:
                self.world.queue.defer(session, "run_case", "", {"case_id": entered.case_id})

    @rule(data=st.data())
    def supersede(self, data):
        row = self.pick(data, "pending", "approved")
        if row is None:
            return
        self.count += 1
        line = row.args["lines"][0]["line_id"]
        draft = make_draft(
            f"A-{self.count:03}", ((line, 1),), supersedes=row.id, expires_at=self.in_two_days()
        )
        with transaction(self.engine) as session:
            ledger.propose(session, draft, S.PENDING, self.world.clock())

    @rule(data=st.data(), verb=st.sampled_from(["approve", "approve", "reject", "edit"]), stale=st.booleans())
    def decide(self, data, verb, stale):
        row = self.pick(data)
        if row is None:
            return
        digest = "sha256:0" if stale and verb == "approve" else row.digest
        edits = {"lines": [{**row.args["lines"][0], "quantity": 1}]}
        with contextlib.suppress(Conflict, Refusal):
            self.alive(self.world.desk.decide(row.id, verb, digest, MAYA, note="why", edits=edits))

    @rule(data=st.data())
    def decide_at_once(self, data):
        row = self.pick(data, "pending")
        if row is None:
            return
        verdicts = [
            self.world.desk.decide(row.id, verb, row.digest, who, note="why")
            for verb, who in (("approve", MAYA), ("reject", NOEL), ("approve", NOEL))
        ]

        async def race():
            return await asyncio.gather(*verdicts, return_exceptions=True)

        answers = self.alive(race())
        if answers and not any(isinstance(answer, Killed) for answer in answers):
            assert sum(not isinstance(answer, Exception) for answer in answers) <= 1

    @rule(data=st.data())
    def take_back(self, data):
        row = self.pick(data)
        if row is None:
            return
        try:
            with transaction(self.engine) as session:
                ledger.cancel_by_customer(session, row.id, self.world.clock())
        except Conflict:
            pass

    # what machines do

    @rule()
    def run_jobs(self):
        self.alive(self.world.run_jobs())

    @rule(data=st.data())
    def run_twice_at_once(self, data):
        row = self.pick(data)
        if row is None or row.case_id is None:
            return

        async def both():
            await asyncio.gather(*(self.world.runner.run_case(row.case_id) for _ in range(2)))

        self.alive(both())

    @rule(seconds=st.sampled_from([1, 10, 70, 3600, 49 * 3600, -600, -3600]))
    def clock_moves(self, seconds):
        self.world.clock.forward(seconds)

    @rule()
    def tick(self):
        self.world.case_clock.tick()

    @rule(point=st.sampled_from(OURS))
    def arm(self, point):
        self.armed = point

    @rule()
    def restart(self):
        self.world.queue.jobs.clear()
        self.world.restart()
        self.world.case_clock.recover()

    @rule()
    def lose_the_threads(self):
        self.world.saver = InMemorySaver()
        self.world.restart()

    def approve_through_trouble(self, line, answer, look, kill_at, late, jump):
        """The road on which money moves, with a fault or a kill on the way."""
        self.propose(line, 1, "needs_approval")
        row = next((row for row in self.rows() if row.status == "pending"), None)
        if row is None:
            return
        self.world.server.faults = {"issue_refund": [answer], "get_effect": [look]}
        self.armed = kill_at
        with contextlib.suppress(Conflict):
            self.alive(self.world.desk.decide(row.id, "approve", row.digest, MAYA))
        self.run_jobs()
        self.world.clock.forward(jump)
        self.world.case_clock.tick()
        self.run_jobs()
        if late:
            self.deliver_late()

    # Money moves on this road alone: let hypothesis take it more often than any other.
    refund = rule(**TROUBLE)(approve_through_trouble)
    refund_too = rule(**TROUBLE)(approve_through_trouble)
    refund_as_well = rule(**TROUBLE)(approve_through_trouble)

    # what the world does

    @rule(tool=st.sampled_from(sorted(FAULTS)), data=st.data())
    def break_something(self, tool, data):
        self.world.server.faults.setdefault(tool, []).append(data.draw(st.sampled_from(FAULTS[tool])))

    @rule()
    def deliver_late(self):
        with contextlib.suppress(Killed):  # the server's process, not ours
            self.world.server.deliver_late()

    @rule()
    @precondition(lambda self: self.count)
    def order_changes(self):
        # A shop's order never changes without its version: a grant for the old one is worth nothing then.
        self.world.server.price += 1
        self.world.server.version += 1

    @rule()
    def pause_or_resume(self):
        self.world.paused ^= {"demo-us"}

    # what must hold

    @invariant()
    def effects_are_approved_and_single(self):
        if not hasattr(self, "world"):
            return
        effects = self.world.server.effects
        ids = [effect.action_id for effect in effects]
        assert len(ids) == len(set(ids))
        with reading(self.engine) as session:
            for effect in effects:
                assert approved_digest(session, effect.action_id) == effect.digest
            for row in session.exec(select(ActionRow)):
                assert row.status in MAY_HAVE_HAPPENED or row.id not in ids
                assert row.status != S.SUCCEEDED or (row.id in ids and row.receipt)
                assert (row.status in OPEN) == (self.holds(session, row.id) > 0)
            assert verify_chain(session) == []

    def holds(self, session, action_id):
        return len(session.exec(select(ActionHold).where(ActionHold.action_id == action_id)).all())

    def in_two_days(self):
        return self.world.clock() + case_world.timedelta(hours=48)

    def come_to_rest(self):
        """When the faults are over, nothing is left in the air and nobody is left without a word."""
        if not hasattr(self, "world"):
            return
        self.armed = None
        self.world.clock.now = self.world.server.clock()  # somebody has set the clock right
        self.world.server.faults.clear()
        self.world.paused.clear()
        self.world.restart()
        self.world.case_clock.recover()
        self.loop.run_until_complete(self.world.run_jobs())
        self.loop.run_until_complete(self.world.settle(3600, step=120))
        self.world.server.deliver_late()
        self.effects_are_approved_and_single()
        for row in self.rows():
            assert row.status not in ("approved", "executing", "unknown"), (
                row.id,
                row.status,
                row.last_error,
            )
            silent = row.status in ("pending", "cancelled") or row.superseded_by
            assert silent or row.told, (row.id, row.status)


LedgerMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_any_order_of_events = LedgerMachine.TestCase
