"""One shop as the rooms see it, parsed once from its YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from zoneinfo import ZoneInfo

from xiaoer.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class Supplier:
    id: str
    name: str
    language: str
    ships_within_days: int
    answers_within_hours: int
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Persona:
    name: Mapping[str, str]  # by language
    address: Mapping[str, str]  # how the customer is addressed: "亲", ""
    style: Mapping[str, str]  # one sentence a language, for the model brain


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours of the people, by weekday (0 = Monday); a missing day is closed."""

    days: Mapping[int, tuple[time, time]]

    def open_at(self, local: datetime) -> bool:
        span = self.days.get(local.weekday())
        return span is not None and span[0] <= local.time() < span[1]


@dataclass(frozen=True, slots=True)
class WebChannel:
    widget_secret_env: str = ""
    accent: str = "#1f6f5c"
    greeting: Mapping[str, str] = field(default_factory=dict)
    allowed_links: tuple[str, ...] = ()  # hosts that a reply may link to


@dataclass(frozen=True, slots=True)
class Store:
    id: str
    name: Mapping[str, str]
    platform: str
    currency: str
    timezone: str
    languages: tuple[str, ...]  # the first is the default
    persona: Persona
    hours: Hours
    autonomy_stage: int
    rules_may_approve: bool
    approval_hours: int  # a pending action expires after this
    coupon_minor: int  # what one coupon is worth
    suppliers: tuple[Supplier, ...]
    policy: Policy
    web: WebChannel
    return_address: tuple[str, ...] = ()  # lines of the address that return slips carry

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def supplier(self, supplier_id: str) -> Supplier | None:
        return next((s for s in self.suppliers if s.id == supplier_id), None)


def pick(texts: Mapping[str, str], lang: str) -> str:
    """The text in this language, else its base language, else English, else any."""
    for key in (lang, lang.split("-")[0], "en"):
        if key in texts:
            return texts[key]
    return next(iter(texts.values()), "")
