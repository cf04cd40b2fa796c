"""A small shop behind the tools: it answers in the published shapes, for a proven customer only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from xiaoer.agent.brains.protocol import Proposed
from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.clock import iso
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.ids import derived_id
from xiaoer.domain.money import Money
from xiaoer.domain.orders import order_key
from xiaoer.domain.policy import decide
from xiaoer.domain.stores import Store, pick
from xiaoer.mcp_servers import shapes
from xiaoer.tools.calls import ToolCall, ToolResult
from xiaoer.tools.catalog import BRAIN_TOOLS

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)  # a Friday noon in Los Angeles


def days(count: float) -> datetime:
    """So many days ago; negative ones lie ahead."""
    return NOW - timedelta(days=count)


@dataclass(frozen=True)
class Item:
    line_id: str
    title: str
    cents: int
    options: dict[str, str] = field(default_factory=dict)
    quantity: int = 1
    refunded: int = 0
    returning: int = 0
    final_sale: bool = False


@dataclass(frozen=True)
class Box:
    tracking_no: str
    verdict: str
    lines: tuple[str, ...] = ()
    carrier: str = "USPS"
    since: float | None = 1
    place: str = "Reno, NV"
    eta: float | None = None
    quiet: int | None = None


@dataclass(frozen=True)
class FakeOrder:
    order_no: str
    customer: str
    state: str
    items: tuple[Item, ...]
    boxes: tuple[Box, ...] = ()
    unshipped: tuple[str, ...] = ()
    proof: dict[str, str] = field(default_factory=dict)
    placed: float = 6
    ship_by: float | None = None
    delivered: float | None = None
    cancelled: float | None = None
    refunds: tuple[tuple[int, str], ...] = ()
    returns: tuple[str, ...] = ()
    payment: str = "Visa ···· 4242"
    currency: str = "USD"


class FakeShop:
    """Answers as the servers do: for a proven customer only, missing and foreign alike."""

    def __init__(
        self,
        *orders: FakeOrder,
        store: Store,
        knowledge: Iterable[tuple[str, str, str]] = (),
        products: Iterable[dict[str, Any]] = (),
    ) -> None:
        self.store = store
        self.orders = {order_key(order.order_no): order for order in orders}
        self.knowledge = list(knowledge)
        self.products = list(products)
        self.failing: dict[str, str] = {}  # tool → code
        self.garbage: set[str] = set()
        self.wrong = 0

    def run(self, call: ToolCall, scope: Scope) -> ToolResult:
        server = BRAIN_TOOLS[call.name].server
        if call.name in self.failing:
            return ToolResult(call, server, False, {}, "It failed.", self.failing[call.name])
        if call.name in self.garbage:
            return ToolResult(call, server, True, {"surprise": [1, 2]})
        answer = getattr(self, f"_{call.name}")(call.args, scope)
        if answer is None:
            return ToolResult(call, server, False, {}, "Not found.", "not_found")
        shape, raised = answer if isinstance(answer, tuple) else (answer, None)
        return ToolResult(call, server, True, shape.model_dump(mode="json"), scope=raised)

    def _mine(self, args: dict[str, Any], scope: Scope) -> FakeOrder | None:
        order = self.orders.get(order_key(args["order_no"]))
        return order if order and scope.customer_ref == order.customer else None

    def _verify_customer(self, args: dict[str, Any], scope: Scope) -> Any:
        if self.wrong >= 5:
            return shapes.VerifyShape(verified=False, locked=True, tries_left=0)
        order = self.orders.get(order_key(args.get("order_no", "")))
        given = {name: value.lower() for name, value in args.items() if name != "order_no"}
        right = order is not None and all(order.proof.get(k, "").lower() == v for k, v in given.items())
        if not right:
            self.wrong += 1
            return shapes.VerifyShape(verified=False, locked=self.wrong >= 5, tries_left=5 - self.wrong)
        assert order is not None
        raised = replace(scope, level=Level.ORDER, customer_ref=order.customer, verified_at=NOW)
        return shapes.VerifyShape(verified=True, order_no=args["order_no"]), raised

    def _find_orders(self, args: dict[str, Any], scope: Scope) -> Any:
        mine = [order for order in self.orders.values() if order.customer == scope.customer_ref]
        return shapes.OrderList(orders=[_brief(order) for order in mine])

    def _get_order(self, args: dict[str, Any], scope: Scope) -> Any:
        order = self._mine(args, scope)
        return _order_shape(order) if order else None

    def _track_order(self, args: dict[str, Any], scope: Scope) -> Any:
        order = self._mine(args, scope)
        return _track_shape(order) if order else None

    def _track_parcel(self, args: dict[str, Any], scope: Scope) -> Any:
        for order in self.orders.values():
            for box in order.boxes:
                if box.tracking_no == args["tracking_no"] and order.customer == scope.customer_ref:
                    return _parcel_shape(order, box)
        return None

    def _quote(self, tool: str, args: dict[str, Any], scope: Scope) -> Any:
        order = self._mine(args, scope)
        return _quote_shape(self.store, tool, order, args) if order else None

    def _quote_refund(self, args: dict[str, Any], scope: Scope) -> Any:
        return self._quote("issue_refund", args, scope)

    def _check_return(self, args: dict[str, Any], scope: Scope) -> Any:
        return self._quote("create_return_label", args, scope)

    def _search_knowledge(self, args: dict[str, Any], scope: Scope) -> Any:
        words = set(args["query"].lower().split())
        hits = [entry for entry in self.knowledge if words & set(entry[1].lower().split())]
        hit = shapes.KnowledgeHit
        return shapes.KnowledgeList(
            entries=[hit(entry_id=i, title=t, score=0.7, text=x, source="test") for i, t, x in hits]
        )

    def _get_product(self, args: dict[str, Any], scope: Scope) -> Any:
        words = set(args["query"].lower().split())
        found = [p for p in self.products if words & set(p["title"].lower().split())]
        return shapes.ProductList(products=[shapes.ProductShape(**p) for p in found])

    def _report_gap(self, args: dict[str, Any], scope: Scope) -> Any:
        return shapes.GapShape(gap_id="GAP-0123456789")

    def _ask_supplier(self, args: dict[str, Any], scope: Scope) -> Any:
        return shapes.InquiryShape(
            inquiry_id="Q-0123456789",
            status="open",
            supplier="northdock",
            question=args["question"],
            answer=None,
            asked_at=iso(NOW),
            answer_expected_by=iso(days(-2)),
        )

    def propose(self, call: ToolCall, turn_id: str, scope: Scope, lang: str) -> Proposed:
        """What the propose node makes of an irreversible call."""
        if call.name in self.failing:
            return Proposed(call, None, "error", "", "", "It failed.")
        order = self._mine(call.args, scope)
        if order is None:
            return Proposed(call, None, "error", "", "", "Not found.")
        quote = _quote_shape(self.store, call.name, order, call.args)
        status = ActionStatus.REJECTED if quote.decision == "deny" else ActionStatus.PENDING
        amount = Money(quote.amount.amount_minor, quote.amount.currency) if quote.amount else None
        action = ActionView(
            derived_id("A", turn_id, call.name, str(call.args)),
            call.name,
            status,
            quote.order_no,
            call.args,
            amount,
            quote.destination,
            quote.clause_id,
        )
        return Proposed(call, action, status.value, quote.clause_id, pick(quote.clause_text, lang))


def _money(cents: int, order: FakeOrder) -> shapes.MoneyShape:
    return shapes.MoneyShape(amount_minor=cents, currency=order.currency)


def _when(ago: float | None) -> str | None:
    return None if ago is None else iso(days(ago))


def _brief(order: FakeOrder) -> shapes.OrderBrief:
    total = sum(item.cents * item.quantity for item in order.items)
    return shapes.OrderBrief(
        order_no=order.order_no,
        state=order.state,
        placed_at=_when(order.placed),
        total=_money(total, order),
        titles=[item.title for item in order.items],
    )


def _order_shape(order: FakeOrder) -> shapes.OrderShape:
    brief = _brief(order)
    refunded = sum(cents for cents, status in order.refunds if status != "failed")
    return shapes.OrderShape(
        order_no=order.order_no,
        state=order.state,
        placed_at=brief.placed_at,
        ship_by=_when(order.ship_by),
        delivered_at=_when(order.delivered),
        cancelled_at=_when(order.cancelled),
        lines=[_line_shape(order, item) for item in order.items],
        total=brief.total,
        shipping_fee=_money(0, order),
        refunded=_money(refunded, order),
        payments=[shapes.PaymentShape(method=order.payment, amount=brief.total)],
        refunds=[
            shapes.RefundShape(
                refund_id=f"R-{n}",
                order_no=order.order_no,
                amount=_money(cents, order),
                status=status,
                destination=order.payment,
                created_at=_when(3),
                lines=[],
            )
            for n, (cents, status) in enumerate(order.refunds)
        ],
        returns=[
            shapes.ReturnShape(
                return_id=f"RT-{n}",
                order_no=order.order_no,
                status=status,
                tracking_no=None,
                label_url=None,
                created_at=None,
                lines=[],
            )
            for n, status in enumerate(order.returns)
        ],
        parcel_count=len(order.boxes),
        ship_to="Oakland, US",
        customer_name="Demo",
        version=1,
    )


def _line_shape(order: FakeOrder, item: Item) -> shapes.LineShape:
    return shapes.LineShape(
        line_id=item.line_id,
        title=item.title,
        options=item.options,
        quantity=item.quantity,
        unit_price=_money(item.cents, order),
        shipped_quantity=0 if item.line_id in order.unshipped or not order.boxes else item.quantity,
        refunded_quantity=item.refunded,
        returning_quantity=item.returning,
        cancelled_quantity=0,
    )


def _mention(order: FakeOrder, line_id: str) -> shapes.LineMention:
    item = next(item for item in order.items if item.line_id == line_id)
    return shapes.LineMention(line_id=line_id, title=item.title, quantity=item.quantity)


def _parcel_shape(order: FakeOrder, box: Box) -> shapes.ParcelShape:
    scanned = box.since is not None and box.verdict not in ("number_unknown", "no_events")
    event = shapes.EventShape(at=_when(box.since) or "", state="in_transit", text="Scanned", place=box.place)
    return shapes.ParcelShape(
        order_no=order.order_no,
        tracking_no=box.tracking_no,
        carrier=box.carrier.lower(),
        carrier_name=box.carrier,
        verdict=box.verdict,
        state="in_transit",
        since=_when(box.since),
        quiet_days=box.quiet,
        estimated_at=_when(box.eta),
        shipped_at=_when(order.placed - 1),
        lines=[_mention(order, line_id) for line_id in box.lines or [i.line_id for i in order.items]],
        events=[event] if scanned else [],
    )


def _track_shape(order: FakeOrder) -> shapes.TrackShape:
    waiting = order.unshipped or (() if order.boxes else tuple(i.line_id for i in order.items))
    return shapes.TrackShape(
        order_no=order.order_no,
        state=order.state,
        ship_by=_when(order.ship_by),
        parcels=[_parcel_shape(order, box) for box in order.boxes],
        unshipped=[_mention(order, line_id) for line_id in waiting],
        checked_at=iso(NOW),
    )


def _quote_shape(store: Store, tool: str, order: FakeOrder, args: dict[str, Any]) -> shapes.QuoteShape:
    wanted = {line["line_id"]: line["quantity"] for line in args.get("lines", [])}
    chosen = [item for item in order.items if item.line_id in wanted or not wanted]
    count = {item.line_id: wanted.get(item.line_id, item.quantity) for item in chosen}
    amount = sum(item.cents * count[item.line_id] for item in chosen)
    facts = {
        "order_state": order.state,
        "reason": args.get("reason", "other"),
        "parcel": _verdict_of(order, {item.line_id for item in chosen}),
        "days_since_delivery": None if order.delivered is None else int(order.delivered),
        "days_since_order": int(order.placed),
        "amount_minor": amount,
        "identity": 2,
        "coupons_90d": 0,
        "final_sale": any(item.final_sale for item in chosen),
        "open_quantity": all(count[i.line_id] <= i.quantity - i.refunded - i.returning for i in chosen),
        "returned": False,
    }
    decision = decide(store.policy, tool, facts)
    return shapes.QuoteShape(
        tool=tool,
        order_no=order.order_no,
        lines=[
            shapes.QuoteLineShape(
                line_id=item.line_id,
                title=item.title,
                quantity=count[item.line_id],
                amount=_money(item.cents * count[item.line_id], order),
            )
            for item in chosen
        ],
        amount=None if tool == "create_return_label" else _money(amount, order),
        destination="contact on file" if tool == "create_return_label" else order.payment,
        facts=facts,
        decision=decision.outcome.value,
        clause_id=decision.clause.id,
        clause_text=dict(decision.clause.text),
        missing=list(decision.missing),
        order_version=1,
        policy_version=store.policy.version,
    )


def _verdict_of(order: FakeOrder, lines: set[str]) -> str:
    holding = [box for box in order.boxes if not box.lines or lines & set(box.lines)]
    return holding[0].verdict if holding else "none"
