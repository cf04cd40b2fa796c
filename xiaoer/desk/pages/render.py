"""Templates, words and filters of the desk's pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from xiaoer.channels.assets import Assets
from xiaoer.channels.headers import new_nonce, page_headers
from xiaoer.desk.access import CSRF_FIELD
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.clock import iso
from xiaoer.domain.money import Money
from xiaoer.domain.stores import pick
from xiaoer.domain.text import clean_text

_HERE = Path(__file__).parent.parent
LANG_COOKIE = "xiaoer_desk_lang"
LANGS = ("en", "zh")
ASSETS = Assets.load(_HERE / "static", "/assets/desk")
# Tools whose effect is money; the desk draws them differently from harmless ones.
MONEY_TOOLS = frozenset(
    {"issue_refund", "issue_coupon", "cancel_order", "change_items", "change_payment", "exchange_items"}
)
Words = Mapping[str, Any]


@cache
def words(lang: str) -> Words:
    return dict(yaml.safe_load((_HERE / "strings.yaml").read_text("utf-8"))[lang])


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(plain=plain, money=as_money, iso=iso, pretty=pretty)
    return environment


def render(
    services: DeskServices,
    request: Request,
    template: str,
    person: SignedIn | None,
    view: Mapping[str, Any],
    status: int = 200,
) -> HTMLResponse:
    """A page in the person's language, under a strict policy."""
    lang = page_language(request)
    nonce = new_nonce()
    frame = _frame(services, request, person, lang, nonce)
    page = _templates().get_template(template).render({**frame, **view})
    return HTMLResponse(page, status, page_headers(nonce, forms=True))


def page_language(request: Request) -> str:
    """By the switch, else by the browser."""
    chosen = request.cookies.get(LANG_COOKIE, "")
    if chosen in LANGS:
        return chosen
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def _frame(
    services: DeskServices, request: Request, person: SignedIn | None, lang: str, nonce: str
) -> dict[str, Any]:
    t, now = words(lang), services.clock()
    return {
        "t": t,
        "lang": lang,
        "page_lang": "zh-CN" if lang == "zh" else "en",
        "other_lang": "en" if lang == "zh" else "zh",
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "path": request.url.path,
        "nonce": nonce,
        "asset": ASSETS.url,
        "person": person,
        "csrf": person.csrf if person else "",
        "csrf_field": CSRF_FIELD,
        "stores": services.stores,
        "store_name": lambda store: (
            pick(services.stores[store].name, lang) if store in services.stores else store
        ),
        "when": lambda moment, store=None: at_store(services, moment, store),
        "clock": lambda moment, store=None: clock_at_store(services, now, moment, store),
        "ago": lambda moment: span_ago(t, now, moment),
        "until": lambda moment: span_until(t, now, moment),
        "span": lambda moment: span_of(t, abs(now - moment)),
        "past": lambda moment: moment < now,
        "say": lambda text, **values: text.format(**values),
        "is_money": lambda tool: tool in MONEY_TOOLS,
        "parse": datetime.fromisoformat,
    }


def plain(text: object, limit: int = 20_000) -> str:
    """Words from outside without overrides of direction, controls, or floods of blank lines."""
    return clean_text(str(text), limit).text


def pretty(value: Any) -> str:
    """JSON for people to read; the template escapes it."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def as_money(amount: Money | Mapping[str, Any] | None) -> str:
    if amount is None:
        return ""
    return str(amount if isinstance(amount, Money) else Money(amount["amount_minor"], amount["currency"]))


def at_store(services: DeskServices, moment: datetime, store: str | None) -> str:
    """In the store's zone, where one is meant; with its zone's name, so that nobody has to guess."""
    known = services.stores.get(store or "")
    zone = known.zone if known else ZoneInfo("UTC")
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def clock_at_store(services: DeskServices, now: datetime, moment: datetime, store: str | None) -> str:
    """The time alone where it is today's there."""
    full = at_store(services, moment, store)
    today = at_store(services, now, store)
    return full.partition(" ")[2] if full[:10] == today[:10] else full


def span_of(t: Words, length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return str(t["minutes"]).format(n=max(minutes, 1))
    if minutes < 48 * 60:
        return str(t["hours"]).format(n=minutes // 60)
    return str(t["days"]).format(n=minutes // 1440)


def span_ago(t: Words, now: datetime, moment: datetime) -> str:
    if now - moment < timedelta(minutes=1):
        return str(t["now"])
    return str(t["ago"]).format(span=span_of(t, now - moment))


def span_until(t: Words, now: datetime, moment: datetime) -> str:
    return str(t["in"]).format(span=span_of(t, moment - now))
