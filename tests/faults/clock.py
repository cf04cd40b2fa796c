"""One clock for the whole house: it stands still until a test moves it, forwards or back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # the day on which the demo shop of the tests was seeded


@dataclass
class Clock:
    now: datetime = NOON
    latest: datetime = NOON  # what a machine whose clock nobody sets back would show

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.latest = max(self.latest, self.now)

    def right(self) -> None:
        """Somebody has set the clock right again."""
        self.now = self.latest

    @property
    def steady(self) -> SteadyClock:
        """The same time on another machine, which is not set back with ours."""
        return SteadyClock(self)


@dataclass(frozen=True)
class SteadyClock:
    clock: Clock

    def __call__(self) -> datetime:
        return self.clock.latest
