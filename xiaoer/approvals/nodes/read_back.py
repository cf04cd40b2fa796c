"""read back: finds out what became of an action whose answer was lost."""

from __future__ import annotations

from typing import Literal

from langgraph.runtime import Runtime

from xiaoer.approvals.context import CaseContext
from xiaoer.approvals.read_back import read_back_action
from xiaoer.approvals.state import CaseState, action_of_case
from xiaoer.domain.actions import OPEN, ActionStatus

Next = Literal["execute", "tell", "__end__"]


async def read_back_case(state: CaseState, runtime: Runtime[CaseContext]) -> CaseState:
    case_id = state["case_id"]
    row = await runtime.context.read(lambda session: action_of_case(session, case_id))
    status = await read_back_action(runtime.context, row.id)
    return {"action_id": row.id, "status": status.value}


def after_read_back(state: CaseState) -> Next:
    """Proven absent: once more from the top. No answer: the clock starts this case again."""
    status = ActionStatus(state["status"])
    if status is ActionStatus.APPROVED:
        return "execute"
    return "__end__" if status in OPEN else "tell"
