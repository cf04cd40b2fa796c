"""Waiting for what happens by itself: until it is so, or a deadline; never a fixed sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], seconds: float = 15.0) -> T:
    """The first truthy answer of `look`; fails when the time is over first."""
    deadline = monotonic() + seconds
    while True:
        found = await look()
        if found:
            return found
        assert monotonic() < deadline, f"it did not happen within {seconds} s"
        await asyncio.sleep(0.02)
