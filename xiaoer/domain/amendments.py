"""What another variant, another quantity or an exchange means for an order's money and stock.

Computed from the record and the catalogue alone; the server that quotes and the shop that does it
use the same rule, so that what a person approved is what happens, to the cent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xiaoer.domain.changes import Change, Exchange, ItemChange
from xiaoer.domain.money import Money, total
from xiaoer.domain.orders import Line, Order
from xiaoer.domain.refunds import money_left, pick_lines
from xiaoer.domain.refusals import BadInput, OverLimit

# The worst first: what an offer is called that has several of these.
OFFERS = ("other_product", "out_of_stock", "dearer", "cheaper", "same_price")


@dataclass(frozen=True, slots=True)
class Article:
    """One variant as the catalogue sells it now."""

    sku: str
    product_id: str
    title: str
    options: tuple[tuple[str, str], ...]
    price: Money
    available: bool
    stock: int | None = None  # None: not counted

    def has(self, quantity: int) -> bool:
        return self.available and (self.stock is None or self.stock >= quantity)


Articles = Mapping[str, Article]  # by sku


@dataclass(frozen=True, slots=True)
class Swap:
    """So many of an order's line for so many of an article (the same one where only the count changes)."""

    line: Line
    quantity: int  # of the line
    article: Article
    new_quantity: int
    unit_price: Money  # of the new ones: the old price where the article stays

    @property
    def difference(self) -> Money:
        """What is over (positive) or missing (negative)."""
        return self.line.unit_price * self.quantity - self.unit_price * self.new_quantity


@dataclass(frozen=True, slots=True)
class Amendment:
    swaps: tuple[Swap, ...]
    offer: str  # one of OFFERS
    back: Money | None  # what the customer gets back
    due: Money | None  # what the customer still has to pay

    @property
    def lines(self) -> tuple[tuple[str, int], ...]:
        return tuple((swap.line.line_id, swap.quantity) for swap in self.swaps)

    @property
    def changes(self) -> tuple[Change, ...]:
        told = [
            Change(
                f"item:{swap.line.line_id}",
                told_item(swap.line.title, swap.line.options, swap.quantity),
                told_item(swap.article.title, swap.article.options, swap.new_quantity),
            )
            for swap in self.swaps
        ]
        if self.due is not None:
            told.append(Change("due", "", str(self.due)))
        return tuple(told)


def amend_items(order: Order, changes: Sequence[ItemChange], articles: Articles) -> Amendment:
    """Another variant or quantity of lines; raises BadInput for what is no change or leaves nothing."""
    lines = pick_lines(order, [change.line_id for change in changes])
    swaps = tuple(_amended(line, change, articles) for line, change in zip(lines, changes, strict=True))
    emptied = {swap.line.line_id for swap in swaps if swap.new_quantity == 0}
    open_lines = {line.line_id for line in order.lines if line.refundable_quantity > 0}
    if open_lines and open_lines <= emptied:
        raise BadInput("This would leave nothing of the order; cancel it instead.")
    return _amendment(order, swaps)


def exchange_items(order: Order, wanted: Sequence[Exchange], articles: Articles) -> Amendment:
    """Lines that come back for articles that go out; raises BadInput and OverLimit."""
    lines = pick_lines(order, [exchange.line_id for exchange in wanted])
    for line, exchange in zip(lines, wanted, strict=True):
        if exchange.quantity > line.quantity:
            raise OverLimit(f"Line {line.line_id} was bought {line.quantity} times, not {exchange.quantity}.")
    swaps = tuple(
        _swap(line, exchange.quantity, _article(articles, exchange.sku), exchange.quantity)
        for line, exchange in zip(lines, wanted, strict=True)
    )
    return _amendment(order, swaps)


def is_untouched(line: Line) -> bool:
    """Nothing of it was sent, refunded, cancelled or exchanged."""
    moved = line.shipped_quantity + line.refunded_quantity + line.cancelled_quantity
    return moved + line.returning_quantity + line.exchanged_quantity == 0


def told_item(title: str, options: Sequence[tuple[str, str]], quantity: int) -> str:
    kind = f" ({', '.join(value for _, value in options)})" if options else ""
    return f"{quantity} × {title}{kind}"


def _amended(line: Line, change: ItemChange, articles: Articles) -> Swap:
    sku = change.sku or line.sku
    quantity = line.quantity if change.quantity is None else change.quantity
    if sku == line.sku and quantity == line.quantity:
        raise BadInput(f"Line {line.line_id} is that already.")
    if sku != line.sku or quantity > line.quantity:
        return _swap(line, line.quantity, _article(articles, sku), quantity)
    # Less of the same needs no stock and keeps its price, whatever the catalogue says today.
    same = Article(line.sku, line.product_id, line.title, line.options, line.unit_price, True)
    return Swap(line, line.quantity, same, quantity, line.unit_price)


def _swap(line: Line, quantity: int, article: Article, new_quantity: int) -> Swap:
    if article.price.currency != line.unit_price.currency:
        raise BadInput(f"{article.sku} is not sold in the order's currency.")
    price = line.unit_price if article.sku == line.sku else article.price
    return Swap(line, quantity, article, new_quantity, price)


def _article(articles: Articles, sku: str) -> Article:
    if sku not in articles:
        raise BadInput(f"There is no article {sku} in the catalogue.")
    return articles[sku]


def _amendment(order: Order, swaps: tuple[Swap, ...]) -> Amendment:
    difference = total([swap.difference for swap in swaps], order.currency)
    back, left = difference, money_left(order)
    if difference.amount_minor > 0 and not difference <= left:
        back = left  # an order sold at a discount was not paid in full
    owed = Money(-difference.amount_minor, order.currency)
    return Amendment(
        swaps,
        _offer(swaps, difference),
        back if back.amount_minor > 0 else None,
        owed if owed.amount_minor > 0 else None,
    )


def _offer(swaps: tuple[Swap, ...], difference: Money) -> str:
    if any(swap.article.product_id != swap.line.product_id for swap in swaps):
        return "other_product"
    needed: Counter[str] = Counter()
    for swap in swaps:
        held = swap.quantity if swap.article.sku == swap.line.sku and is_untouched(swap.line) else 0
        needed[swap.article.sku] += max(0, swap.new_quantity - held)
    by_sku = {swap.article.sku: swap.article for swap in swaps}
    if any(count and not by_sku[sku].has(count) for sku, count in needed.items()):
        return "out_of_stock"
    if difference.amount_minor == 0:
        return "same_price"
    return "cheaper" if difference.amount_minor > 0 else "dearer"
