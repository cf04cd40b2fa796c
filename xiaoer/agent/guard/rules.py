"""What a store's own rules say aloud, read once: amounts, spans, shares, contacts, and the texts themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from xiaoer.agent.guard.numbers import amounts_in, shares_in
from xiaoer.agent.guard.patterns import addresses_in, codes_in, contacts_in
from xiaoer.agent.guard.times import Times, times_in
from xiaoer.domain.claims.text import folded, plain
from xiaoer.domain.policy import Policy
from xiaoer.domain.stores import Store


@dataclass(frozen=True, slots=True)
class Found:
    """What one text names."""

    plain: str
    amounts: frozenset[str]
    codes: frozenset[str]
    contacts: frozenset[str]
    addresses: tuple[str, ...]
    times: Times
    shares: frozenset[int]


# The rules of a store and what was said before come again in every turn: to search them costs 1 ms.
@lru_cache(maxsize=1024)
def found_in(text: str) -> Found:
    said, flat = folded(text), plain(text)
    return Found(
        plain=flat,
        amounts=frozenset(amounts_in(flat)),
        codes=frozenset(codes_in(said)),
        contacts=frozenset(contacts_in(said)),
        addresses=tuple(addresses_in(said)),
        times=times_in(flat),
        shares=frozenset(shares_in(flat)),
    )


def rules_of(policy: Policy) -> Iterator[str]:
    """Every clause and statement, in every language."""
    for clause in policy.clauses:
        yield from clause.text.values()
    for statement in policy.statements:
        yield from statement.text.values()


@dataclass(frozen=True, slots=True)
class StoreRules:
    texts: tuple[str, ...]
    found: Found
    spans: frozenset[int]  # minutes
    weekdays: frozenset[int]  # on which people are at the desk


def store_rules(store: Store) -> StoreRules:
    """The same for one loaded store; kept as long as the store object lives."""
    kept = _KEPT.get(id(store))
    if kept is None or kept[0] is not store:
        if len(_KEPT) > _STORES_KEPT:
            _KEPT.clear()
        kept = (store, _read(store))
        _KEPT[id(store)] = kept
    return kept[1]


_STORES_KEPT = 512
_KEPT: dict[int, tuple[Store, StoreRules]] = {}
_LOCK_MINUTES = 60  # wrong proofs lock for an hour, and the customer is told so


def _read(store: Store) -> StoreRules:
    texts = tuple(sorted(set(rules_of(store.policy)), key=len, reverse=True))
    found = found_in("\n".join((*texts, *store.return_address)))
    return StoreRules(texts, found, found.times.spans | {_LOCK_MINUTES}, frozenset(store.hours.days))
