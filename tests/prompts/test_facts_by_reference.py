"""Facts enter a reply only by reference: no wording of ours holds a number, an amount, a date or an address.

A single figure may count choices or the steps of a scale."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from xiaoer.prompts.playbooks import load_playbooks

# Places where a figure is a choice to type or a scale, not a fact.
CHOICES = frozenset({"two_choices"})
FIGURE = re.compile(r"\d\d|[$€£¥￥₩]|https?:|www\.|@")
MONTHS = re.compile(
    r"\b(?:january|february|monday|tuesday|wednesday|thursday|friday|enero|lundi|montag|janeiro|понедельник)\b|月\d|星期|월요일|الاثنين",
    re.IGNORECASE,
)


def wordings() -> Iterator[tuple[str, str]]:
    playbooks = load_playbooks()
    for playbook in playbooks.intents.values():
        for name, reply in playbook.replies.items():
            yield from _each(f"{playbook.intent}.{name}", reply)
    for name, reply in playbooks.common.items():
        if name not in CHOICES:
            yield from _each(name, reply)
    for name, words in playbooks.words.verdicts.items():
        for lang, line in words.line.items():
            yield f"{name} ({lang})", line


def _each(name: str, reply: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for lang, variants in reply.items():
        for variant in variants:
            yield f"{name} ({lang})", variant


@pytest.mark.parametrize("pattern", [FIGURE, MONTHS], ids=["figures", "days"])
def test_no_wording_holds_a_fact_of_its_own(pattern: re.Pattern[str]) -> None:
    bare = ((place, re.sub(r"\{\w+\}", "", text)) for place, text in wordings())
    assert [(place, text) for place, text in bare if pattern.search(text)] == []


def test_no_two_variants_of_a_reply_are_the_same() -> None:
    playbooks = load_playbooks()
    replies = {**playbooks.common}
    for playbook in playbooks.intents.values():
        replies |= {f"{playbook.intent}.{name}": reply for name, reply in playbook.replies.items()}
    same = [(n, lang) for n, reply in replies.items() for lang, v in reply.items() if len(set(v)) < len(v)]
    assert same == []
