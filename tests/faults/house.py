"""The whole house in one process and on one clock: real intake, worker, graph, ledger, executor, servers, shop.

Left out are HTTP, the classifier and the queue's own loop: a list of jobs stands in its place, so that a test
decides when what runs. Around it stand the oracle (files that the house never reads) and the crash switch.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from faults.clock import Clock
from faults.crashing import Killed, Switch, installed
from faults.jobs import Jobs
from faults.minds import Obedient, QuickUnderstander
from faults.oracle import OracleChannel, ShopOracle
from faults.seams import Hooks, compiled_once, listening, no_power_cuts
from langgraph.checkpoint.memory import InMemorySaver
from mcp.server.mcpserver import MCPServer
from sqlalchemy import Engine, event, select
from support.servers import ShelfOfTwo, _seeded_file

from xiaoer.agent.brains.embedded import EmbeddedBrain
from xiaoer.agent.mind import make_mind
from xiaoer.approvals import runner
from xiaoer.approvals.context import HouseRules
from xiaoer.approvals.desk import Approvals, Staff
from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.hooks import LedgerHooks
from xiaoer.approvals.runner import CaseRunner
from xiaoer.approvals.tables import ActionRow
from xiaoer.approvals.ticks import CaseClock
from xiaoer.domain.messages import InboundMessage
from xiaoer.domain.stores import Store
from xiaoer.inbox.console import Console
from xiaoer.inbox.intake import Accepted, Intake
from xiaoer.inbox.live import Live
from xiaoer.inbox.outbox import Outbox
from xiaoer.inbox.pause import MONEY, Pauses, is_paused
from xiaoer.inbox.queue import RUN_CASE
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, OUTBOX
from xiaoer.inbox.worker import Worker
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.platforms.local.platform import LocalPlatform
from xiaoer.mcp_servers.registry import build_servers
from xiaoer.mcp_servers.state import ServerState
from xiaoer.prompts.playbooks import load_playbooks
from xiaoer.storage.engine import make_engine, reading
from xiaoer.storage.metadata import desk_metadata
from xiaoer.stores.loader import load_stores
from xiaoer.tools.calls import ToolResult
from xiaoer.tools.client import ToolBox

MAYA = Staff("u1", "Maya Demo", frozenset({"approver"}))
NOEL = Staff("u2", "Noel Demo", frozenset({"admin"}))
GUEST = Staff("u3", "Guest Demo", frozenset({"agent"}))
OPEN_MOVES = ("approved", "executing", "unknown")
US, CN = "demo-us", "demo-cn"


@functools.cache
def empty_desk() -> Path:
    """The desk's tables, made once a process; every house starts from a copy."""
    path = Path(tempfile.mkdtemp(prefix="xiaoer-desk-")) / "desk.db"
    engine = make_engine(f"sqlite:///{path}")
    desk_metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def seeded_shop() -> Path:
    return _seeded_file()


@functools.cache
def playbooks() -> Any:
    return load_playbooks()


@functools.cache
def demo_stores() -> dict[str, Store]:
    return load_stores()


@dataclass
class Sent:
    """What the outside knows that it has sent, and what it was answered."""

    store: str
    channel: str
    thread: str
    event_id: str
    text: str
    accepted: int = 0  # how often the door said yes
    at: Any = None  # when first


