"""Refunds and coupons: what could be given, and giving it with a grant."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.mcpserver import MCPServer

from xiaoer.domain.refusals import NotFound
from xiaoer.mcp_servers import effects, render
from xiaoer.mcp_servers.arguments import ActionId, Id, Lines, OrderNo, Reason, as_args, line_pairs
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.guard import Guard, Meta
from xiaoer.mcp_servers.shapes import EffectShape, QuoteShape, ReceiptShape, RefundShape
from xiaoer.mcp_servers.toolkit import IRREVERSIBLE, READ, Published, publish
from xiaoer.mcp_servers.worth import Wish


@dataclass(frozen=True, slots=True)
class Refunds:
    guard: Guard

    def quote_refund(self, meta: Meta, order_no: OrderNo, lines: Lines, reason: Reason) -> QuoteShape:
        """What could be refunded for these lines, where the money would go, and the policy's clause.

        A quote moves nothing and promises nothing. `decision` is allow, needs_approval or deny; quote
        `clause_text` to the customer when it is deny.
        """
        args = as_args(order_no=order_no, lines=lines, reason=reason)
        wish = Wish("issue_refund", line_pairs(lines), reason)
        return effects.quote(self.guard, meta, "quote_refund", args, wish)

    def get_refund(self, meta: Meta, refund_id: Id) -> RefundShape:
        """Read one refund of the proven customer: amount, status, where it went."""
        reader = self.guard.reader(meta, "get_refund", as_args(refund_id=refund_id))
        found = self.guard.deps.platform.get_refund(reader.store.id, reader.customer_ref, refund_id)
        if found is None:
            raise NotFound("No refund with this id is known for this customer.")
        return render.refund(*found)

    def issue_refund(self, meta: Meta, order_no: OrderNo, lines: Lines, reason: Reason) -> ReceiptShape:
        """Give the money for these lines back to the original payment method.

        The amount comes from the order's record. Irreversible: runs only with a grant that follows a
        person's approval.
        """
        args = as_args(order_no=order_no, lines=lines, reason=reason)
        wish = Wish("issue_refund", line_pairs(lines), reason)
        return effects.execute(self.guard, meta, wish, args, self.guard.deps.platform.issue_refund)

    def issue_coupon(self, meta: Meta, order_no: OrderNo, reason: Reason) -> ReceiptShape:
        """Give the customer of this order the shop's goodwill coupon; its value is the shop's.

        Irreversible: runs only with a grant that follows a person's approval.
        """
        args = as_args(order_no=order_no, reason=reason)
        wish = Wish("issue_coupon", reason=reason)
        return effects.execute(self.guard, meta, wish, args, self.guard.deps.platform.issue_coupon)

    def quote_coupon(self, meta: Meta, order_no: OrderNo, reason: Reason) -> QuoteShape:
        """What coupon the shop could give for this order, and what its policy says to it."""
        args = as_args(order_no=order_no, reason=reason)
        return effects.quote(self.guard, meta, "quote_coupon", args, Wish("issue_coupon", reason=reason))

    def get_effect(self, meta: Meta, action_id: ActionId) -> EffectShape:
        """Whether an action has already taken effect, and its receipt; for the executor only."""
        return effects.look_up_effect(self.guard, meta, action_id)


TABLE = (
    Published("quote_refund", "Quote a refund", READ),
    Published("get_refund", "Read a refund", READ),
    Published("issue_refund", "Refund", IRREVERSIBLE),
    Published("issue_coupon", "Give a coupon", IRREVERSIBLE),
    Published("quote_coupon", "Quote a coupon", READ),
    Published("get_effect", "Look up an effect", READ),
)


def build_server(deps: ServerDeps) -> MCPServer:
    return publish(
        "refunds",
        "Refunds and coupons of one shop. Amounts come from the record; giving needs a grant.",
        Refunds(Guard(deps, "refunds")),
        TABLE,
    )
