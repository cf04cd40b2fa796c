"""What a reply of this turn may say: gathered from receipts, tool results, policy and the customer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from xiaoer.agent.guard.numbers import amounts_in, plain_number, shares_in
from xiaoer.agent.guard.patterns import codes_in
from xiaoer.agent.guard.receipts import Deed, deeds_of_actions, deeds_of_node
from xiaoer.agent.guard.rules import Found, found_in, store_rules
from xiaoer.agent.guard.times import dates_in, spans_in
from xiaoer.agent.state import State
from xiaoer.domain.actions import ActionView
from xiaoer.domain.claims.text import folded, plain
from xiaoer.domain.messages import Author
from xiaoer.domain.money import Money, exponent
from xiaoer.domain.orders import order_key

T = TypeVar("T")
_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})")
_EXPECTED = re.compile(r"estimat|eta\b|arriv|expected_delivery")
_NAMES = frozenset(
    {"customer_name", "recipient", "receiver", "buyer", "consignee", "phone", "email", "street"}
)
_DAYS = re.compile(r"days|quiet|within")
_KNOWLEDGE = frozenset({"search_knowledge", "get_entry"})
_LAST_REPLIES = 6


@dataclass(frozen=True, slots=True)
class Facts:
    amounts: frozenset[str]  # normalised digits: "272.33", "68"
    codes: frozenset[str]  # order, tracking, action and coupon numbers, upper case, without '#'
    dates: frozenset[tuple[int, int]]  # (month, day) in the store's zone
    contacts: frozenset[str]  # e-mails and phones that may be shown
    deeds: frozenset[Deed]  # what receipts and records show to have happened, for which order
    orders: tuple[str, ...] = ()  # orders of this conversation, those of this turn's words first
    asked: frozenset[str] = frozenset()  # orders that the customer's newest words name
    totals: Mapping[str, str] = field(default_factory=dict)  # order -> its total
    estimates: frozenset[date] = frozenset()  # when a parcel is expected
    past: frozenset[tuple[int, int]] = frozenset()  # recorded days that are over, and today
    spans: frozenset[int] = frozenset()  # minutes that a rule or record names
    since: frozenset[int] = frozenset()  # minutes that have passed since something recorded
    shares: frozenset[int] = frozenset()  # percent
    own: Found | None = None  # what the customer wrote in this conversation
    rules: tuple[str, ...] = ()  # the policy's sentences, which may be quoted
    addresses: str = ""  # folded text in which an address must stand to be told
    names: frozenset[str] = frozenset()  # personal values that the scope does not prove
    weekdays: frozenset[int] = frozenset()  # people are at the desk
    today: date = date.min
    context: str = ""  # the customer's newest words: "Done!" answers them
    said: tuple[str, ...] = ()  # our last replies, newest last


@dataclass(frozen=True, slots=True)
class _Node:
    data: dict[str, Any]
    order: str


def gather_facts(state: State) -> Facts:
    """All that this conversation has learnt from records, and what the customer brought himself."""
    turn = state["turn"]
    rules = store_rules(turn.store)
    records = list(_records(state))
    nodes, leaves = _walk(records)
    recorded = " ".join(leaf for _, leaf in leaves)
    moments = list(_moments(leaves, turn.store.zone))
    today = turn.now.astimezone(turn.store.zone).date()
    told = [found_in(text) for text in _told(state)]
    own = found_in("\n".join([*_customer(state), *state["messages"]]))
    read = _read_record(recorded)
    knowledge = [found_in(text) for text in _knowledge(state)]
    sources = [rules.found, *told, *knowledge]
    deeds = frozenset(_deeds(state, nodes))
    asked = found_in("\n".join(state["messages"])).codes
    return Facts(
        amounts=_union(read.amounts, _amounts(nodes), *(f.amounts for f in sources)),
        codes=_union(read.codes, own.codes, *(f.codes for f in sources)),
        dates=_union(
            read.dates,
            own.times.dates,
            {(day.month, day.day) for _, day in moments},
            {(today.month, today.day)},
            _promised(state),
            *(f.times.dates for f in sources),
        ),
        contacts=own.contacts | rules.found.contacts,
        deeds=deeds,
        orders=_orders(state, nodes, asked),
        asked=frozenset(order_key(code) for code in asked),
        totals=_totals(nodes),
        estimates=frozenset(day for name, day in moments if _EXPECTED.search(name))
        | _out_today(nodes, today),
        past=frozenset((day.month, day.day) for _, day in moments if day <= today)
        | {(today.month, today.day)},
        spans=_union(
            rules.spans,
            own.times.spans,
            read.spans,
            ((day - today).days * 1440 for name, day in moments if day > today),
            *(f.times.spans for f in sources),
        ),
        since=frozenset(_since(leaves, moments, today)),
        shares=_union(read.shares, *(f.shares for f in sources)),
        own=own,
        rules=rules.texts,
        addresses=_address_text(own, rules.found, told),
        names=_unproven_names(state, nodes),
        weekdays=rules.weekdays,
        today=today,
        context="\n".join(state["messages"]),
        said=_last_replies(state),
    )


# ── where it comes from ──────────────────────────────────────────────────────────────────────


def _records(state: State) -> Iterator[dict[str, Any]]:
    for result in state.get("results", ()):
        if result.ok:
            yield result.data
    for action in _actions(state):
        yield _action_record(action)


def _actions(state: State) -> list[ActionView]:
    proposed = [p.action for p in state.get("proposals", ()) if p.action]
    return [*state["turn"].actions, *proposed]


def _action_record(action: ActionView) -> dict[str, Any]:
    return {
        "action_id": action.action_id,
        "order_no": action.order_no,
        "amount": _money(action.amount),
        "destination": action.destination,
        "note": action.reason_note,
        "receipt": action.receipt or {},
    }


def _money(amount: Money | None) -> dict[str, Any] | None:
    return {"amount_minor": amount.amount_minor, "currency": amount.currency} if amount else None


def _told(state: State) -> Iterator[str]:
    """What people, receipts and checked replies have said in this conversation already."""
    for item in state["turn"].history:
        if item.author is not Author.CUSTOMER:
            yield item.text


def _promised(state: State) -> Iterator[tuple[int, int]]:
    """The days on which this very plan looks again."""
    plan = state.get("plan")
    for promise in plan.promises if plan else ():
        local = promise.look_at.astimezone(state["turn"].store.zone)
        yield local.month, local.day


def _customer(state: State) -> Iterator[str]:
    return (item.text for item in state["turn"].history if item.author is Author.CUSTOMER)


def _last_replies(state: State) -> tuple[str, ...]:
    own = [item.text for item in state["turn"].history if item.author is Author.ASSISTANT]
    return tuple(own[-_LAST_REPLIES:])


def _knowledge(state: State) -> Iterator[str]:
    for result in state.get("results", ()):
        if result.ok and result.call.name in _KNOWLEDGE:
            yield str(result.data.get("text", ""))
            yield from (
                str(entry.get("text", ""))
                for entry in result.data.get("entries", ())
                if isinstance(entry, dict)
            )


def _orders(state: State, nodes: Sequence[_Node], asked: Iterable[str]) -> tuple[str, ...]:
    found = [node.order for node in nodes if node.order]
    known = dict.fromkeys([*found, *(order_key(action.order_no) for action in _actions(state))])
    wanted = [order_key(code) for code in asked if order_key(code) in known]
    return tuple(dict.fromkeys([*wanted, *known]))


def _deeds(state: State, nodes: Sequence[_Node]) -> Iterator[Deed]:
    yield from deeds_of_actions(_actions(state))
    for node in nodes:
        yield from deeds_of_node(node.data, node.order)


# ── what the records hold ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Read:
    amounts: frozenset[str]
    codes: frozenset[str]
    dates: frozenset[tuple[int, int]]
    spans: frozenset[int]
    shares: frozenset[int]


@lru_cache(maxsize=256)
def _read_record(text: str) -> _Read:
    """A turn's records are judged up to three times: the draft, its rewriting, the hand-off."""
    flat = plain(text)
    return _Read(
        amounts=frozenset(amounts_in(flat)),
        codes=frozenset(codes_in(folded(text))),
        dates=frozenset(dates_in(flat)),
        spans=frozenset(spans_in(flat)),
        shares=frozenset(shares_in(flat)),
    )


