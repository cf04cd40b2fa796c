"""Who may do what at the desk: roles, their rights, and the right that each address asks for. The only place."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Right(StrEnum):
    OWN = "own"  # one's own password and sessions; every signed-in person
    LOOK = "look"  # conversations, requests, questions, follow-ups
    TRACE = "trace"  # what the assistant did, with every tool's arguments and answers
    TALK = "talk"  # take, write, give back, close; answer for a supplier
    STOP = "stop"  # the pause buttons, down
    RESUME = "resume"  # the pause buttons, up
    DECIDE = "decide"  # approve, reject, edit; settle what nobody knows
    AUDIT = "audit"  # what people did and whose data they looked at
    STAFF = "staff"  # accounts of people


_R = Right
RIGHTS: dict[str, frozenset[Right]] = {
    "viewer": frozenset({_R.OWN, _R.LOOK}),
    "agent": frozenset({_R.OWN, _R.LOOK, _R.TRACE, _R.TALK, _R.STOP}),
    "approver": frozenset({_R.OWN, _R.LOOK, _R.TRACE, _R.TALK, _R.STOP, _R.RESUME, _R.DECIDE}),
    "admin": frozenset(Right),
    # Looks for what went wrong in a turn, and can stop it; talks to nobody and moves nothing.
    "prompt_engineer": frozenset({_R.OWN, _R.LOOK, _R.TRACE, _R.STOP}),
}
ROLES = tuple(RIGHTS)

# Every address that needs a person. One that stands here not is refused to everybody.
ROUTES: dict[str, Right] = {
    "GET /api/v1/conversations": _R.LOOK,
    "GET /api/v1/conversations/{conversation_id}": _R.LOOK,
    "GET /api/v1/conversations/{conversation_id}/trace": _R.TRACE,
    "GET /api/v1/conversations/{conversation_id}/cases": _R.LOOK,
    "POST /api/v1/conversations/{conversation_id}/messages": _R.TALK,
    "POST /api/v1/conversations/{conversation_id}/take": _R.TALK,
    "POST /api/v1/conversations/{conversation_id}/give-back": _R.TALK,
    "POST /api/v1/conversations/{conversation_id}/close": _R.TALK,
    "GET /api/v1/actions": _R.LOOK,
    "GET /api/v1/actions/{action_id}": _R.LOOK,
    "POST /api/v1/actions/{action_id}/decision": _R.DECIDE,
    "POST /api/v1/actions/{action_id}/look": _R.DECIDE,
    "POST /api/v1/actions/{action_id}/close": _R.DECIDE,
    "GET /api/v1/pause": _R.LOOK,
    "POST /api/v1/pause": _R.STOP,
    "POST /api/v1/resume": _R.RESUME,
    "GET /api/v1/audit": _R.AUDIT,
    "GET /api/v1/suppliers/inquiries": _R.LOOK,
    "POST /api/v1/suppliers/inquiries/{inquiry_id}/answer": _R.TALK,
    "GET /api/v1/follow-ups": _R.LOOK,
    "POST /api/v1/follow-ups/{follow_up_id}/cancel": _R.TALK,
    "GET /api/v1/ratings": _R.LOOK,
    "POST /api/v1/confirm": _R.OWN,
    "GET /desk/approvals": _R.LOOK,
    "GET /desk/approvals/{action_id}": _R.LOOK,
    "POST /desk/approvals/{action_id}/decision": _R.DECIDE,
    "POST /desk/approvals/{action_id}/look": _R.DECIDE,
    "POST /desk/approvals/{action_id}/close": _R.DECIDE,
    "GET /desk/conversations": _R.LOOK,
    "GET /desk/conversations/{conversation_id}": _R.LOOK,
    "POST /desk/conversations/{conversation_id}/messages": _R.TALK,
    "POST /desk/conversations/{conversation_id}/take": _R.TALK,
    "POST /desk/conversations/{conversation_id}/give-back": _R.TALK,
    "POST /desk/conversations/{conversation_id}/close": _R.TALK,
    "GET /desk/cases": _R.LOOK,
    "POST /desk/cases/{matter_id}/received": _R.TALK,
    "POST /desk/cases/{matter_id}/stopped": _R.TALK,
    "POST /desk/cases/{matter_id}/not-stopped": _R.TALK,
    "GET /desk/suppliers": _R.LOOK,
    "POST /desk/suppliers/{inquiry_id}/answer": _R.TALK,
    "GET /desk/follow-ups": _R.LOOK,
    "POST /desk/follow-ups/{follow_up_id}/cancel": _R.TALK,
    "GET /desk/history": _R.LOOK,
    "GET /desk/audit": _R.AUDIT,
    # The one button asks twice: up needs RESUME too (acts.resume).
    "POST /desk/switch": _R.STOP,
    "GET /desk/events": _R.LOOK,
    "GET /desk/here": _R.OWN,
    "GET /desk/account": _R.OWN,
    "POST /desk/account/password": _R.OWN,
    "POST /desk/account/sessions": _R.OWN,
    "POST /desk/confirm": _R.OWN,
    "GET /desk/staff": _R.STAFF,
    "POST /desk/staff": _R.STAFF,
    "POST /desk/staff/{person_id}/roles": _R.STAFF,
    "POST /desk/staff/{person_id}/reset": _R.STAFF,
    "POST /desk/staff/{person_id}/disable": _R.STAFF,
    "POST /desk/staff/{person_id}/enable": _R.STAFF,
}


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """All that these roles together may do; a role that is no longer known gives nothing."""
    return frozenset().union(*(RIGHTS.get(role, frozenset()) for role in roles))


def who_may(right: Right) -> str:
    """`approver or admin`: for the sentence of a refusal."""
    return " or ".join(role for role in ROLES if right in RIGHTS[role])
