"""What is measured was never learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xiaoer.agent.brains.understanding.examples import load_examples
from xiaoer.agent.brains.understanding.features import normalise
from xiaoer.domain.understanding import INTENTS

BENCHMARKS = Path(__file__).parents[3] / "benchmarks" / "understanding"
ALIKE = 0.7  # of the character trigrams shared: the same sentence with a word changed


def trigrams(text: str) -> frozenset[str]:
    bare = "".join(char for char in normalise(text) if not char.isspace() and char.isalnum())
    return frozenset(bare[i : i + 3] for i in range(max(1, len(bare) - 2)))


def rows(name: str) -> list[dict[str, Any]]:
    lines = (BENCHMARKS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", ["heldout", "development"])
def test_no_measured_message_is_an_example_or_nearly_one(name: str) -> None:
    known = [(example.text, trigrams(example.text)) for example in load_examples()]
    close = []
    for row in rows(name):
        if row["set"] not in {"intent", "needs"} or row["intents"] in ([], ["greeting"], ["thanks_bye"]):
            continue  # "hello there" has not many forms
        mine = trigrams(str(row["text"]))
        close += [
            (row["text"], text)
            for text, theirs in known
            if len(mine & theirs) / max(1, len(mine | theirs)) >= ALIKE
        ]
    assert close == []


def test_the_exact_words_of_a_measured_message_are_never_an_example() -> None:
    known = {example.text.strip().lower() for example in load_examples()}
    for name in ("heldout", "development"):
        measured = {
            str(row["text"]).strip().lower() for row in rows(name) if row["set"] in {"intent", "needs"}
        }
        assert not measured & known


def test_the_held_out_messages_cover_every_intent_in_chinese_and_english() -> None:
    held = [row for row in rows("heldout") if row["set"] == "intent"]
    assert len(held) >= 200
    for lang in ("zh", "en"):
        covered = {intent for row in held if row["lang"] == lang for intent in row["intents"]}
        assert covered == set(INTENTS)
