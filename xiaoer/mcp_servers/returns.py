"""Returns: whether lines may be sent back, and a paid label with a grant."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.mcpserver import MCPServer

from xiaoer.domain.refusals import NotFound
from xiaoer.mcp_servers import effects, render
from xiaoer.mcp_servers.arguments import ActionId, Id, Lines, OrderNo, Reason, as_args, line_pairs
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.guard import Guard, Meta
from xiaoer.mcp_servers.quotes import Wish
from xiaoer.mcp_servers.shapes import EffectShape, QuoteShape, ReceiptShape, ReturnShape
from xiaoer.mcp_servers.toolkit import IRREVERSIBLE, READ, Published, publish


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

    def get_effect(self, meta: Meta, action_id: ActionId) -> EffectShape:
        """Whether an action has already taken effect, and its receipt; for the executor only."""
        return effects.look_up_effect(self.guard, meta, action_id)


TABLE = (
    Published("check_return", "Check a return", READ),
    Published("get_return", "Read a return", READ),
    Published("create_return_label", "Create a return label", IRREVERSIBLE),
    Published("get_effect", "Look up an effect", READ),
)


def build_server(deps: ServerDeps) -> MCPServer:
    return publish(
        "returns",
        "Returns of one shop. A label costs money and needs a grant.",
        Returns(Guard(deps, "returns")),
        TABLE,
    )
