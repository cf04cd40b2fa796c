"""Rate limits in this process's memory: generous for people, a wall for floods."""

from __future__ import annotations

import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from xiaoer.channels.errors import Problem


class Limiter:
    """`hit("session", "10/minute", address)` counts one try or raises 429 with Retry-After."""

    def __init__(self) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._items: dict[str, RateLimitItem] = {}

    def hit(self, what: str, rule: str, *who: str) -> None:
        item = self._item(rule)
        if self._window.hit(item, what, *who):
            return
        reset, _ = self._window.get_window_stats(item, what, *who)
        wait = max(1, int(reset - time.time()) + 1)
        raise Problem(429, headers={"Retry-After": str(wait)})

    def forgive(self, what: str, rule: str, *who: str) -> None:
        """Forget the tries of somebody who has shown that he may."""
        self._window.clear(self._item(rule), what, *who)

    def _item(self, rule: str) -> RateLimitItem:
        return self._items.setdefault(rule, parse(rule))
