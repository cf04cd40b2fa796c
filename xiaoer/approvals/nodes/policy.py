"""policy: which way the clause that decided at proposal sends the case."""

from __future__ import annotations

from typing import Literal

from langgraph.runtime import Runtime

from xiaoer.approvals.context import CaseContext
from xiaoer.approvals.state import CaseState, action_of_case, seen
from xiaoer.domain.actions import ActionStatus

_S = ActionStatus
Next = Literal["approve", "execute", "read_back", "tell"]
_NEXT: dict[ActionStatus, Next] = {
    _S.PENDING: "approve",
    _S.APPROVED: "execute",
    _S.EXECUTING: "execute",
    _S.UNKNOWN: "read_back",
}


async def follow_policy(state: CaseState, runtime: Runtime[CaseContext]) -> CaseState:
    case_id = state["case_id"]
    return seen(await runtime.context.read(lambda session: action_of_case(session, case_id)))


def after_policy(state: CaseState) -> Next:
    return _NEXT.get(ActionStatus(state["status"]), "tell")
