"""Waiting for the turn that answers a message."""

from __future__ import annotations

from typing import Any

from xiaoer.channels.services import WebServices


async def await_turn(services: WebServices, message_id: str, seconds: float) -> dict[str, Any] | None:
    """The committed turn as the contract shows it, or None when the time was over first."""
    return None
