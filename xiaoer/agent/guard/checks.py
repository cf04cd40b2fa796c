"""The checks, each a small function from draft and facts to what is wrong with it; one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from xiaoer.agent.guard.facts import Facts
from xiaoer.agent.guard.patterns import (
    amounts_in,
    claims_in,
    codes_in,
    contacts_in,
    dates_in,
    has_image,
    hosts_in,
)
from xiaoer.agent.state import Verdict
from xiaoer.domain.policy import Policy
from xiaoer.domain.stores import Store

MAX_REPLY = 3_000


def _rules_of(policy: Policy) -> Iterator[str]:
    for clause in policy.clauses:
        yield from clause.text.values()
    for statement in policy.statements:
        yield from statement.text.values()


Check = Callable[[str, Facts, Store], str]


def _said_something(text: str, _facts: Facts, _store: Store) -> str:
    if not text.strip():
        return "the reply is empty"
    return "the reply is too long" if len(text) > MAX_REPLY else ""


def _claims_have_receipts(text: str, facts: Facts, store: Store) -> str:
    said = _without_rules(text, store)
    return _beyond(set(claims_in(said)), facts.done, "claims what no receipt shows")


def _without_rules(text: str, store: Store) -> str:
    """A rule quoted to the letter says what holds in general, not what has happened."""
    for rule in _rules_of(store.policy):
        text = text.replace(rule, " ")
    return text


def _amounts_are_recorded(text: str, facts: Facts, _store: Store) -> str:
    return _beyond(set(amounts_in(text)), facts.amounts, "names an amount that no record shows")


def _numbers_are_known(text: str, facts: Facts, _store: Store) -> str:
    return _beyond(set(codes_in(text)), facts.codes, "names a number that no record shows")


def _dates_are_recorded(text: str, facts: Facts, _store: Store) -> str:
    unknown = set(dates_in(text)) - facts.dates
    return "names a date that no record shows" if unknown else ""


def _contacts_are_own(text: str, facts: Facts, _store: Store) -> str:
    return (
        "shows contact data that the customer did not write"
        if set(contacts_in(text)) - facts.contacts
        else ""
    )


def _links_are_allowed(text: str, _facts: Facts, store: Store) -> str:
    if has_image(text):
        return "carries an image"
    strange = [host for host in hosts_in(text) if host not in store.web.allowed_links]
    return "links to a host that is not on the list" if strange else ""


CHECKS: dict[str, Check] = {
    "form": _said_something,
    "claims": _claims_have_receipts,
    "amounts": _amounts_are_recorded,
    "numbers": _numbers_are_known,
    "dates": _dates_are_recorded,
    "contacts": _contacts_are_own,
    "links": _links_are_allowed,
}


def check_text(text: str, facts: Facts, store: Store) -> tuple[Verdict, ...]:
    """One verdict a check, in the order of the table."""
    verdicts = []
    for name, check in CHECKS.items():
        reason = check(text, facts, store)
        verdicts.append(Verdict(name, not reason, reason))
    return tuple(verdicts)


def _beyond(said: set[str], known: frozenset[str], what: str) -> str:
    strange = sorted(said - known)
    return f"{what}: {', '.join(strange)}" if strange else ""
