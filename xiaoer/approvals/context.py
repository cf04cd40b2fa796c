"""What the steps of a case work with; handed to each run, never stored in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Engine
from sqlmodel import Session

from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.outcomes import Teller
from xiaoer.approvals.quotes import ExecuteTool, LookUps
from xiaoer.domain.clock import Clock
from xiaoer.domain.limits import Limits
from xiaoer.storage.engine import reading, transaction

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class HouseRules:
    """What the rooms around the ledger answer: limits of a store, rights of a person, the stop button."""

    limits_of: Callable[[str], Limits] = lambda _store: Limits()
    may_decide: Callable[[str], bool] = lambda _staff_id: True
    stop_money: Callable[[str, str], None] = lambda _store, _why: None


@dataclass(frozen=True, slots=True)
class CaseContext:
    engine: Engine
    execute: ExecuteTool
    signer: GrantSigner
    look_ups: LookUps
    teller: Teller
    clock: Clock
    paused: Callable[[str], bool]  # is money stopped in this store?
    house: HouseRules = field(default_factory=HouseRules)

    async def read(self, work: Callable[[Session], _T]) -> _T:
        return await asyncio.to_thread(self._read, work)

    async def write(self, work: Callable[[Session], _T]) -> _T:
        """One transaction in a thread; it commits or rolls back as a whole."""
        return await asyncio.to_thread(self._write, work)

    def _read(self, work: Callable[[Session], _T]) -> _T:
        with reading(self.engine) as session:
            return work(session)

    def _write(self, work: Callable[[Session], _T]) -> _T:
        with transaction(self.engine) as session:
            return work(session)
