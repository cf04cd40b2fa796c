"""Every look at a customer's data: who, at what, when."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from xiaoer.approvals.desk import Staff
from xiaoer.desk.audit import Audit

# A page that stands open looks again every few seconds; that is one look as long as it lasts.
SAME_LOOK = timedelta(minutes=10)
_REMEMBERED = 10_000


@dataclass
class Looks:
    audit: Audit
    _noted: OrderedDict[tuple[str, str], datetime] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, who: Staff, target: str, store: str | None = None, **details: Any) -> None:
        """`target`: the id of what was opened, or the name of a list (details: how many, of which store)."""
        key, now = (who.id, f"{target} {store} {sorted(details.get('ids', ()))}"), self.audit.clock()
        with self._lock:
            last = self._noted.get(key)
            if last is not None and timedelta(0) <= now - last < SAME_LOOK:
                return
            self._noted[key] = now
            self._noted.move_to_end(key)
            while len(self._noted) > _REMEMBERED:
                self._noted.popitem(last=False)
        self.audit.note(who, "look", target, store, **details)
