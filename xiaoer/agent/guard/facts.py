"""What a reply of this turn may say: gathered from receipts, tool results, policy and the customer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from xiaoer.agent.guard.patterns import amounts_in, codes_in, contacts_in, dates_in, plain_number
from xiaoer.agent.state import State
from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.messages import Author
from xiaoer.domain.money import Money, exponent
from xiaoer.domain.stores import Store

T = TypeVar("T")

_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})")
# Tools whose success changes what may be claimed, and the word for the claim.
_CLAIM_OF_TOOL = {
    "issue_refund": "refund",
    "cancel_order": "cancellation",
    "create_return_label": "label",
    "issue_coupon": "coupon",
}

_APPROVED = frozenset(
    {ActionStatus.APPROVED, ActionStatus.EXECUTING, ActionStatus.UNKNOWN, ActionStatus.SUCCEEDED}
)


@dataclass(frozen=True, slots=True)
class Facts:
    amounts: frozenset[str]  # normalised digits: "272.33", "68"
    codes: frozenset[str]  # order, tracking, action and coupon numbers, upper case, without '#'
    dates: frozenset[tuple[int, int]]  # (month, day) in the store's zone
    contacts: frozenset[str]  # e-mails and phones that may be shown
    done: frozenset[str]  # claims that a receipt or a record backs


@dataclass(frozen=True, slots=True)
class _Found:
    """What one text names."""

    amounts: frozenset[str]
    codes: frozenset[str]
    dates: frozenset[tuple[int, int]]
    contacts: frozenset[str]


def gather_facts(state: State) -> Facts:
    """All that this conversation has learnt from records, and what the customer brought himself."""
    turn = state["turn"]
    records = list(_records(state))
    nodes, leaves = _walk(records)
    recorded = " ".join(leaves)
    told = [_found_in(text) for text in _told(state)]
    rules = _found_in(_rules(turn.store))
    own = _found_in(
        "\n".join([*state["messages"], *(i.text for i in turn.history if i.author is Author.CUSTOMER)])
    )
    said = [rules, *told]
    return Facts(
        amounts=_union(amounts_in(recorded), _amounts(nodes), *(found.amounts for found in said)),
        codes=_union(codes_in(recorded), own.codes, *(found.codes for found in said)),
        dates=_union(
            dates_in(recorded),
            own.dates,
            _moments(recorded, turn.store.zone, turn.now),
            _promised(state, turn.store.zone),
            *(found.dates for found in said),
        ),
        contacts=own.contacts | rules.contacts,
        done=frozenset(_done(state, nodes)),
    )


# The rules of a store and what was said before come again in every turn: to search them costs 1 ms.
@lru_cache(maxsize=512)
def _found_in(text: str) -> _Found:
    return _Found(
        frozenset(amounts_in(text)),
        frozenset(codes_in(text)),
        frozenset(dates_in(text)),
        frozenset(contacts_in(text)),
    )


def _union(*parts: Iterable[T]) -> frozenset[T]:
    return frozenset(chain.from_iterable(parts))


def _records(state: State) -> Iterator[dict[str, Any]]:
    for result in state.get("results", ()):
        if result.ok:
            yield result.data
    for action in (*state["turn"].actions, *(p.action for p in state.get("proposals", ()) if p.action)):
        yield _action_record(action)


def _action_record(action: ActionView) -> dict[str, Any]:
    return {
        "action_id": action.action_id,
        "order_no": action.order_no,
        "amount": _money(action.amount),
        "destination": action.destination,
        "receipt": action.receipt or {},
    }


def _money(amount: Money | None) -> dict[str, Any] | None:
    return {"amount_minor": amount.amount_minor, "currency": amount.currency} if amount else None


def _told(state: State) -> Iterator[str]:
    """What people, receipts and checked replies have said in this conversation already."""
    for item in state["turn"].history:
        if item.author is not Author.CUSTOMER:
            yield item.text


def _rules(store: Store) -> str:
    """All that the policy says aloud, in every language."""
    texts = [clause.text for clause in store.policy.clauses]
    texts += [statement.text for statement in store.policy.statements]
    return " ".join(line for by_language in texts for line in by_language.values())


def _amounts(nodes: list[dict[str, Any]]) -> Iterator[str]:
    """Every {amount_minor, currency} of the records, and sums of an order's own amounts stay out."""
    for node in nodes:
        if "amount_minor" in node and "currency" in node:
            minor, currency = node["amount_minor"], node["currency"]
            yield plain_number(str(minor / 10 ** exponent(currency)))


def _moments(text: str, zone: ZoneInfo, now: datetime) -> Iterator[tuple[int, int]]:
    for match in _ISO_TIME.finditer(text):
        local = datetime.fromisoformat(match.group().replace("Z", "+00:00")).astimezone(zone)
        yield local.month, local.day
    for days in (-1, 0, 1):
        near = (now + timedelta(days=days)).astimezone(zone)
        yield near.month, near.day


def _promised(state: State, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """The days on which this very plan looks again."""
    plan = state.get("plan")
    for promise in plan.promises if plan else ():
        local = promise.look_at.astimezone(zone)
        yield local.month, local.day


def _done(state: State, nodes: list[dict[str, Any]]) -> Iterator[str]:
    proposed = (p.action for p in state.get("proposals", ()) if p.action)
    if any(action.status in _APPROVED for action in (*state["turn"].actions, *proposed)):
        yield "approval"
    for action in state["turn"].actions:
        if action.status is ActionStatus.SUCCEEDED and action.tool in _CLAIM_OF_TOOL:
            yield _CLAIM_OF_TOOL[action.tool]
    for node in nodes:
        yield from _done_by_record(node)


def _done_by_record(node: dict[str, Any]) -> Iterator[str]:
    if node.get("state") == "delivered" or node.get("verdict") == "delivered" or node.get("delivered_at"):
        yield "delivered"
    if node.get("state") == "cancelled":
        yield "cancellation"
    if node.get("refund_id") and node.get("status") == "succeeded":
        yield "refund"
    if isinstance(node.get("refunded_quantity"), int) and node["refunded_quantity"] > 0:
        yield "refund"
    if node.get("label_url"):
        yield "label"


def _walk(records: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Every object within the records, and every text and number, in the order of the record."""
    nodes: list[dict[str, Any]] = []
    leaves: list[str] = []
    stack: list[Any] = [*reversed(records)]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            leaves.append(value)
        elif isinstance(value, dict):
            nodes.append(value)
            # Cents are no number that may be said; `_amounts` says what they are worth.
            stack += reversed([part for name, part in value.items() if name != "amount_minor"])
        elif isinstance(value, list | tuple):
            stack += reversed(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            leaves.append(str(value))
    return nodes, leaves
