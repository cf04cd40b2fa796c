"""tell: makes sure that the customer has heard how it ended, whoever ended it."""

from __future__ import annotations

from langgraph.runtime import Runtime
from sqlmodel import Session

from xiaoer.approvals import ledger
from xiaoer.approvals.context import CaseContext
from xiaoer.approvals.state import CaseState, action_of_case, seen


async def tell_customer(state: CaseState, runtime: Runtime[CaseContext]) -> CaseState:
    context = runtime.context

    def tell(session: Session) -> CaseState:
        row = ledger.lock_row(session, action_of_case(session, state["case_id"]).id)
        context.teller.tell_outcome(session, row)
        return seen(row)

    return await context.write(tell)
