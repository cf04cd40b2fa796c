"""Orders: whose an order is, what stands in it, notes; cancellation and changes with a grant."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.mcpserver import MCPServer

from xiaoer.domain.changes import canonical_args
from xiaoer.domain.refusals import BadInput
from xiaoer.mcp_servers import codes, effects, render
from xiaoer.mcp_servers.arguments import (
    ActionId,
    Address,
    Changes,
    Code,
    Email,
    Id,
    NoteText,
    OrderNo,
    PaymentMethodId,
    PersonName,
    PhoneTail,
    Postcode,
    Query,
    Reason,
    as_args,
)
from xiaoer.mcp_servers.deps import ServerDeps
from xiaoer.mcp_servers.guard import Guard, Meta, Reader
from xiaoer.mcp_servers.platforms.protocol import Proof
from xiaoer.mcp_servers.proof import prove
from xiaoer.mcp_servers.shapes import (
    CodeSentShape,
    CodeShape,
    EffectShape,
    NoteShape,
    OrderList,
    OrderShape,
    ProductList,
    QuoteShape,
    ReceiptShape,
    VerifyShape,
)
from xiaoer.mcp_servers.toolkit import IRREVERSIBLE, READ, WRITE, Published, publish
from xiaoer.mcp_servers.worth import Wish


@dataclass(frozen=True, slots=True)
class Orders:
    guard: Guard

    def verify_customer(
        self,
        meta: Meta,
        order_no: OrderNo | None = None,
        email: Email | None = None,
        phone_tail: PhoneTail | None = None,
        name: PersonName | None = None,
        postcode: Postcode | None = None,
    ) -> VerifyShape:
        """Check whether the customer can prove that an order is theirs; answers yes or no only.

        Needs the order number and one of: the last four digits of the phone, the e-mail, or the name
        together with the postcode. Call it as soon as these are known, before any tool that reads an
        order. Five wrong tries within an hour lock it for an hour (`locked`); offer a person then.
        """
        scope, _ = self.guard.visitor(meta)
        proof = Proof(order_no or "", email, phone_tail, name, postcode)
        return prove(self.guard.deps, scope, proof)

    def send_code(self, meta: Meta) -> CodeSentShape:
        """Send a code to the contact on file of the proven customer, as a stronger proof.

        It takes no address: the code goes where the shop's record says, never to what was written in the chat.
        `no_code` means that none can be sent; offer a person then.
        """
        reader = self.guard.customer(meta)
        assert reader.customer_ref is not None
        key = self.guard.write_key(meta, reader, "send_code", {})
        deps = self.guard.deps
        contact = deps.platform.contact_of(reader.store.id, reader.customer_ref)
        way = codes.send_code(
            deps.state.engine, deps.senders, contact, self._asked(meta, reader), key, deps.clock()
        )
        return CodeSentShape(sent=True, way=way)

    def check_code(self, meta: Meta, code: Code) -> CodeShape:
        """Check the code that the customer has received and typed; answers yes or no only."""
        reader = self.guard.customer(meta)
        deps = self.guard.deps
        right = codes.check_code(deps.state.engine, self._asked(meta, reader), code, deps.clock())
        return CodeShape(verified=right)

    def _asked(self, meta: Meta, reader: Reader) -> codes.Asked:
        began_at = self.guard.scope_of(meta).began_at or self.guard.deps.clock()
        return codes.Asked(
            reader.store.id,
            reader.conversation_id,
            reader.customer_ref or "",
            began_at,
            reader.store.languages[0],
        )

    def find_orders(self, meta: Meta, query: Query | None = None) -> OrderList:
        """List the proven customer's own orders, newest first, at most ten.

        With a query: those whose number or articles match. Use it when the customer has not said which
        order is meant.
        """
        reader = self.guard.customer(meta)
        assert reader.customer_ref is not None
        found = self.guard.deps.platform.find_orders(reader.store.id, reader.customer_ref, query)
        return OrderList(orders=[render.brief(order) for order in found])

    def get_order(self, meta: Meta, order_no: OrderNo) -> OrderShape:
        """Read one order of the proven customer: state, lines, payments, refunds, returns.

        Parcels are not in it: ask track_order for them. `not_found` is said of missing orders and of
        other people's alike.
        """
        reader = self.guard.customer(meta, order_no)
        return render.order(effects.order_of(self.guard, reader, order_no))

    def get_product(
        self, meta: Meta, product_id: Id | None = None, query: Query | None = None
    ) -> ProductList:
        """Look up articles of the shop by id or by a few words: description, variants, price, stock.

        Public facts; no proof is needed. At most five articles.
        """
        _, store = self.guard.visitor(meta)
        if product_id is None and query is None:
            raise BadInput("Say which article: product_id or query.")
        found = self.guard.deps.platform.find_products(store.id, product_id, query)
        return ProductList(products=[render.product(item) for item in found])

    def add_order_note(self, meta: Meta, order_no: OrderNo, text: NoteText) -> NoteShape:
        """Leave a note on the proven customer's order for colleagues and the warehouse.

        Write what the customer wants to be known, in one or two sentences. A note changes nothing by
        itself; never promise that it will be followed.
        """
        reader = self.guard.customer(meta)
        order = effects.order_of(self.guard, reader, order_no)
        assert reader.customer_ref is not None
        key = self.guard.write_key(meta, reader, "add_order_note", as_args(order_no=order_no, text=text))
        said = render.clean(text, 1000)
        self.guard.deps.platform.add_note(reader.store.id, reader.customer_ref, order.order_no, said, key)
        return NoteShape(order_no=order.order_no, noted=True)

    def cancel_order(self, meta: Meta, order_no: OrderNo, reason: Reason) -> ReceiptShape:
        """Cancel an order that has not been shipped and give all its money back.

        Irreversible: runs only with a grant that follows a person's approval.
        """
        wish = Wish("cancel_order", reason=reason)
        perform = self.guard.deps.platform.cancel_order
        return effects.execute(self.guard, meta, wish, as_args(order_no=order_no, reason=reason), perform)

    def quote_cancel(self, meta: Meta, order_no: OrderNo, reason: Reason) -> QuoteShape:
        """What a cancellation would give back, and what the shop's policy says to it."""
        args = as_args(order_no=order_no, reason=reason)
        return effects.quote(self.guard, meta, "quote_cancel", args, Wish("cancel_order", reason=reason))

    def change_address(self, meta: Meta, order_no: OrderNo, address: Address) -> ReceiptShape:
        """Send an order that has not been shipped to another address.

        Ask for street and number, city, postcode, and for recipient, phone or country only where they
        change; repeat the whole address and have the customer say yes before you call it. Once a parcel
        has left, intercept_parcel with kind redirect is the way. Irreversible: runs only with a grant
        that follows a person's approval.
        """
        args = as_args(order_no=order_no, address=address)
        return self._change(meta, "change_address", args, self.guard.deps.platform.change_address)

    def quote_address(self, meta: Meta, order_no: OrderNo, address: Address) -> QuoteShape:
        """What a change of address would alter, and what the shop's policy says to it."""
        args = as_args(order_no=order_no, address=address)
        return self._quote(meta, "quote_address", "change_address", args)

    def change_items(self, meta: Meta, order_no: OrderNo, changes: Changes) -> ReceiptShape:
        """Give lines that have not been shipped another variant or quantity; quantity 0 takes a line out.

        Name the sku of the wanted variant as get_product gives it. What becomes cheaper is refunded; what
        becomes dearer only goes where the shop allows it, with a request to pay the difference.
        Irreversible: runs only with a grant that follows a person's approval.
        """
        args = as_args(order_no=order_no, changes=changes)
        return self._change(meta, "change_items", args, self.guard.deps.platform.change_items)

    def quote_items(self, meta: Meta, order_no: OrderNo, changes: Changes) -> QuoteShape:
        """What another variant or quantity would cost or give back, and what the policy says to it."""
        args = as_args(order_no=order_no, changes=changes)
        return self._quote(meta, "quote_items", "change_items", args)

    def change_payment(
        self, meta: Meta, order_no: OrderNo, payment_method_id: PaymentMethodId
    ) -> ReceiptShape:
        """Book what was paid for an unshipped order on another payment method the customer has used here.

        Only methods that stand in the customer's own orders can be named, by payment_id; a new card
        cannot. Irreversible: runs only with a grant, after two people have agreed.
        """
        args = as_args(order_no=order_no, payment_method_id=payment_method_id)
        return self._change(meta, "change_payment", args, self.guard.deps.platform.change_payment)

    def quote_payment(self, meta: Meta, order_no: OrderNo, payment_method_id: PaymentMethodId) -> QuoteShape:
        """What a change of the payment method would move, and what the shop's policy says to it."""
        args = as_args(order_no=order_no, payment_method_id=payment_method_id)
        return self._quote(meta, "quote_payment", "change_payment", args)

    def _change(
        self, meta: Meta, tool: str, args: dict[str, object], perform: effects.Perform
    ) -> ReceiptShape:
        return effects.execute(self.guard, meta, Wish(tool, args=canonical_args(tool, args)), args, perform)

    def _quote(self, meta: Meta, quoting: str, tool: str, args: dict[str, object]) -> QuoteShape:
        wish = Wish(tool, args=canonical_args(tool, args))
        return effects.quote(self.guard, meta, quoting, args, wish)

    def get_effect(self, meta: Meta, action_id: ActionId) -> EffectShape:
        """Whether an action has already taken effect, and its receipt; for the executor only."""
        return effects.look_up_effect(self.guard, meta, action_id)


TABLE = (
    Published("verify_customer", "Verify customer", READ),
    Published("send_code", "Send a code", WRITE),
    Published("check_code", "Check a code", READ),
    Published("find_orders", "Find orders", READ),
    Published("get_order", "Read an order", READ),
    Published("get_product", "Look up articles", READ),
    Published("add_order_note", "Add a note", WRITE),
    Published("cancel_order", "Cancel an order", IRREVERSIBLE),
    Published("quote_cancel", "Quote a cancellation", READ),
    Published("change_address", "Change the address", IRREVERSIBLE),
    Published("quote_address", "Quote a change of address", READ),
    Published("change_items", "Change items", IRREVERSIBLE),
    Published("quote_items", "Quote a change of items", READ),
    Published("change_payment", "Change the payment method", IRREVERSIBLE),
    Published("quote_payment", "Quote a change of payment", READ),
    Published("get_effect", "Look up an effect", READ),
)


def build_server(deps: ServerDeps) -> MCPServer:
    return publish(
        "orders",
        "Orders of one shop. Every call carries a signed turn context; prove the customer first.",
        Orders(Guard(deps, "orders")),
        TABLE,
    )
