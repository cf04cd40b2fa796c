"""Words that a platform forbids its sellers, kept as data with their sources in platforms.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from xiaoer.agent.guard.gate import Gated, gated
from xiaoer.domain.claims.lexicon import plain_source

_FILE = Path(__file__).with_name("platforms.yaml")
DEFAULT = "local"


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    says: str  # one sentence for staff
    source: str  # where the platform says so
    words: Gated
    unless: re.Pattern[str]  # a refusal of the same thing, or a lawful use of the word


@cache
def platform_rules() -> dict[str, tuple[Rule, ...]]:
    """Rules by platform name; raises at the first broken pattern."""
    data: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    rules = {name: _rule(name, raw) for name, raw in data["rules"].items()}
    return {platform: tuple(rules[name] for name in names) for platform, names in data["platforms"].items()}


def _rule(name: str, raw: dict[str, Any]) -> Rule:
    return Rule(name, raw["says"], raw["source"], gated(raw["words"]), _pattern(raw.get("unless")))


def _pattern(lines: str | None) -> re.Pattern[str]:
    kept = [plain_source(line.strip()) for line in (lines or "(?!)").splitlines() if line.strip()]
    return re.compile("|".join(kept))


def broken_rule(text: str, platform: str) -> Rule | None:
    """The first rule of the store's platform that a plain text breaks; an unknown platform has the strictest."""
    rules = platform_rules()
    for rule in rules.get(platform.lower(), rules["*"]):
        for found in rule.words.finditer(text):
            around = text[max(0, found.start() - 40) : found.end() + 40]
            if not rule.unless.search(around):
                return rule
    return None
