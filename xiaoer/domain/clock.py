"""One injected clock: wall time for what people see and for expiry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with a Z, as every outside surface shows time."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
