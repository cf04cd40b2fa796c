"""How much money may leave a shop in a day, and when one person's word is not enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Amounts in minor units of the store's currency over 24 hours; None: no such limit."""

    customer_day: int | None = None
    approver_day: int | None = None
    store_day: int | None = None
    four_eyes_above: int | None = None  # a larger amount needs two people
    # A larger amount asks whoever approves for the password again; None: where two people are needed.
    step_up_above: int | None = None
    # More executions than this within so many minutes stop the store's money until somebody looks.
    velocity_actions: int | None = 60
    velocity_minutes: int = 10

    def needs_two(self, amount_minor: int | None, unusual: bool) -> bool:
        """Whether two different people must agree; `unusual`: the money would go where it did not come from."""
        return _passes(self.four_eyes_above, amount_minor, unusual)

    def needs_step_up(self, amount_minor: int | None, unusual: bool) -> bool:
        """Whether the password must have been given within the last minutes."""
        own = self.step_up_above
        return _passes(self.four_eyes_above if own is None else own, amount_minor, unusual)


def _passes(limit: int | None, amount_minor: int | None, unusual: bool) -> bool:
    return limit is not None and (unusual or (amount_minor is not None and amount_minor > limit))
