"""The checks, each a small function from draft and facts to what is wrong with it; one table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from xiaoer.agent.guard import leaks
from xiaoer.agent.guard.facts import Facts
from xiaoer.agent.guard.matching import claims_without_receipt, times_without_record
from xiaoer.agent.guard.numbers import amounts_in, percents_in, shares_in
from xiaoer.agent.guard.patterns import codes_in, has_image, has_secret, hosts_in
from xiaoer.agent.guard.platforms import broken_rule
from xiaoer.agent.state import Verdict
from xiaoer.domain.claims import topics_of
from xiaoer.domain.claims.text import folded, hidden, plain
from xiaoer.domain.stores import Store

MAX_REPLY = 3_000
_MONEY = frozenset({"refund", "coupon", "cancellation"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply in the forms that checks read: as written, folded, plain, and what it hides decoded."""

    text: str
    folded: str
    plain: str
    without_rules: str  # as written, less the policy's own sentences


def read_draft(text: str, facts: Facts) -> Draft:
    decoded = "\n".join([text, *hidden(text)])
    kept = decoded
    for rule in facts.rules:
        if rule in kept:
            kept = kept.replace(rule, " ")
    return Draft(text, folded(decoded), plain(decoded), kept)


Check = Callable[[Draft, Facts, Store], str]


def _said_something(draft: Draft, _facts: Facts, _store: Store) -> str:
    return "" if draft.text.strip() else "the reply is empty"


def _claims_have_receipts(draft: Draft, facts: Facts, _store: Store) -> str:
    """A rule quoted to the letter says what holds in general, not what has happened."""
    kinds = claims_without_receipt(draft.without_rules, facts)
    return f"claims what no receipt shows: {', '.join(kinds)}" if kinds else ""


def _amounts_are_recorded(draft: Draft, facts: Facts, _store: Store) -> str:
    strange = _beyond(set(amounts_in(draft.plain)), facts.amounts, "names an amount that no record shows")
    if strange or not _SHARE_SIGN.search(draft.plain):
        return strange
    said = plain(draft.without_rules)
    if set(percents_in(said)) - facts.shares:
        return "names a percentage that no rule or record shows"
    if set(shares_in(said)) - facts.shares and _MONEY.intersection(topics_of(draft.plain)):
        return "names a share of the money that no rule or record shows"
    return ""


_SHARE_SIGN = re.compile(
    r"[%٪]|percent|per cent|ciento|prozent|pour cent|por cento|パーセント|퍼센트|процент|بالم|full|entire|whole|complet|total|integr|voll|полн|كامل"
    r"|全|half|半|mitad|moitie|halfte|metade|절반|전액|половин|نصف"
)


def _numbers_are_known(draft: Draft, facts: Facts, _store: Store) -> str:
    unknown = _beyond(set(codes_in(draft.folded)), facts.codes, "names a number that no record shows")
    if unknown:
        return unknown
    if leaks.spelled_out(draft.folded, facts):
        return "spells out a number that no record shows"
    return "tells a number bit by bit" if leaks.split_over_turns(draft.text, facts) else ""


def _times_are_recorded(draft: Draft, facts: Facts, _store: Store) -> str:
    unknown = times_without_record(draft.plain, facts)
    return "names a date that no record shows" if unknown else ""


def _people_stay_private(draft: Draft, facts: Facts, _store: Store) -> str:
    if leaks.strange_contacts(draft.folded, facts):
        return "shows contact data that the customer did not write"
    if leaks.strange_address(draft.folded, facts):
        return "shows an address that the customer did not write"
    return (
        "shows personal data that is not proven to be the customer's"
        if leaks.strange_name(draft.folded, facts)
        else ""
    )


def _links_are_allowed(draft: Draft, _facts: Facts, store: Store) -> str:
    if has_image(draft.text):
        return "carries an image"
    strange = [host for host in hosts_in(draft.folded) if host not in store.web.allowed_links]
    return "links to a host that is not on the list" if strange else ""


def _secrets_stay_inside(draft: Draft, _facts: Facts, _store: Store) -> str:
    if has_secret(draft.text) or has_secret(draft.without_rules):
        return "shows a key or password"
    return "quotes our instructions" if leaks.quotes_instructions(draft.plain) else ""


def _platform_allows(draft: Draft, _facts: Facts, store: Store) -> str:
    rule = broken_rule(draft.plain, store.platform)
    return f"breaks a rule of the platform ({rule.id}): {rule.says}" if rule else ""


CHECKS: dict[str, Check] = {
    "form": _said_something,
    "claims": _claims_have_receipts,
    "amounts": _amounts_are_recorded,
    "numbers": _numbers_are_known,
    "dates": _times_are_recorded,
    "contacts": _people_stay_private,
    "links": _links_are_allowed,
    "secrets": _secrets_stay_inside,
    "platform": _platform_allows,
}


def check_text(text: str, facts: Facts, store: Store) -> tuple[Verdict, ...]:
    """One verdict a check, in the order of the table; a draft beyond MAX_REPLY is not read any further."""
    if len(text) > MAX_REPLY:
        return tuple(Verdict(name, False, "the reply is too long") for name in CHECKS)
    draft = read_draft(text, facts)
    verdicts = []
    for name, check in CHECKS.items():
        reason = check(draft, facts, store)
        verdicts.append(Verdict(name, not reason, reason))
    return tuple(verdicts)


def _beyond(said: set[str], known: frozenset[str], what: str) -> str:
    strange = sorted(said - known)
    return f"{what}: {', '.join(strange)}" if strange else ""
