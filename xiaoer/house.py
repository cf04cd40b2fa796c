"""The joiner of rooms: builds every room once, hands each what it needs, and does nothing else."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mcp.server.mcpserver import MCPServer
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from xiaoer.agent.brains.embedded import EmbeddedBrain
from xiaoer.agent.brains.protocol import Brain
from xiaoer.agent.brains.select import build_brain
from xiaoer.agent.brains.understanding import load_understander
from xiaoer.agent.metrics import measured
from xiaoer.agent.mind import Mind, make_mind
from xiaoer.approvals import guards
from xiaoer.approvals import keys as key_files
from xiaoer.approvals.desk import Approvals
from xiaoer.approvals.follow_through import FollowThrough
from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.hooks import LedgerHooks
from xiaoer.approvals.runner import CaseRunner
from xiaoer.approvals.savers import open_saver
from xiaoer.approvals.ticks import CaseClock
from xiaoer.desk import tables as desk_tables
from xiaoer.domain.clock import Clock, utc_now
from xiaoer.domain.permits import VerifyKeys
from xiaoer.domain.stores import Store
from xiaoer.inbox.console import Console
from xiaoer.inbox.followups.clocks import attach_clocks
from xiaoer.inbox.followups.desk import FollowUps
from xiaoer.inbox.intake import Intake
from xiaoer.inbox.live import Live
from xiaoer.inbox.outbox import Outbox, TableSender
from xiaoer.inbox.pause import MONEY, Pauses, is_paused
from xiaoer.inbox.queue import RUN_CASE, Queue
from xiaoer.inbox.worker import Worker
from xiaoer.joints import Defer, Hooks, Tell, house_rules
from xiaoer.kb import entries
from xiaoer.kb.index import open_chroma
from xiaoer.kb.knowledge import Knowledge
from xiaoer.mcp_servers.deps import NoKnowledge, ServerDeps
from xiaoer.mcp_servers.platforms.local import LocalPlatform, demo_stores, seed_demo
from xiaoer.mcp_servers.registry import SERVERS
from xiaoer.mcp_servers.state import ServerState
from xiaoer.privacy.retention import Keep, Sweeper, forgetting, sweeping
from xiaoer.prompts.playbooks import load_playbooks
from xiaoer.settings import Role, Settings, SettingsRefused
from xiaoer.storage.alone import SEED, alone
from xiaoer.storage.engine import make_engine, reading
from xiaoer.storage.migrate import Registry, is_ahead, upgrade
from xiaoer.stores.loader import load_stores
from xiaoer.tools.catalog import CATALOG, Effect
from xiaoer.tools.client import ToolBox

log = structlog.get_logger()

_LEAST_SECRET = 32
MakeBrain = Callable[..., Brain]  # build_brain, or one of the same arguments
# An executor calls the servers whose tools need a grant, and no other.
_GRANTED = frozenset(spec.server for spec in CATALOG.values() if spec.effect is Effect.IRREVERSIBLE)


@dataclass(frozen=True)
class Foundation:
    """What needs no event loop: databases, stores, keys. The command line uses it alone."""

    settings: Settings
    stores: dict[str, Store]
    desk_engine: Engine
    shop_engine: Engine
    clock: Clock
    opened: tuple[Registry, ...]  # the databases that this process touches

    def dispose(self) -> None:
        self.desk_engine.dispose()
        self.shop_engine.dispose()


@dataclass(frozen=True)
class House:
    """All rooms of this role, joined and running."""

    foundation: Foundation
    queue: Queue
    live: Live
    intake: Intake
    outbox: Outbox
    console: Console
    pauses: Pauses
    follow_ups: FollowUps
    approvals: Approvals
    toolbox: ToolBox | None  # not where nothing is called
    brain: Brain | None  # only where turns are run


def lay_foundation(
    settings: Settings, clock: Clock = utc_now, opened: tuple[Registry, ...] = ("desk", "shop")
) -> Foundation:
    """Open these databases at their newest revision; raises SettingsRefused when one cannot be reached."""
    settings.home.mkdir(parents=True, exist_ok=True)
    require_databases(settings, opened)
    desk, shop = make_engine(settings.database_url), make_engine(settings.shop_database_url)
    if "desk" in opened:
        upgrade(desk, "desk", _restore_guards)
    if "shop" in opened:
        upgrade(shop, "shop")
    return Foundation(settings, load_stores(settings.service.stores), desk, shop, clock, opened)


def databases_of(settings: Settings, role: Role) -> tuple[Registry, ...]:
    """What a role opens. The API shows questions to suppliers and labels from the shop's database."""
    shop = role in (Role.ALL, Role.API) or servers_here(settings, role)
    return ("desk", "shop") if shop else ("desk",)