def _union(*parts: Iterable[T]) -> frozenset[T]:
    return frozenset(chain.from_iterable(parts))


def _amounts(nodes: Sequence[_Node]) -> Iterator[str]:
    """Every {amount_minor, currency} of the records; sums of an order's own amounts stay out."""
    for node in nodes:
        if value := amount_of(node.data):
            yield value


def amount_of(node: Mapping[str, Any]) -> str:
    """`{"amount_minor": 127230, "currency": "USD"}` as "1272.3"; empty for anything else."""
    minor, currency = node.get("amount_minor"), node.get("currency")
    if not isinstance(minor, int) or not isinstance(currency, str):
        return ""
    return plain_number(str(minor / 10 ** exponent(currency)))


def _totals(nodes: Sequence[_Node]) -> dict[str, str]:
    totals = {}
    for node in nodes:
        total = node.data.get("total")
        if node.order and isinstance(total, dict) and (value := amount_of(total)):
            totals[node.order] = value
    return totals


def _moments(leaves: Sequence[tuple[str, str]], zone: ZoneInfo) -> Iterator[tuple[str, date]]:
    for name, leaf in leaves:
        if len(leaf) > 18 and leaf[4:5] == "-":
            for match in _ISO_TIME.finditer(leaf):
                local = datetime.fromisoformat(match.group().replace("Z", "+00:00")).astimezone(zone)
                yield name, local.date()


