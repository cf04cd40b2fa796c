"""What a house of the tests puts in the place of a process's own: its log, its compiler, its fear of power cuts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from xiaoer.approvals.case_graph import build_case_graph
from xiaoer.approvals.hooks import LedgerHooks
from xiaoer.inbox.hooks import Entered
from xiaoer.inbox.queue import Deferral


def compiled_once() -> Any:
    """One compiled case graph a saver, as one process has: a restart here is not to cost a compilation."""
    known: dict[int, tuple[Any, Any]] = {}

    def build(saver: Any) -> Any:
        if id(saver) not in known:
            known[id(saver)] = (saver, build_case_graph(saver))
        return known[id(saver)][1]

    return build


@dataclass(frozen=True)
class Hooks:
    """The ledger as the inbox knows it; the joiner does the same."""

    ledger: LedgerHooks

    def actions_of(self, session: Any, conversation_id: str) -> Any:
        return self.ledger.actions_of(session, conversation_id)

    def propose(self, session: Any, draft: Any, status: Any) -> Entered:
        action_id, stands, jobs = self.ledger.propose(session, draft, status)
        return Entered(action_id, stands, [Deferral(task, lock, args) for task, lock, args in jobs])


def no_power_cuts(connection: Any, _record: Any) -> None:
    """What a test kills is the process, not the machine: nothing has to be forced to the disk."""
    connection.execute("PRAGMA synchronous=OFF")


@contextmanager
def listening(heard: list[dict[str, Any]]) -> Iterator[None]:
    """Everything that is logged, instead of printing it."""
    before = structlog.get_config()

    def keep(_logger: Any, _name: str, entry: Any) -> Any:
        heard.append({name: repr(value) for name, value in entry.items()})
        raise structlog.DropEvent

    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
