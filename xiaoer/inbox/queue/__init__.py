"""procrastinate on SQLite and PostgreSQL, with jobs deferred inside the caller's transaction."""

from xiaoer.inbox.queue.queue import Queue, has_deferred
from xiaoer.inbox.queue.tasks import (
    LOOK,
    RUN_CASE,
    RUN_TURN,
    SEND,
    Deferral,
    Handler,
    Pace,
    case_of,
    looking_of,
    sending_of,
    turn_of,
)

__all__ = [
    "LOOK",
    "RUN_CASE",
    "RUN_TURN",
    "SEND",
    "Deferral",
    "Handler",
    "Pace",
    "Queue",
    "case_of",
    "has_deferred",
    "looking_of",
    "sending_of",
    "turn_of",
]
