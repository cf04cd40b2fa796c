"""CaseRunner: brings a case as far as it goes now. Woken by queue jobs, as often as anyone likes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from langgraph.checkpoint.base import BaseCheckpointSaver
from sqlalchemy import Engine

from xiaoer.approvals.case_graph import build_case_graph
from xiaoer.approvals.context import CaseContext, HouseRules
from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.outcomes import Tell, Teller
from xiaoer.approvals.quotes import ExecuteTool, LookUps
from xiaoer.approvals.receipts import Receipts, default_receipts
from xiaoer.approvals.savers import assert_strict_msgpack
from xiaoer.approvals.state import action_of_case, seen
from xiaoer.domain.actions import OPEN
from xiaoer.domain.clock import Clock


class CaseRunner:
    """Runs cases on their threads. Any number of calls, at once or after any crash, does no harm."""

    def __init__(
        self,
        engine: Engine,
        toolbox_execute: ExecuteTool,
        grant_signer: GrantSigner,
        tell: Tell,
        clock: Clock,
        saver: BaseCheckpointSaver[Any],
        paused: Callable[[str], bool],
        texts: Receipts | None = None,
        house: HouseRules | None = None,
    ) -> None:
        assert_strict_msgpack()
        self.look_ups = LookUps(engine, toolbox_execute, grant_signer, clock)
        self._context = CaseContext(
            engine=engine,
            execute=toolbox_execute,
            signer=grant_signer,
            look_ups=self.look_ups,
            teller=Teller(tell, texts or default_receipts()),
            clock=clock,
            paused=paused,
            house=house or HouseRules(),
        )
        self._graph = build_case_graph(saver)
        # Two runs on one thread would fork it; the queue keeps other processes away by its lock.
        # A lock lives as long as a run holds it or waits for it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run_case(self, case_id: str) -> None:
        """Take the case on; returns when it is done, waits for a person, or waits for the clock."""
        async with self._locks.setdefault(case_id, asyncio.Lock()):
            await self._run(case_id)

    async def _run(self, case_id: str) -> None:
        config: Any = {"configurable": {"thread_id": case_id}}
        snapshot = await self._graph.aget_state(config)
        row = await self._context.read(lambda session: action_of_case(session, case_id))
        if not snapshot.next and seen(row) == _seen_last(snapshot.values) and row.status not in OPEN:
            return  # told and done
        # A parked or interrupted thread goes on with None, never with a resume value; one that has
        # come to an end starts at the top, where the ledger decides again where it belongs.
        start: Any = None if snapshot.next else {"case_id": case_id}
        await self._graph.ainvoke(start, config, context=self._context, durability="sync")


def _seen_last(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values.get(name) for name in ("action_id", "status", "clause_id")}