class House:
    """`async with House(home) as house:`; `restart` is a new process over the same files."""

    def __init__(
        self,
        home: Path,
        *,
        brain: Any = None,
        stores: Mapping[str, Store] | None = None,
        wrap_servers: Callable[[dict[str, MCPServer]], Mapping[str, MCPServer | str]] = lambda own: own,
        understander: Any = None,
        durable: bool = False,
        recheck_seconds: float = 3600.0,
        clock: Clock | None = None,
        fresh: bool = True,
    ) -> None:
        self.home = home
        self.clock = clock or Clock()
        self.switch = Switch()
        self.brain = brain or Obedient()
        self.stores = dict(stores or demo_stores())
        self.wrap_servers = wrap_servers
        self.understander = understander or QuickUnderstander()
        self.durable = durable
        self.recheck_seconds = recheck_seconds
        self.logs: list[dict[str, Any]] = []
        self.sent: list[Sent] = []
        self.gone: set[str] = set()  # people who may decide no more
        self.lost_commits = False  # somebody has cut the power
        self.deaths = 0
        self.calls: list[tuple[str, str]] = []  # what the executor has asked the servers
        self.metas: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = []  # and with which permits
        self.context_key, self.grant_key = self.make_keys()
        self.shop_oracle = ShopOracle(home / "effects.jsonl")
        self.channel = OracleChannel(home / "channel.jsonl")
        self._mind: Any = None
        self._saver: Any = None
        self._stack = ExitStack()
        if fresh:
            self.lay_out()
        self.desk_engine = self._engine("desk.db")
        self.shop_engine = self._engine("shop.db")
        self.shop_oracle.watch(self.shop_engine)

    # -- opening, restarting, starting anew

    async def __aenter__(self) -> House:
        self.enter(self._stack)
        self.platform = LocalPlatform(self.shop_engine, self.clock.steady)
        keys = {"context": self.context_key.public_key(), "grant": self.grant_key.public_key()}
        self.shelf = ShelfOfTwo()
        state = ServerState(self.shop_engine)
        self.deps = ServerDeps(self.platform, state, self.stores, keys, self.clock.steady, self.shelf)
        self.servers = build_servers(self.deps)
        self.toolbox = ToolBox(
            self.wrap_servers(dict(self.servers)),
            self.context_key,
            self.clock.steady,
            recheck_seconds=self.recheck_seconds,
        )
        await self.toolbox.start()
        self.begin()
        return self

    def enter(self, stack: ExitStack) -> None:
        stack.enter_context(installed(self.switch))
        stack.enter_context(listening(self.logs))
        stack.enter_context(mock.patch.object(runner, "build_case_graph", compiled_once()))

    def make_keys(self) -> tuple[Ed25519PrivateKey, Ed25519PrivateKey]:
        """Of contexts and of grants."""
        return Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()

    async def __aexit__(self, *_: object) -> None:
        await self.toolbox.close()
        self._stack.close()
        self.desk_engine.dispose()
        self.shop_engine.dispose()

    def lay_out(self) -> None:
        """Fresh files: an empty desk, the seeded shop, nothing in the oracle."""
        self.home.mkdir(parents=True, exist_ok=True)
        for name, source in (("desk.db", empty_desk()), ("shop.db", seeded_shop())):
            for stale in self.home.glob(f"{name}-*"):
                stale.unlink()
            shutil.copy(source, self.home / name)
        for name in ("effects.jsonl", "channel.jsonl"):
            (self.home / name).unlink(missing_ok=True)

    def anew(self) -> None:
        """Another story in the same house: everything is as on the first day."""
        self.desk_engine.dispose()
        self.shop_engine.dispose()
        self.lay_out()
        for kept in (self.logs, self.sent, self.calls, self.metas, self.channel.faults):
            kept.clear()
        self.gone.clear()
        self.deaths, self.lost_commits = 0, False
        self.switch.armed, self.switch.dead = None, False
        self.clock.now = self.clock.latest = Clock().now
        self.deps.contexts.clear()
        shown = getattr(self.brain, "shown", None)
        if shown is not None:
            shown.clear()
        self.begin()

    def begin(self) -> None:
        self.jobs = Jobs(self.clock)
        if self._saver is None:
            self._saver = InMemorySaver()
        for kept in (self._saver.storage, self._saver.writes, self._saver.blobs):
            kept.clear()
        self.saver: Any = self._saver
        self.join()

    def join(self) -> None:
        """The rooms, as the joiner joins them; a new process does the same over the same files."""
        queue: Any = self.jobs
        self.live = Live()
        senders: Any = {"telegram": self.channel}
        self.outbox = Outbox(self.desk_engine, queue, senders, self.clock, self.live)
        self.pauses = Pauses(self.desk_engine, queue, self.clock, self.live)
        self.intake = Intake(self.desk_engine, queue, self.clock, self.live)
        self.console = Console(self.desk_engine, queue, self.outbox, self.clock, self.live)
        if self._mind is None:  # it remembers nothing, and to compile its graph takes longer than a turn
            embedded = EmbeddedBrain(playbooks())
            self._mind = make_mind(self.brain, embedded, playbooks(), self.understander, self.toolbox.run)
        self.run_turn: Any = self._mind.run_turn
        hooks = Hooks(LedgerHooks(self.stores, self.clock))
        self.worker = Worker(
            self.desk_engine, queue, self._think, self.stores, hooks, self.outbox, self.clock, self.live
        )
        self.worker.attach()
        self.runner = CaseRunner(
            self.desk_engine,
            self._execute,
            GrantSigner(self.grant_key),
            self.outbox.tell,
            self.clock,
            self.saver,
            self._money_paused,
            house=HouseRules(
                limits_of=lambda store: self.stores[store].limits,
                may_decide=lambda staff_id: staff_id not in self.gone,
                stop_money=lambda store, why: self.pauses.pause(MONEY, store, why),
            ),
        )
        self.ticks = CaseClock(
            self.desk_engine, self.outbox.tell, queue.defer, self.clock, self._money_paused
        )
        queue.handle(RUN_CASE, self.runner.run_case)
        self.desk = Approvals(
            self.desk_engine,
            queue.defer,
            self.clock,
            self.outbox.tell,
            self.runner.look_ups.quote,
            limits_of=lambda store: self.stores[store].limits,
        )

    def restart(self) -> None:
        self.switch.dead = False
        self.join()
        self.worker.recover()
        self.ticks.recover()

    # -- what happens in it

    async def alive(self, work: Any) -> Any:
        """Do something; when the process dies of it, a new one is started. None then."""
        try:
            result = await work
            self.switch.breathe()
        except Killed:
            self.deaths += 1
            self.restart()
            return None
        return result

    async def write(self, text: str, thread: str = "t1", event_id: str = "", **more: Any) -> Accepted | None:
        """A customer's message at the door, once; None when the door gave no answer."""
        values = {"store": US, "channel": "telegram", **more}
        one = InboundMessage(thread=thread, event_id=event_id or f"{thread}:{text}", text=text, **values)
        noted = self._note(one)
        accepted = await self.intake.accept(one)
        noted.accepted += 1
        return accepted

    async def say(self, text: str, thread: str = "t1", **more: Any) -> str:
        """Write and let the turn run; the conversation's id."""
        accepted = await self.alive(self.write(text, thread, **more))
        if accepted is None:  # the platform has had no answer: it delivers again
            accepted = await self.write(text, thread, **more)
        await self.work()
        return str(accepted.conversation_id)

    async def work(self) -> None:
        """Run every job that is due."""
        for _ in range(5_000):
            job = self.jobs.due()
            if job is None:
                return
            await self.alive(self.jobs.run(job))
        raise AssertionError("the jobs do not come to an end")

    async def settle(self, seconds: float = 120, step: float = 5) -> None:
        """Let the clock tick until nothing is in the air any more, or the time is over."""
        await self.work()
        spent = 0.0
        while not self.quiet() and spent < seconds:
            self.clock.forward(step)
            spent += step
            self.ticks.tick()
            await self.work()

    def quiet(self) -> bool:
        return not (self.jobs.waiting or self.loose_ends())

    def loose_ends(self) -> list[str]:
        """What is still in the air: messages nobody has handled, deliveries that wait, actions that move."""
        waiting = (
            select(MESSAGE.c.id)
            .join(CONVERSATION, CONVERSATION.c.id == MESSAGE.c.conversation_id)
            .where(MESSAGE.c.state == "received", CONVERSATION.c.status == "bot")
        )
        queued = select(OUTBOX.c.message_id).where(OUTBOX.c.state == "queued")
        moving = select(ActionRow.id).where(ActionRow.status.in_(OPEN_MOVES))  # type: ignore[attr-defined]  # a column
        with reading(self.desk_engine) as session:
            return [
                str(one) for query in (waiting, queued, moving) for one in session.execute(query).scalars()
            ]

    async def decide(self, action_id: str, decision: str = "approve", who: Staff = MAYA, **more: Any) -> Any:
        digest = more.pop("digest", None) or self.action(action_id).digest
        note = more.pop("note", "why")
        verdict: Any = decision
        return await self.desk.decide(action_id, verdict, digest, who, note=note, **more)

    def actions(self) -> list[ActionRow]:
        with reading(self.desk_engine) as session:
            return list(session.scalars(select(ActionRow).order_by(ActionRow.created_at, ActionRow.id)))  # type: ignore[arg-type]  # columns

    def action(self, action_id: str) -> ActionRow:
        return next(row for row in self.actions() if row.id == action_id)

    def status(self, action_id: str) -> str:
        return self.action(action_id).status

    def texts(self, *authors: str, thread: str | None = None) -> list[str]:
        query = select(MESSAGE.c.text, MESSAGE.c.author, CONVERSATION.c.thread).where(
            MESSAGE.c.kind != "note"
        )
        query = query.join(CONVERSATION, CONVERSATION.c.id == MESSAGE.c.conversation_id)
        with reading(self.desk_engine) as session:
            rows = session.execute(query.order_by(MESSAGE.c.conversation_id, MESSAGE.c.seq)).all()
        return [r.text for r in rows if (not authors or r.author in authors) and thread in (None, r.thread)]

    def change_store(self, store: str = US, **changes: Any) -> None:
        self.stores[store] = replace(self.stores[store], **changes)

    # -- seams that only a test has

    async def _think(self, turn: Any) -> Any:
        return await self.run_turn(turn)

    async def _execute(
        self, server: str, tool: str, args: Mapping[str, Any], meta: Mapping[str, Any], seconds: float
    ) -> ToolResult:
        self.calls.append((server, tool))
        self.metas.append((server, tool, dict(args), dict(meta)))
        result = await self.toolbox.execute(server, tool, args, meta, seconds)
        self.switch.breathe()
        return result

    def _money_paused(self, store: str) -> bool:
        with reading(self.desk_engine) as session:
            return is_paused(session, MONEY, store)

    def _note(self, one: InboundMessage) -> Sent:
        key = (one.store, one.channel, one.event_id)
        known = next((s for s in self.sent if (s.store, s.channel, s.event_id) == key), None)
        if known is None:
            known = Sent(one.store, one.channel, one.thread, one.event_id, one.text, at=self.clock())
            self.sent.append(known)
        return known

    def _engine(self, name: str) -> Engine:
        engine = make_engine(f"sqlite:///{self.home / name}")
        if not self.durable:
            event.listen(engine, "connect", no_power_cuts)
        return engine
