"""What a person or another room is told when the ledger says no."""

from __future__ import annotations

from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.refusals import Refusal


class LostRace(Exception):
    """A compare-and-set found another status than expected; nothing was changed."""

    def __init__(self, action_id: str, expected: ActionStatus, found: ActionStatus | None) -> None:
        super().__init__(f"{action_id} is {found or 'missing'}, not {expected}")
        self.action_id = action_id
        self.expected = expected
        self.found = found


class IllegalTransition(ValueError):
    """The state machine has no such step: a mistake of ours, never of the world."""


class UnknownAction(Refusal):
    code = "not_found"


class Forbidden(Refusal):
    """This person may not decide this."""

    code = "forbidden"


class StepUp(Refusal):
    """An amount like this asks for the password again."""

    code = "step_up"


class Conflict(Refusal):
    """Somebody or something was faster. Codes: decided, changed, expired, superseded, cancelled,
    second_needed, settled."""

    code = "decided"

    def __init__(self, message: str, code: str, status: ActionStatus, winner: str | None = None) -> None:
        super().__init__(message, code)
        self.status = status
        self.winner = winner