def require_databases(settings: Settings, opened: tuple[Registry, ...]) -> None:
    """Raise SettingsRefused, with the reason, for a database that does not answer or is not for this version."""
    named: dict[Registry, tuple[str, str]] = {
        "desk": ("XIAOER_DATABASE_URL", settings.database_url),
        "shop": ("XIAOER_SHOP_DATABASE_URL", settings.shop_database_url),
    }
    problems = [problem for registry in opened if (problem := _unusable(registry, *named[registry]))]
    if problems:
        raise SettingsRefused(problems)


def _unusable(registry: Registry, name: str, url: str) -> str | None:
    engine = make_engine(url)
    shown = engine.url.render_as_string(hide_password=True)
    try:
        newer = is_ahead(engine, registry)
    except DBAPIError as error:
        return f"{name}: {shown} cannot be used: {' '.join(str(error.orig).split())}."
    finally:
        engine.dispose()
    return f"{name}: a newer version of Xiaoer has been at {shown}; run that one." if newer else None


def seed_demo_stores(base: Foundation) -> dict[str, int]:
    """Fill the demo stores that are configured; a second time changes nothing."""
    local = [name for name in demo_stores() if name in base.stores and base.stores[name].platform == "local"]
    with alone(base.shop_engine, SEED):
        return {name: seed_demo(base.shop_engine, name, base.clock()) for name in local}


def servers_here(settings: Settings, role: Role = Role.ALL) -> tuple[str, ...]:
    """The tool servers that this role calls and that have no address: they run in its process."""
    called = {Role.API: frozenset[str](), Role.EXECUTOR: _GRANTED}.get(role, frozenset(SERVERS))
    return tuple(name for name in SERVERS if name in called and name not in settings.mcp.urls())


def own_servers(base: Foundation, keys: VerifyKeys, *names: str) -> dict[str, MCPServer]:
    """The servers of these names, over this shop's database."""
    deps = ServerDeps(
        platform=LocalPlatform(base.shop_engine, base.clock),
        state=ServerState(base.shop_engine),
        stores=base.stores,
        keys=keys,
        clock=base.clock,
        knowledge=open_knowledge(base) if "knowledge" in names else NoKnowledge(),
    )
    return {name: SERVERS[name](deps) for name in names}


@asynccontextmanager
async def open_house(
    settings: Settings, role: Role = Role.ALL, clock: Clock = utc_now, make_brain: MakeBrain = build_brain
) -> AsyncIterator[House]:
    """The rooms of this role joined and at work; closes in the opposite order."""
    base = await asyncio.to_thread(lay_foundation, settings, clock, databases_of(settings, role))
    async with AsyncExitStack() as stack:
        stack.callback(base.dispose)
        if settings.service.demo and "shop" in base.opened:
            await asyncio.to_thread(seed_demo_stores, base)
        house = await _join(base, role, make_brain, stack)
        if role is not Role.API:
            await _go_to_work(house, stack)
        yield house


async def _join(base: Foundation, role: Role, make_brain: MakeBrain, stack: AsyncExitStack) -> House:
    queue, live = Queue(base.settings.database_url), Live()
    await queue.open()
    stack.push_async_callback(queue.close)
    outbox = Outbox(base.desk_engine, queue, {"web": TableSender()}, base.clock, live)
    pauses = Pauses(base.desk_engine, queue, base.clock, live)
    toolbox, brain, cases = None, None, None
    if role is not Role.API:
        context_key, grant_key, verify = _keys(base.settings, role)
        toolbox = await _tools(base, role, context_key, verify, stack)
        if role in (Role.ALL, Role.WORKER):
            mind = await _mind(base, toolbox, make_brain)
            brain = mind.brain
            hooks = Hooks(LedgerHooks(base.stores, base.clock))
            worker = Worker(
                *(
                    base.desk_engine,
                    queue,
                    measured(mind.run_turn),
                    base.stores,
                    hooks,
                    outbox,
                    base.clock,
                    live,
                ),
                budgets=base.settings.limits.budgets(),
            )
            worker.attach()
            await asyncio.to_thread(worker.recover)
            attach_clocks(base.desk_engine, queue, outbox, mind.lookout, base.stores, hooks, base.clock, live)
            queue.every_tick(sweeping(sweeper_of(base)), "retention")
        if grant_key is not None:
            cases = await _cases(base, role, toolbox, grant_key, outbox, queue, pauses, stack)
    quote = cases.look_ups.quote if cases else None
    return House(
        foundation=base,
        queue=queue,
        live=live,
        intake=Intake(base.desk_engine, queue, base.clock, live),
        outbox=outbox,
        console=Console(base.desk_engine, queue, outbox, base.clock, live),
        pauses=pauses,
        follow_ups=FollowUps(base.desk_engine, queue, base.clock, live),
        approvals=Approvals(
            base.desk_engine,
            Defer(queue),
            base.clock,
            Tell(outbox, queue),
            quote,
            limits_of=lambda store: base.stores[store].limits,
        ),
        toolbox=toolbox,
        brain=brain,
    )


def sweeper_of(base: Foundation) -> Sweeper:
    keep = Keep(**base.settings.retention.model_dump())
    return Sweeper(base.desk_engine, base.shop_engine if "shop" in base.opened else None, keep, base.clock)


