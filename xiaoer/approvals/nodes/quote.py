"""quote: what the case is about. The amounts were computed by the server when it was proposed."""

from __future__ import annotations

from langgraph.runtime import Runtime

from xiaoer.approvals.context import CaseContext
from xiaoer.approvals.state import CaseState, action_of_case, seen


async def load_quote(state: CaseState, runtime: Runtime[CaseContext]) -> CaseState:
    case_id = state["case_id"]
    return seen(await runtime.context.read(lambda session: action_of_case(session, case_id)))
