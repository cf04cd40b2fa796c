"""Returns: whether lines may be sent back or exchanged; labels, exchanges and pickups with a grant."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from mcp.server.mcpserver import MCPServer

from xiaoer.domain.changes import canonical_args
from xiaoer.domain.refusals import NotFound
from xiaoer.mcp_servers import effects, render
from xiaoer.mcp_servers.arguments import (
    ActionId,
    Exchanges,
    Id,
    Lines,
    OrderNo,
    PickupWindow,
    Reason,
    as_args,
    line_pairs,
)
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.guard import Guard, Meta, Reader
from xiaoer.mcp_servers.shapes import EffectShape, QuoteShape, ReceiptShape, ReturnShape
from xiaoer.mcp_servers.toolkit import IRREVERSIBLE, READ, Published, publish
from xiaoer.mcp_servers.worth import Wish


@dataclass(frozen=True, slots=True)
class Returns:
    guard: Guard

    def check_return(
        self, meta: Meta, order_no: OrderNo, lines: Lines, reason: Reason | None = None
    ) -> QuoteShape:
        """Whether these lines may be sent back now, and the policy's clause that says so.

        Name the reason when it is known: damaged or wrong articles have rules of their own. A check
        moves nothing and promises nothing.
        """
        args = as_args(order_no=order_no, lines=lines, reason=reason)
        wish = Wish("create_return_label", line_pairs(lines), reason or "other")
        return effects.quote(self.guard, meta, "check_return", args, wish)

    def get_return(self, meta: Meta, return_id: Id) -> ReturnShape:
        """Read one return of the proven customer: status, label, tracking number."""
        reader = self.guard.reader(meta, "get_return", as_args(return_id=return_id))
        found = self.guard.deps.platform.get_return(reader.store.id, reader.customer_ref, return_id)
        if found is None:
            raise NotFound("No return with this id is known for this customer.")
        return render.returned(*found)

    def create_return_label(
        self, meta: Meta, order_no: OrderNo, lines: Lines, reason: Reason
    ) -> ReceiptShape:
        """Create a paid return label for these lines and send it to the contact on file.

        Irreversible: runs only with a grant that follows a person's approval.
        """
        args = as_args(order_no=order_no, lines=lines, reason=reason)
        wish = Wish("create_return_label", line_pairs(lines), reason)
        return effects.execute(self.guard, meta, wish, args, self.guard.deps.platform.create_return_label)

    def exchange_items(
        self, meta: Meta, order_no: OrderNo, exchanges: Exchanges, reason: Reason | None = None
    ) -> ReceiptShape:
        """Take lines that have arrived back on a paid label and reserve another variant for each.

        Name the wanted variant's sku as get_product gives it; it must be of the same article and in
        stock. A cheaper one gives the difference back. Irreversible: runs only with a grant that follows
        a person's approval.
        """
        args = as_args(order_no=order_no, exchanges=exchanges, reason=reason)
        wish = self._exchange(args, reason)
        return effects.execute(self.guard, meta, wish, args, self.guard.deps.platform.exchange_items)

    def check_exchange(
        self, meta: Meta, order_no: OrderNo, exchanges: Exchanges, reason: Reason | None = None
    ) -> QuoteShape:
        """Whether these lines may be exchanged for that, what the difference is, and the policy's clause."""
        args = as_args(order_no=order_no, exchanges=exchanges, reason=reason)
        return effects.quote(self.guard, meta, "check_exchange", args, self._exchange(args, reason))

    def book_pickup(self, meta: Meta, return_id: Id, window: PickupWindow) -> ReceiptShape:
        """Have a courier fetch a return that has its label, from the address on the order.

        Irreversible: runs only with a grant that follows a person's or a rule's approval.
        """
        args = as_args(return_id=return_id, window=window)
        wish = Wish("book_pickup", args=canonical_args("book_pickup", args))
        return effects.execute(self.guard, meta, wish, args, self.guard.deps.platform.book_pickup)

    def check_pickup(self, meta: Meta, return_id: Id, window: PickupWindow) -> QuoteShape:
        """Whether a courier can come for this return then, where to, and the policy's clause."""
        args = as_args(return_id=return_id, window=window)
        wish = Wish("book_pickup", args=canonical_args("book_pickup", args))
        find = functools.partial(self._order_of, return_id)
        return effects.quote(self.guard, meta, "check_pickup", args, wish, find)

    def _exchange(self, args: dict[str, object], reason: str | None) -> Wish:
        return Wish("exchange_items", (), reason or "other", args=canonical_args("exchange_items", args))

    def _order_of(self, return_id: str, reader: Reader) -> str | None:
        found = self.guard.deps.platform.get_return(reader.store.id, reader.customer_ref, return_id)
        return found[0] if found else None

    def get_effect(self, meta: Meta, action_id: ActionId) -> EffectShape:
        """Whether an action has already taken effect, and its receipt; for the executor only."""
        return effects.look_up_effect(self.guard, meta, action_id)


TABLE = (
    Published("check_return", "Check a return", READ),
    Published("get_return", "Read a return", READ),
    Published("create_return_label", "Create a return label", IRREVERSIBLE),
    Published("exchange_items", "Exchange items", IRREVERSIBLE),
    Published("check_exchange", "Check an exchange", READ),
    Published("book_pickup", "Book a pickup", IRREVERSIBLE),
    Published("check_pickup", "Check a pickup", READ),
    Published("get_effect", "Look up an effect", READ),
)


def build_server(deps: ServerDeps) -> MCPServer:
    return publish(
        "returns",
        "Returns of one shop. A label costs money and needs a grant.",
        Returns(Guard(deps, "returns")),
        TABLE,
    )
