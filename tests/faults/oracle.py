"""The truth outside the system: what the shop has really done and what the customer has really been sent.

Both are files that are only ever appended to (`O_APPEND`), written after the shop's own commit, and
never read by the house.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from xiaoer.inbox.outbox import Delivery

# A row in one of these has left the house: money, a voucher, a label, or the note that something was done.
WATCHED = ("shop_refunds", "shop_coupons", "shop_returns", "shop_payment_requests", "shop_effects")
_KEPT = ("store", "action_id", "order_key", "amount_minor", "value_minor", "destination", "tool")


def append(path: Path, entry: dict[str, Any]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, (json.dumps(entry, ensure_ascii=False, default=str) + "\n").encode())
    finally:
        os.close(handle)


def lines_of(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


class ShopOracle:
    """Writes down every effect of a shop's database once it is committed there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending: dict[int, list[dict[str, Any]]] = defaultdict(list)

    def watch(self, engine: Engine) -> None:
        event.listen(engine, "after_execute", self._note)
        event.listen(engine, "rollback", lambda conn: self._pending.pop(_id(conn.connection), None))
        commit = engine.dialect.do_commit

        def committed(dbapi_connection: Any) -> None:
            commit(dbapi_connection)
            for entry in self._pending.pop(_id(dbapi_connection), []):
                append(self.path, entry)

        engine.dialect.do_commit = committed  # type: ignore[method-assign]  # the driver has no event after a commit

    def entries(self, table: str | None = None) -> list[dict[str, Any]]:
        """What has happened since the watch began; what was in the shop before carries no action."""
        return [one for one in lines_of(self.path) if table is None or one["table"] == table]

    def _note(self, conn: Any, statement: Any, _many: Any, _params: Any, _options: Any, result: Any) -> None:
        table = getattr(getattr(statement, "table", None), "name", None)
        if table not in WATCHED or not getattr(statement, "is_insert", False):
            return
        for values in result.context.compiled_parameters:
            if values.get("action_id"):
                kept = {name: values[name] for name in _KEPT if name in values}
                self._pending[_id(conn.connection)].append({"table": table, **kept})


def _id(connection: Any) -> int:
    return id(getattr(connection, "dbapi_connection", connection))


@dataclass
class OracleChannel:
    """An outside channel: what arrives stands in a file. `faults` are taken one a try.

    `lost`: refused before it was sent. `late`: delivered, and then no answer.
    """

    path: Path
    faults: list[str] = field(default_factory=list)
    instant: bool = False

    async def send(self, delivery: Delivery) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "lost":
            raise ConnectionError("the channel does not answer")
        append(
            self.path,
            {"thread": delivery.thread, "key": delivery.key, "text": delivery.text, "cards": delivery.cards},
        )
        if fault == "late":
            raise TimeoutError("no answer in time")
        return delivery.key

    def sent(self, thread: str | None = None) -> list[dict[str, Any]]:
        return [one for one in lines_of(self.path) if thread in (None, one["thread"])]
