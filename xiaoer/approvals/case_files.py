"""What the desk does with long matters: read their timelines, book what happened in the shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from xiaoer.approvals import matters
from xiaoer.approvals.matters import MatterView
from xiaoer.domain.clock import Clock
from xiaoer.domain.refusals import NotFound, Refusal
from xiaoer.storage.engine import reading, transaction


@dataclass(frozen=True, slots=True)
class ShopDesk:
    """The seller's side of the shop, where it can be reached from here; see platforms.local.LocalShop."""

    receive_return: Callable[[str, str], None]  # (store, return id)
    answer_interception: Callable[[str, str, str, bool], None]  # (store, order, tracking number, stopped)


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """Timelines for pages, and the buttons that tell the shop what has arrived."""

    engine: Engine
    clock: Clock
    shop: ShopDesk | None = None

    def of_action(self, action_id: str) -> tuple[MatterView, ...]:
        with reading(self.engine) as session:
            found = matters.of_action(session, action_id)
        return (found,) if found else ()

    def of_conversation(self, conversation_id: str) -> tuple[MatterView, ...]:
        with reading(self.engine) as session:
            return matters.of_conversation(session, conversation_id)

    def get(self, matter_id: str) -> MatterView:
        """Raises NotFound."""
        with reading(self.engine) as session:
            found = matters.get(session, matter_id)
        if found is None:
            raise NotFound("There is no such case.")
        return found

    def book(self, matter_id: str, what: str) -> MatterView:
        """`received`, `stopped` or `not-stopped`, for a matter that waits for just that; the executor goes on.

        Raises NotFound, and Refusal when nobody waits for it or the shop books it elsewhere.
        """
        matter = self.get(matter_id)
        wanted = "return" if what == "received" else "interception"
        if matter.waits_for != wanted:
            raise Refusal("Nobody waits for this any more.", "too_late")
        if self.shop is None:
            raise Refusal("This shop books its goods somewhere else.", "elsewhere")
        if what == "received":
            self.shop.receive_return(matter.store, matter.subject["return_id"])
        else:
            number = matter.subject["tracking_no"]
            self.shop.answer_interception(matter.store, matter.order_no, number, what == "stopped")
        self.look_soon(matter.store, matter.order_no)
        return matter

    def look_soon(self, store: str, order_no: str) -> int:
        """Have the executor look at this order at its next tick."""
        with transaction(self.engine) as session:
            return matters.look_soon(session, store, order_no, self.clock())
