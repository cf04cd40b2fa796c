"""Receipts in the customer's language: templates filled with the ledger's facts, nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.messages import Reply
from xiaoer.prompts import languages

DEFAULT_PATH = Path(__file__).parent.parent / "prompts" / "receipts.yaml"
OUTCOMES = ("succeeded", "rejected", "expired", "failed", "changed", "unknown")
ANY = "any"

_FACT = re.compile(r"\{(\w+)\}")
_ALWAYS = frozenset({"order", "action"})
_DETAILS = frozenset({"label_url", "tracking_no", "coupon_code", "valid_until", "due", "pickup"})
_KNOWN = _ALWAYS | _DETAILS | {"amount", "destination", "reference", "note"}
_NOTE_LENGTH = 500
_UNSPACED = frozenset({"zh", "zh-Hant", "ja"})  # sentences stand side by side

Sentences = tuple[str, ...]


class BadTemplates(ValueError):
    """receipts.yaml is not usable; the message says where."""


@dataclass(frozen=True, slots=True)
class Receipts:
    """Templates by outcome, tool and language."""

    languages: tuple[str, ...]
    templates: Mapping[str, Mapping[str, Mapping[str, Sentences]]]

    def render(self, outcome: str, action: ActionView, language: str) -> Reply:
        """The message and the card for one outcome; KeyError for an outcome without templates."""
        by_tool = self.templates[outcome]
        sentences = by_tool.get(action.tool, by_tool[ANY])[self._pick(language)]
        facts = facts_of(action)
        said = [_fill(sentence, facts) for sentence in sentences if _facts_in(sentence) <= facts.keys()]
        joint = "" if self._pick(language) in _UNSPACED else " "
        return Reply(text=joint.join(said), cards=(card_of(action, outcome),))

    def _pick(self, language: str) -> str:
        for candidate in (language, language.split("-")[0], "en"):
            if candidate in self.languages:
                return candidate
        return self.languages[0]


def load_receipts(path: Path = DEFAULT_PATH) -> Receipts:
    """Read and check the templates and the language packs beside them; raises BadTemplates with the place."""
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    outcomes = body["outcomes"]
    packs = languages.read_file("receipts.yaml", path.parent / "languages")
    for lang, (_, pack) in packs.items():
        _lay_over(outcomes, lang, pack)
    spoken = (*body["languages"], *packs)
    templates: dict[str, dict[str, dict[str, Sentences]]] = {}
    for outcome in OUTCOMES:
        by_tool = outcomes.get(outcome)
        if not by_tool or ANY not in by_tool:
            raise BadTemplates(f"{path.name}: {outcome} lacks the tool `{ANY}`")
        templates[outcome] = {
            tool: _checked(f"{path.name}: {outcome}.{tool}", texts, spoken) for tool, texts in by_tool.items()
        }
    return Receipts(spoken, templates)


def _lay_over(outcomes: dict[str, Any], lang: str, pack: Mapping[str, Any]) -> None:
    for outcome, by_tool in pack.items():
        for tool, sentences in by_tool.items():
            if tool not in outcomes.get(outcome, {}):
                raise BadTemplates(f"{lang}/receipts.yaml: {outcome}.{tool} is told nowhere else")
            outcomes[outcome][tool][lang] = sentences


@cache
def default_receipts() -> Receipts:
    return load_receipts()


def render(outcome: str, action: ActionView, language: str) -> Reply:
    """What the customer is told, by the templates that come with the house."""
    return default_receipts().render(outcome, action, language)


def facts_of(action: ActionView) -> dict[str, str]:
    """What may be said of an action. After the effect the receipt speaks, before it the terms."""
    receipt = action.receipt or {}
    details: Mapping[str, Any] = receipt.get("details") or {}
    facts = {"order": action.order_no, "action": action.action_id}
    facts |= {name: str(details[name]) for name in _DETAILS if details.get(name)}
    if action.amount:
        facts["amount"] = str(action.amount)
    if action.destination:
        facts["destination"] = action.destination
    if receipt.get("reference"):
        facts["reference"] = str(receipt["reference"])
    if action.reason_note:
        facts["note"] = action.reason_note[:_NOTE_LENGTH]
    return facts


def card_of(action: ActionView, outcome: str) -> dict[str, Any]:
    """What a page draws beside the text."""
    card: dict[str, Any] = {
        "type": "action",
        "id": action.action_id,
        "tool": action.tool,
        "status": action.status.value,
        "outcome": outcome,
        "order_no": action.order_no,
        "lines": action.args.get("lines", []),
    }
    facts = facts_of(action)
    card |= {name: facts[name] for name in sorted(_DETAILS | {"destination", "reference"}) if name in facts}
    if action.amount:
        card["amount"] = {
            "amount_minor": action.amount.amount_minor,
            "currency": action.amount.currency,
            "text": str(action.amount),
        }
    if outcome == ActionStatus.REJECTED.value and action.reason_note:
        card["note"] = facts["note"]
    return card


def _checked(where: str, texts: Mapping[str, list[str]], languages: Sentences) -> dict[str, Sentences]:
    missing = [language for language in languages if not texts.get(language)]
    if missing:
        raise BadTemplates(f"{where} lacks {', '.join(missing)}")
    for language, sentences in texts.items():
        strange = set().union(*map(_facts_in, sentences)) - _KNOWN
        if strange:
            raise BadTemplates(f"{where}.{language} asks for unknown facts: {', '.join(sorted(strange))}")
        if not _facts_in(sentences[0]) <= _ALWAYS:
            raise BadTemplates(f"{where}.{language}: the first sentence may only use order and action")
    return {language: tuple(sentences) for language, sentences in texts.items()}


def _facts_in(sentence: str) -> set[str]:
    return set(_FACT.findall(sentence))


def _fill(sentence: str, facts: Mapping[str, str]) -> str:
    # One pass: a fact that itself contains braces is not filled again.
    return _FACT.sub(lambda match: facts[match.group(1)], sentence)
