"""The store file as pydantic sees it; every unknown key is an error."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from xiaoer.domain.policy import FACTS, GOVERNED_TOOLS, Condition, Outcome
from xiaoer.domain.understanding import LANGUAGES

Texts = Annotated[dict[str, str], Field(min_length=1)]
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PersonaFile(_Strict):
    name: Texts
    address: dict[str, str] = {}
    style: Texts


class AutonomyFile(_Strict):
    # Stages 1 (drafts for people), 2 (FAQ only) and 4 (proactive) are refused until they exist.
    stage: Literal[3]
    rules_may_approve: bool = False


class SupplierFile(_Strict):
    id: str
    name: str
    language: str
    ships_within_days: Annotated[int, Field(ge=0, le=90)]
    answers_within_hours: Annotated[int, Field(ge=1, le=720)]
    contact: str = ""


class AttentionFile(_Strict):
    quiet: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None
    remind_after_minutes: Annotated[int, Field(ge=0, le=1_440)] = 30
    rest_after_hours: Annotated[int, Field(ge=1, le=720)] = 24
    ask_rating: bool = True
    rating_after_hours: Annotated[int, Field(ge=1, le=168)] = 4


Minor = Annotated[int, Field(ge=0)]


class VelocityFile(_Strict):
    actions: Annotated[int, Field(ge=1)]
    minutes: Annotated[int, Field(ge=1, le=1_440)]


class LimitsFile(_Strict):
    customer_day_minor: Minor | None = None
    approver_day_minor: Minor | None = None
    store_day_minor: Minor | None = None
    four_eyes_above_minor: Minor | None = None
    step_up_above_minor: Minor | None = None
    velocity: VelocityFile | None = VelocityFile(actions=60, minutes=10)


class WebFile(_Strict):
    widget_secret_env: str = ""
    accent: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#1f6f5c"
    greeting: dict[str, str] = {}
    allowed_links: list[str] = []


class ChannelsFile(_Strict):
    web: WebFile = WebFile()


class ClauseFile(_Strict):
    id: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")]
    tool: str
    when: dict[str, Any] = {}
    then: Outcome
    over: list[str] | Literal["*"] = []
    text: Texts

    @field_validator("tool")
    @classmethod
    def _known_tool(cls, value: str) -> str:
        if value not in GOVERNED_TOOLS:
            raise ValueError(f"{value} is not a governed tool; one of {', '.join(GOVERNED_TOOLS)}")
        return value

    @field_validator("when")
    @classmethod
    def _known_facts(cls, value: dict[str, Any]) -> dict[str, Any]:
        for fact, wanted in value.items():
            read_condition(fact, wanted)
        return value


class StatementFile(_Strict):
    id: str
    topic: str
    text: Texts


class PolicyFile(_Strict):
    version: str
    clauses: list[ClauseFile]
    statements: list[StatementFile] = []

    @model_validator(mode="after")
    def _unique_ids(self) -> PolicyFile:
        ids = [clause.id for clause in self.clauses] + [statement.id for statement in self.statements]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands twice")
        return self


class StoreFile(_Strict):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
    name: Texts
    platform: Literal["local"]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timezone: str
    languages: Annotated[list[str], Field(min_length=1)]
    persona: PersonaFile
    hours: dict[str, str]
    autonomy: AutonomyFile
    approval_hours: Annotated[int, Field(ge=1, le=720)]
    coupon_minor: Annotated[int, Field(ge=1)]
    return_address: list[str] = []
    suppliers: list[SupplierFile] = []
    attention: AttentionFile = AttentionFile()
    limits: LimitsFile = LimitsFile()
    channels: ChannelsFile = ChannelsFile()
    policy: PolicyFile

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value} is not a time zone name such as Asia/Shanghai") from error
        return value

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, value: list[str]) -> list[str]:
        for lang in value:
            if lang not in LANGUAGES:
                raise ValueError(f"{lang} is not one of {', '.join(LANGUAGES)}")
        return value

    @field_validator("hours")
    @classmethod
    def _readable_hours(cls, value: dict[str, str]) -> dict[str, str]:
        read_hours(value)
        return value


def read_condition(fact: str, wanted: Any) -> Condition:
    """`[a, b]` or `true` for sets, `{min, max}` for integers; raises ValueError with the way out."""
    kind = FACTS.get(fact)
    if kind is None:
        raise ValueError(f"{fact} is not a known fact; one of {', '.join(sorted(FACTS))}")
    if kind == "bool":
        if not isinstance(wanted, bool):
            raise ValueError(f"{fact} is true or false")
        return Condition(fact, frozenset({wanted}))
    if kind == "int":
        return _read_range(fact, wanted)
    values = wanted if isinstance(wanted, list) else [wanted]
    strange = [value for value in values if value not in kind]
    if strange or not values:
        raise ValueError(f"{fact} cannot be {strange or 'empty'}; one of {', '.join(kind)}")
    return Condition(fact, frozenset(values))


def read_hours(hours: dict[str, str]) -> dict[int, tuple[time, time]]:
    """`{"mon-fri": "09:00-18:00"}` by weekday; raises ValueError."""
    days: dict[int, tuple[time, time]] = {}
    for span, clock in hours.items():
        match = re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", clock)
        first, _, last = span.partition("-")
        if match is None or first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError(f'{span}: {clock} is not hours such as mon-fri: "09:00-18:00"')
        opens, closes = (time.fromisoformat(part) for part in match.groups())
        for day in range(_DAYS.index(first), _DAYS.index(last or first) + 1):
            days[day] = (opens, closes)
    return days


def _read_range(fact: str, wanted: Any) -> Condition:
    if not isinstance(wanted, dict) or not wanted or set(wanted) - {"min", "max"}:
        raise ValueError(f"{fact} takes {{min: N}}, {{max: N}} or both")
    if not all(isinstance(value, int) and value >= 0 for value in wanted.values()):
        raise ValueError(f"{fact}: min and max are whole numbers from zero")
    return Condition(fact, low=wanted.get("min"), high=wanted.get("max"))