def _out_today(nodes: Sequence[_Node], today: date) -> set[date]:
    return {today for node in nodes if node.data.get("verdict") == "out_for_delivery"}


def _since(
    leaves: Sequence[tuple[str, str]], moments: Sequence[tuple[str, date]], today: date
) -> Iterator[int]:
    for name, leaf in leaves:
        if leaf.isdigit() and len(leaf) < 4 and _DAYS.search(name):
            yield int(leaf) * 1440
    for _, day in moments:
        if day <= today:
            yield (today - day).days * 1440


def _address_text(own: Found, rules: Found, told: Sequence[Found]) -> str:
    return "\n".join([own.plain, rules.plain, *(f.plain for f in told if f.addresses)])


def _unproven_names(state: State, nodes: Sequence[_Node]) -> frozenset[str]:
    """Names and contacts in records, while nobody has proven that the record is his."""
    if state["scope"].proven(state["turn"].now):
        return frozenset()
    found = (str(value) for node in nodes for name, value in node.data.items() if name in _NAMES and value)
    return frozenset(folded(value) for value in found if len(value) > 2)


def _walk(records: Sequence[dict[str, Any]]) -> tuple[list[_Node], list[tuple[str, str]]]:
    """Every object within the records with its order, and every text and number with its field's name."""
    nodes: list[_Node] = []
    leaves: list[tuple[str, str]] = []
    stack: list[tuple[str, Any, str]] = [("", record, "") for record in reversed(records)]
    while stack:
        name, value, order = stack.pop()
        if isinstance(value, str):
            leaves.append((name, value))
        elif isinstance(value, dict):
            number = value.get("order_no")
            order = order_key(number) if isinstance(number, str) and number else order
            nodes.append(_Node(value, order))
            # Cents are no number that may be said; `_amounts` says what they are worth.
            stack += [(key, part, order) for key, part in reversed(value.items()) if key != "amount_minor"]
        elif isinstance(value, list | tuple):
            stack += [(name, part, order) for part in reversed(value)]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            leaves.append((name, str(value)))
    return nodes, leaves
