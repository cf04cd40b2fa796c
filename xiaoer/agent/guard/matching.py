"""Each claim of a draft is matched to a receipt or record: of its kind, for its order, with its amount."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date, timedelta

from xiaoer.agent.guard.facts import Facts
from xiaoer.agent.guard.numbers import amounts_in, plain_number, shares_in
from xiaoer.agent.guard.patterns import codes_in
from xiaoer.agent.guard.receipts import UNDER_WAY
from xiaoer.agent.guard.times import Times, times_in
from xiaoer.domain.claims import ANSWERED, ARRIVAL, MATTER, PLEDGE, PROMISE, Claim, find_claims
from xiaoer.domain.orders import order_key

_CARRIED_OUT = frozenset(
    {"refund", "cancellation", "label", "coupon", "change", "exchange", "pickup", "intercept"}
)
_WITH_AMOUNT = frozenset({"refund", "coupon"})
_WEEK = 7
_FULL = 100


def claims_without_receipt(text: str, facts: Facts) -> list[str]:
    """Kinds of the claims that nothing backs, in the order of the text; [] when every one stands."""
    return list(dict.fromkeys(_unbacked(text, facts)))


def _unbacked(text: str, facts: Facts) -> Iterator[str]:
    for claim in find_claims(text, facts.context):
        if claim.kind == PROMISE:
            yield PROMISE
        elif claim.kind == ARRIVAL:
            if not _expected(claim, facts):
                yield "delivery_date"
        elif claim.kind == PLEDGE:
            if not _done(("approval", "refund", "cancellation"), claim, facts):
                yield PROMISE
        elif claim.kind == ANSWERED:
            if not any(deed.kind in _CARRIED_OUT for deed in facts.deeds):
                yield "something done"
        elif claim.among:
            if not _some_done(claim, facts):
                yield "something done" if claim.kind == MATTER else claim.kind
        elif _under_way(claim, facts):
            continue
        elif not _done((claim.kind,), claim, facts) or not _amount_fits(claim, facts):
            yield claim.kind


# Said of what is approved or begun in the shop's system, and not finished.
_MOVING = re.compile(
    r"on its way|under ?way|in progress|being (?:carried|processed|executed)|unterwegs|in bearbeitung|ausgefuhrt|в пути|выполня|идет|في الطريق|قيد|تنفيذ"
    r"|en camino|en marcha|tramit|en route|en cours|a caminho|em andamento|em processamento|processad|処理中|進め|手続き中|진행|처리 ?중|途中|处理中|进行中|正在|办理中"
)


def _under_way(claim: Claim, facts: Facts) -> bool:
    kinds = tuple(UNDER_WAY + kind for kind in claim.among or (claim.kind,))
    return _MOVING.search(claim.clause) is not None and _done(kinds, claim, facts)


def _some_done(claim: Claim, facts: Facts) -> bool:
    """A loose claim names its matter alone: a receipt of any kind that it may mean backs it."""
    kinds = set(claim.among) | (_CARRIED_OUT if MATTER in claim.among else set())
    return _done(tuple(kinds), claim, facts) or _under_way(claim, facts)


def _done(kinds: tuple[str, ...], claim: Claim, facts: Facts) -> bool:
    shown = {deed.order for deed in facts.deeds if deed.kind in kinds}
    if not shown:
        return False
    if claim.kind == "stock":
        return True
    meant = _orders_meant(claim, facts)
    return meant <= shown if meant else bool(shown)


def _orders_meant(claim: Claim, facts: Facts) -> set[str]:
    """The orders that a claim speaks of: named by it, before it, or the only matter there is."""
    for text in (claim.clause, claim.sentence):
        if named := _orders_in(text, facts):
            return named
    if heading := _last_order(claim.before, facts):
        return {heading}
    if len(facts.orders) == 1:
        return {facts.orders[0]}
    return set(facts.asked & set(facts.orders))


def _orders_in(text: str, facts: Facts) -> set[str]:
    return {key for key in _keys_in(text) if key.startswith("#") or key in facts.orders} if text else set()


def _keys_in(text: str) -> Iterator[str]:
    yield from (order_key(code) for code in codes_in(text))


def _last_order(text: str, facts: Facts) -> str:
    if not facts.orders:
        return ""
    keys = [key for key in _keys_in(text) if key in facts.orders]
    return keys[-1] if keys else ""


# ── amounts beside a claim ───────────────────────────────────────────────────────────────────


def _amount_fits(claim: Claim, facts: Facts) -> bool:
    """An amount beside a claim is its receipt's own; all of it is what the order came to."""
    if claim.kind not in _WITH_AMOUNT:
        return True
    orders = _orders_meant(claim, facts) or set(facts.orders)
    paid = [d for d in facts.deeds if d.kind == claim.kind and d.amount and (d.order in orders or not orders)]
    if not paid:
        return True  # the record has no amount; whether one may be named is another check's matter
    amounts = {deed.amount for deed in paid} | {_sum({deed.amount for deed in paid})}
    said = set(amounts_in(claim.clause)) or set(amounts_in(claim.rest.split(" · ")[0][:60]))
    return said <= amounts and _share_fits(claim, orders, amounts, facts)


