"""How many live streams may be open: a stream costs a place, and nobody gets all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from xiaoer.channels.errors import Problem


@dataclass
class Streams:
    """Counts in this process, on its event loop. `each`: of one person; `most`: of all together."""

    each: int = 8
    most: int = 4_000
    open: int = 0  # all together
    _of: Counter[str] = field(default_factory=Counter)

    def require_place(self, who: str) -> None:
        """Before the answer begins: 429 for the person, 503 for the process."""
        if self._of[who] >= self.each:
            raise Problem(429, "Too many live pages are open. Close one.", headers={"Retry-After": "30"})
        if self.open >= self.most:
            raise Problem(503, headers={"Retry-After": "30"})

    @contextmanager
    def place(self, who: str) -> Iterator[bool]:
        """A place while the stream is open; False when others took the last one meanwhile."""
        if self._of[who] >= self.each or self.open >= self.most:
            yield False
            return
        self._of[who] += 1
        self.open += 1
        try:
            yield True
        finally:
            self.open -= 1
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]
