"""approve: waits while the ledger says pending.

The value that a resume carries is never looked at: LangGraph can deliver a consumed one again
(https://github.com/langchain-ai/langgraph/issues/8837). A wake is a reason to read the ledger.
"""

from __future__ import annotations

from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from xiaoer.approvals.context import CaseContext
from xiaoer.approvals.state import CaseState, action_of_case, seen
from xiaoer.domain.actions import ActionStatus

_S = ActionStatus
Next = Literal["approve", "execute", "tell"]


async def await_decision(state: CaseState, runtime: Runtime[CaseContext]) -> CaseState:
    case_id = state["case_id"]
    row = await runtime.context.read(lambda session: action_of_case(session, case_id))
    if row.status == _S.PENDING:
        interrupt({"case_id": case_id, "action_id": row.id})
        row = await runtime.context.read(lambda session: action_of_case(session, case_id))
    return seen(row)


def after_approve(state: CaseState) -> Next:
    status = ActionStatus(state["status"])
    if status is _S.PENDING:
        return "approve"  # woken for nothing: wait again
    return "execute" if status in (_S.APPROVED, _S.EXECUTING, _S.UNKNOWN) else "tell"