def _sum(amounts: set[str]) -> str:
    return plain_number(str(sum(float(amount) for amount in amounts)))


def _share_fits(claim: Claim, orders: set[str], amounts: set[str], facts: Facts) -> bool:
    if _FULL not in set(shares_in(claim.clause)):
        return True
    totals = [facts.totals[order] for order in orders if order in facts.totals]
    return all(max(map(float, amounts)) >= float(total) for total in totals)


# ── times ────────────────────────────────────────────────────────────────────────────────────


def _expected(claim: Claim, facts: Facts) -> bool:
    """When something arrives is said only as a record expects it, or as a rule names the span."""
    times = times_in(claim.clause) or times_in(claim.sentence)
    if not times:
        return True
    days = _days_named(times, facts.today)
    ahead = {day for day in days if day > facts.today}
    if ahead - facts.estimates:
        return False
    past = {(day.month, day.day) for day in days - ahead}
    arrived = any(deed.kind == "delivered" for deed in facts.deeds)
    known = {*facts.estimates, *(_recent(facts) if arrived else ())}
    near = {weekday for weekday in times.weekdays if not _falls_on(weekday, known, facts.today)}
    return past <= facts.past and not near and times.spans <= facts.spans and not times.vague


def _falls_on(weekday: int, known: Collection[date], today: date) -> bool:
    return any(day.weekday() == weekday and abs((day - today).days) <= _WEEK for day in known)


def _recent(facts: Facts) -> Iterator[date]:
    for back in range(_WEEK):
        day = facts.today - timedelta(days=back)
        if (day.month, day.day) in facts.past and day != facts.today:
            yield day


def _days_named(times: Times, today: date) -> set[date]:
    days = {today + timedelta(days=offset) for offset in times.offsets}
    for month, day in times.dates | times.either:
        near = _nearest(month, day, today)
        days |= {near} if near else set()
    return days


def _nearest(month: int, day: int, today: date) -> date | None:
    """The day of that name that is closest to today, across the turn of the year."""
    found = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    return min(found, key=lambda near: abs((near - today).days), default=None)


def times_without_record(text: str, facts: Facts) -> bool:
    """True when a plain text names a day or span that no record, rule or word of the customer has."""
    times = times_in(text)
    if not times:
        return False
    own = facts.own.times if facts.own else None
    turned = {(day, month) for month, day in times.either}
    either = {pair for pair in times.either if pair not in facts.dates and pair[::-1] not in facts.dates}
    strange = (times.dates - facts.dates) or (either and turned)
    spans = facts.spans | facts.since if _AGO.search(text) else facts.spans
    if strange or times.spans - spans:
        return True
    if times.vague and not (own and own.vague):
        return True
    return _strange_days(times, facts, own, open_days=facts.weekdays if _OFFICE.search(text) else frozenset())


# What looks back: "2 days ago", "no scan for 2 days".
_AGO = re.compile(
    r"\bago\b|\bfor \d|\bsince\b|\bsilent|没有|未|前|了|以来|已经|\bhace\b|\bdesde\b|\bil y a\b|\bdepuis\b|\bvor\b|\bseit\b|\bha\b|\bfaz\b|назад|уже|нет|منذ|قبل|경과|전|동안|ません|間"
    r"|\bno\b|\bsin\b|\bsans\b|\bohne\b|\bsem\b|\bnot\b|\bwithout\b|없"
)
# Days on which people are at the desk say when they answer, and nothing about a parcel or money.
_OFFICE = re.compile(
    r"\b(?:colleagues?|people|team|open|opening|desk|office|agent)\b|同事|上班|在线|人工|客服|营业|equipo|companer|horario|collegue|equipe|kolleg|geoffnet"
    r"|colega|担当|スタッフ|담당|직원|상담|сотрудник|коллег|زميل|الفريق|الدوام|운영|영업 ?시간|horario|horas|heures"
)


def _strange_days(times: Times, facts: Facts, own: Times | None, open_days: frozenset[int]) -> bool:
    for offset in times.offsets - (own.offsets if own else frozenset()):
        day = facts.today + timedelta(days=offset)
        if (day.month, day.day) not in facts.dates and not (offset > 0 and day.weekday() in open_days):
            return True
    recorded = {*facts.estimates, *_recent(facts)}
    known = open_days | (own.weekdays if own else frozenset())
    return any(
        weekday not in known and not _falls_on(weekday, recorded, facts.today) for weekday in times.weekdays
    )
