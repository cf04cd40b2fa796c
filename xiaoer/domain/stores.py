"""One shop as the rooms see it, parsed once from its YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from xiaoer.domain.limits import Limits
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
class Attention:
    """How a shop comes back to its customers unasked."""

    quiet: tuple[time, time] | None = None  # from, to; None: outside the people's hours
    remind_minutes: int = 30  # after a question that nobody answered; 0: never
    rest_hours: int = 24  # without a message until a conversation counts as over
    ask_rating: bool = True
    rating_hours: int = 4  # of silence after an answered matter, until its rating is asked for


_NIGHT = (time(21), time(8))  # where no hours are known


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
    attention: Attention = field(default_factory=Attention)
    limits: Limits = field(default_factory=Limits)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def quiet(self) -> tuple[time, time]:
        """From when to when, in the store's zone, customers are not written to unasked; every day."""
        if self.attention.quiet or not self.hours.days:
            return self.attention.quiet or _NIGHT
        spans = self.hours.days.values()
        return max(closes for _, closes in spans), min(opens for opens, _ in spans)

    def awake(self, now: datetime) -> bool:
        """Whether a customer may be written to unasked at this moment."""
        begins, ends = self.quiet
        at = now.astimezone(self.zone).time()
        return not (begins <= at < ends if begins <= ends else at >= begins or at < ends)

    def next_awake(self, now: datetime) -> datetime:
        """This moment, or the end of the quiet hours that it falls into."""
        if self.awake(now):
            return now
        local = now.astimezone(self.zone)
        ends = local.replace(
            hour=self.quiet[1].hour, minute=self.quiet[1].minute, second=0, microsecond=0, fold=0
        )
        return ends if ends > local else ends + timedelta(days=1)

    def supplier(self, supplier_id: str) -> Supplier | None:
        return next((s for s in self.suppliers if s.id == supplier_id), None)


def pick(texts: Mapping[str, str], lang: str) -> str:
    """The text in this language, else its base language, else English, else any."""
    for key in (lang, lang.split("-")[0], "en"):
        if key in texts:
            return texts[key]
    return next(iter(texts.values()), "")
