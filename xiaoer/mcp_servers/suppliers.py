"""Suppliers: questions that only they can answer, kept as objects with clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mcp.server.mcpserver import MCPServer

from xiaoer.domain.ids import derived_id
from xiaoer.domain.orders import Line, Order
from xiaoer.domain.pii import mask_text
from xiaoer.domain.refusals import NotFound
from xiaoer.domain.stores import Store, Supplier
from xiaoer.mcp_servers import effects, render
from xiaoer.mcp_servers.arguments import Id, OrderNo, Question, Sku, as_args
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.guard import Guard, Meta, Reader
from xiaoer.mcp_servers.shapes import InquiryShape
from xiaoer.mcp_servers.state import InquiryRow
from xiaoer.mcp_servers.toolkit import READ, WRITE, Published, publish


@dataclass(frozen=True, slots=True)
class Suppliers:
    guard: Guard

    def ask_supplier(
        self, meta: Meta, question: Question, order_no: OrderNo | None = None, sku: Sku | None = None
    ) -> InquiryShape:
        """Ask the supplier what the shop itself cannot know: stock, restock date, why a parcel waits.

        Name the order (the proven customer's) or the SKU, so that the right supplier is found. The
        answer comes later; `answer_expected_by` says when to expect it. Never answer in its place.
        """
        scope, store = self.guard.visitor(meta)
        order = None
        if order_no is not None:
            order = effects.order_of(self.guard, self.guard.customer(meta), order_no)
        asker = Reader(store, scope.conversation_id, None, scope.level)
        args = as_args(question=question, order_no=order_no, sku=sku)
        key = self.guard.write_key(meta, asker, "ask_supplier", args)
        now = self.guard.deps.clock()
        supplier = find_supplier(store, order, sku)
        row = InquiryRow(
            inquiry_id=derived_id("Q", key),
            store=store.id,
            conversation_id=scope.conversation_id,
            key=key,
            supplier=supplier.id if supplier else None,
            order_no=order.order_no if order else None,
            sku=sku,
            # Suppliers are other firms: what they are asked holds no customer's mail, phone or address.
            question=mask_text(render.clean(question, 1000)),
            status="open",
            asked_at=now,
            expected_by=now + timedelta(hours=supplier.answers_within_hours) if supplier else None,
        )
        return render.inquiry(self.guard.deps.state.save_inquiry(row))

    def get_supplier_answer(self, meta: Meta, inquiry_id: Id) -> InquiryShape:
        """Read what became of a question of this conversation to a supplier."""
        scope, store = self.guard.visitor(meta)
        found = self.guard.deps.state.find_inquiry(store.id, scope.conversation_id, inquiry_id)
        if found is None:
            raise NotFound("No question with this id is known in this conversation.")
        return render.inquiry(found)


def find_supplier(store: Store, order: Order | None, sku: str | None) -> Supplier | None:
    """Who can answer: the named article's supplier, else that of what is still to be sent, else any."""
    for line in sorted(order.lines if order else (), key=lambda item: _distance(item, sku)):
        supplier = store.supplier(line.supplier or "")
        if supplier:
            return supplier
    return store.suppliers[0] if len(store.suppliers) == 1 else None


def _distance(line: Line, sku: str | None) -> tuple[bool, bool]:
    waiting = line.shipped_quantity + line.cancelled_quantity < line.quantity
    return (line.sku != sku, not waiting)


TABLE = (
    Published("ask_supplier", "Ask the supplier", WRITE),
    Published("get_supplier_answer", "Read the supplier's answer", READ),
)


def build_server(deps: ServerDeps) -> MCPServer:
    return publish(
        "suppliers",
        "Questions of one shop to its suppliers.",
        Suppliers(Guard(deps, "suppliers")),
        TABLE,
    )
