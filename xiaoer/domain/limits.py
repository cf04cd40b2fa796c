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
    # More executions than this within so many minutes stop the store's money until somebody looks.
    velocity_actions: int | None = 60
    velocity_minutes: int = 10

    def needs_two(self, amount_minor: int | None, unusual: bool) -> bool:
        """Whether two different people must agree; `unusual`: the money would go where it did not come from."""
        large = (
            self.four_eyes_above is not None
            and amount_minor is not None
            and amount_minor > self.four_eyes_above
        )
        return large or (unusual and self.four_eyes_above is not None)