async def _tools(
    base: Foundation, role: Role, context_key: Ed25519PrivateKey, verify: VerifyKeys, stack: AsyncExitStack
) -> ToolBox:
    own = await asyncio.to_thread(own_servers, base, verify, *servers_here(base.settings, role))
    return await stack.enter_async_context(
        ToolBox({**own, **base.settings.mcp.urls()}, context_key, base.clock)
    )


async def _mind(base: Foundation, toolbox: ToolBox, make_brain: MakeBrain) -> Mind:
    playbooks = load_playbooks()
    understander = await asyncio.to_thread(load_understander, base.settings.cache)
    embedded = EmbeddedBrain(playbooks)
    schemas = toolbox.schemas()
    books = playbooks.intents.values()
    brain = make_brain(base.settings.brain, embedded, schemas, books, base.stores, playbooks.words)
    start = getattr(brain, "start", None)
    if start:
        await start()
    return make_mind(brain, embedded, playbooks, understander, toolbox.run)


async def _cases(
    base: Foundation,
    role: Role,
    toolbox: ToolBox,
    grant_key: Ed25519PrivateKey,
    outbox: Outbox,
    queue: Queue,
    pauses: Pauses,
    stack: AsyncExitStack,
) -> CaseRunner:
    """The executor's part: only where the grant key is."""
    saver = await stack.enter_async_context(open_saver(base.settings.database_url))

    def money_paused(store: str) -> bool:
        with reading(base.desk_engine) as session:
            return is_paused(session, MONEY, store)

    tell, defer = Tell(outbox, queue), Defer(queue)
    runner = CaseRunner(
        base.desk_engine,
        toolbox.execute,
        GrantSigner(grant_key),
        tell,
        base.clock,
        saver,
        money_paused,
        house=house_rules(base.stores, base.desk_engine, pauses),
    )
    ticks = CaseClock(base.desk_engine, tell, defer, base.clock, money_paused)
    queue.handle(RUN_CASE, runner.run_case)

    async def tick() -> None:
        await asyncio.to_thread(ticks.tick)

    queue.every_tick(tick)
    queue.every_tick(forgetting(sweeper_of(base), saver.adelete_thread), "threads")
    follow = FollowThrough(
        base.desk_engine, runner.look_ups, tell, defer, base.stores, base.clock, money_paused
    )

    async def follow_up() -> None:
        await follow.tick()

    queue.every_tick(follow_up, "matters")
    if role is Role.ALL:
        # Only then is it certain that nobody else is executing.
        await asyncio.to_thread(ticks.recover)
    return runner


async def _go_to_work(house: House, stack: AsyncExitStack) -> None:
    concurrency = house.foundation.settings.service.concurrency
    work = asyncio.create_task(house.queue.run_worker(concurrency), name="queue")

    async def stop() -> None:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    stack.push_async_callback(stop)


def _keys(settings: Settings, role: Role) -> tuple[Ed25519PrivateKey, Ed25519PrivateKey | None, VerifyKeys]:
    """(context, grant, public) of a role that calls tools; made on the first start when all share a process."""
    context_file, grant_file = settings.context_key_file, settings.grant_key_file
    if role is Role.ALL:
        context, grant = key_files.load_or_make_key(context_file), key_files.load_or_make_key(grant_file)
        keys = {"context": context.public_key(), "grant": grant.public_key()}
        key_files.write_verify_keys(settings.verify_keys_file, keys)
        return context, grant, keys
    keys = key_files.load_verify_keys(settings.verify_keys_file)
    if role is Role.EXECUTOR:
        # An executor signs no contexts; a key of its own fits no server.
        return Ed25519PrivateKey.generate(), key_files.load_key_file(grant_file), keys
    return key_files.load_key_file(context_file), None, keys


def open_knowledge(base: Foundation) -> Knowledge:
    """The knowledge of all stores, indexed."""
    settings = base.settings
    client = open_chroma(settings.home / "chroma", settings.database.chroma_url)
    folder = settings.service.articles or entries.BUILT_IN
    return Knowledge.build(client, folder, list(base.stores), base.shop_engine, base.clock)


def web_secret(settings: Settings) -> str:
    """The secret of web sessions: given, or made once and kept beside the keys."""
    if settings.secrets.secret_key:
        return settings.secrets.secret_key.get_secret_value()
    return _kept_secret(settings.home / "keys" / "web.secret")


def _kept_secret(file: Path) -> str:
    """Made whole or not at all: a start that dies half-way must not leave an empty secret behind."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(32))
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):  # another process of the same start was faster
            os.link(fresh, file)
        fresh.unlink()
    secret = file.read_text().strip()
    if len(secret) < _LEAST_SECRET:
        raise key_files.KeyFileError(
            f"{file} holds no secret. Remove it; a new one is made at the next start."
        )
    return secret


def _restore_guards(connection: Connection) -> None:
    guards.restore(connection, (*guards.APPEND_ONLY, *desk_tables.APPEND_ONLY))
