"""What money of an order may go back, computed from its record alone.

The rule, which the shop and the refunds server share: a line gives back unit price times quantity.
When a refund empties the order (every unit of every line is refunded then) and nothing of it was
delivered, the shipping fee goes back too. Never more goes back than was captured and is still here,
so an order that was sold at a discount ends with a smaller last refund.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from xiaoer.domain.money import Money, total
from xiaoer.domain.orders import Line, Order, OrderState
from xiaoer.domain.parcels import ParcelState
from xiaoer.domain.refusals import BadInput, OverLimit

LineAmounts = Sequence[tuple[str, int]]  # (line_id, quantity)


def refundable(order: Order, lines: LineAmounts) -> Money:
    """The money that these lines give back; raises BadInput or OverLimit when they cannot."""
    wanted = dict(merge_lines(lines))
    chosen = pick_lines(order, wanted)
    for line in chosen:
        if wanted[line.line_id] > line.refundable_quantity:
            raise OverLimit(
                f"Line {line.line_id} has {line.refundable_quantity} left to refund, "
                f"not {wanted[line.line_id]}."
            )
    amount = total([line.unit_price * wanted[line.line_id] for line in chosen], order.currency)
    if _empties(order, wanted) and not _anything_delivered(order):
        amount += order.shipping_fee
    left = money_left(order)
    return amount if amount <= left else left


def cancel_amount(order: Order) -> Money:
    """What a cancellation gives back: everything that was captured and is still here."""
    return money_left(order)


def captured(order: Order) -> Money:
    return total([payment.amount for payment in order.payments], order.currency)


def money_left(order: Order) -> Money:
    left = captured(order) - order.refunded
    return left if left.amount_minor > 0 else Money.zero(order.currency)


def refund_destination(order: Order) -> str:
    """The original payment methods, as the customer knows them; empty when nothing was paid."""
    return " + ".join(dict.fromkeys(payment.method for payment in order.payments))


def merge_lines(lines: LineAmounts) -> tuple[tuple[str, int], ...]:
    """One entry a line, in the order asked; refuses nothing, and less than one of a thing."""
    if not lines:
        raise BadInput("No lines were named.")
    merged: Counter[str] = Counter()
    for line_id, quantity in lines:
        if quantity < 1:
            raise BadInput(f"Line {line_id}: a quantity of {quantity} cannot be handled.")
        merged[line_id] += quantity
    return tuple(merged.items())


def pick_lines(order: Order, line_ids: Iterable[str]) -> tuple[Line, ...]:
    """The lines of these ids; raises BadInput when the order has no such line."""
    known = {line.line_id: line for line in order.lines}
    wanted = list(line_ids)
    for line_id in wanted:
        if line_id not in known:
            raise BadInput(f"Order {order.order_no} has no line {line_id}.")
    return tuple(known[line_id] for line_id in wanted)


def _empties(order: Order, wanted: dict[str, int]) -> bool:
    return all(line.refundable_quantity == wanted.get(line.line_id, 0) for line in order.lines)


def _anything_delivered(order: Order) -> bool:
    return order.state is OrderState.DELIVERED or any(
        parcel.state is ParcelState.DELIVERED for parcel in order.parcels
    )
