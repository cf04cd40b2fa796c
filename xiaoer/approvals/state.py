"""What a case's thread holds: plain data, and never the truth. The ledger is the truth."""

from __future__ import annotations

from typing import TypedDict

from sqlmodel import Session

from xiaoer.approvals import ledger
from xiaoer.approvals.refusals import UnknownAction
from xiaoer.approvals.tables import ActionRow, CaseRow


class CaseState(TypedDict, total=False):
    case_id: str
    action_id: str  # what the case was about when a step last looked
    status: str  # where that action stood then
    clause_id: str


def action_of_case(session: Session, case_id: str) -> ActionRow:
    """The action that the case is about now: an edit puts another in its place."""
    case = session.get(CaseRow, case_id, populate_existing=True)
    if case is None:
        raise UnknownAction(f"There is no case {case_id}.")
    return ledger.get(session, case.action_id)


def seen(row: ActionRow) -> CaseState:
    """What a step writes down of an action."""
    return {"action_id": row.id, "status": row.status, "clause_id": row.quote["clause_id"]}
