"""The stable prefix: system prompts, playbooks and a store's rules, rendered once a store and hashed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import Any, Protocol

import yaml
from pydantic import BaseModel, ConfigDict

from xiaoer.domain.canonical import sha256_hex
from xiaoer.domain.money import Money
from xiaoer.domain.policy import Clause
from xiaoer.domain.stores import Hours, Store, pick

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Playbook(Protocol):
    """What a playbook says to a model; the embedded brain runs the rest of it."""

    @property
    def intent(self) -> str: ...
    @property
    def goal(self) -> str: ...
    @property
    def rules(self) -> Iterable[str]: ...


class HandOffPrompt(BaseModel):
    """handoff.yaml: what the pseudo-tool says to the model, and what the customer is told by language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    reason: str
    summary: str
    reasons: dict[str, str]
    say: dict[str, str]


@dataclass(frozen=True, slots=True)
class Instructions:
    """`desk` is the same for all stores, `shop` is the store's own; `prompt` names both by their hash."""

    desk: str
    shop: str
    prompt: str


class InstructionBook:
    """Renders and keeps the instructions of every store; a changed store is rendered anew."""

    def __init__(self, playbooks: Iterable[Playbook]) -> None:
        self._desk = f"{prompt_text('desk.md')}\n{_render_playbooks(playbooks)}".strip()
        self._kept: dict[str, tuple[Store, Instructions]] = {}

    def of(self, store: Store) -> Instructions:
        kept = self._kept.get(store.id)
        if kept is not None and (kept[0] is store or kept[0] == store):
            return kept[1]
        shop = render_shop(store)
        mark = sha256_hex(f"{self._desk}\x1f{shop}")[:12]
        made = Instructions(self._desk, shop, f"system/{store.id}@{mark}")
        self._kept[store.id] = (store, made)
        return made


@cache
def prompt_text(name: str) -> str:
    return (resources.files("xiaoer.prompts") / "system" / name).read_text(encoding="utf-8")


@cache
def hand_off_prompt() -> HandOffPrompt:
    return HandOffPrompt.model_validate(yaml.safe_load(prompt_text("handoff.yaml")))


def fill(name: str, values: Mapping[str, Any]) -> str:
    """A prompt file with its names filled in; a missing name raises KeyError."""
    return Template(prompt_text(name)).substitute(values)


def _render_playbooks(playbooks: Iterable[Playbook]) -> str:
    parts = []
    for book in sorted(playbooks, key=lambda book: book.intent):
        rules = "".join(f"\n- {rule.strip()}" for rule in book.rules)
        parts.append(f"## {book.intent}\n{book.goal.strip()}{rules}")
    return fill("playbooks.md", {"playbooks": "\n\n".join(parts)}) if parts else ""


def render_shop(store: Store) -> str:
    """The store's voice, rules and statements, in its usual language."""
    lang = store.languages[0]
    return fill(
        "store.md",
        {
            "name": pick(store.name, lang),
            "persona": pick(store.persona.name, lang),
            "style": pick(store.persona.style, lang),
            "address": pick(store.persona.address, lang) or "without a title",
            "currency": store.currency,
            "timezone": store.timezone,
            "language": lang,
            "languages": ", ".join(store.languages[1:]) or "none",
            "hours": _hours(store.hours),
            "suppliers": ", ".join(f"{s.ships_within_days} days" for s in store.suppliers) or "not stated",
            "clauses": "\n".join(_clause_line(clause, lang) for clause in store.policy.clauses),
            "statements": "\n".join(_statements(store, lang)),
        },
    ).strip()


def _hours(hours: Hours) -> str:
    spans = (f"{WEEKDAYS[day]} {a:%H:%M}-{b:%H:%M}" for day, (a, b) in sorted(hours.days.items()))
    return ", ".join(spans) or "no fixed hours"


def _clause_line(clause: Clause, lang: str) -> str:
    return f"- [{clause.id}] {clause.tool} → {clause.then.value}: {pick(clause.text, lang)}"


def _statements(store: Store, lang: str) -> Iterable[str]:
    for statement in store.policy.statements:
        yield f"- [{statement.id}] {pick(statement.text, lang)}"
    yield f"- One goodwill coupon is worth {Money(store.coupon_minor, store.currency)}."
