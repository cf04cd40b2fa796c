"""execute: hands an approved action to the executor, as far as it goes now."""

from __future__ import annotations

from typing import Literal

from langgraph.runtime import Runtime

from xiaoer.approvals.context import CaseContext
from xiaoer.approvals.executor import execute_action
from xiaoer.approvals.state import CaseState, action_of_case
from xiaoer.domain.actions import OPEN, ActionStatus

Next = Literal["read_back", "tell", "__end__"]


async def execute_case(state: CaseState, runtime: Runtime[CaseContext]) -> CaseState:
    case_id = state["case_id"]
    row = await runtime.context.read(lambda session: action_of_case(session, case_id))
    status = await execute_action(runtime.context, row.id)
    return {"action_id": row.id, "status": status.value}


def after_execute(state: CaseState) -> Next:
    """Paused, postponed, or in another run's hands: the clock starts this case again."""
    status = ActionStatus(state["status"])
    if status is ActionStatus.UNKNOWN:
        return "read_back"
    return "__end__" if status in OPEN else "tell"
