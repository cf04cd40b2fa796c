"""Measured messages, taught messages, and how alike two messages are."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from xiaoer.agent.brains.understanding.features import normalise

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks" / "understanding"
PROMPTS = ROOT / "xiaoer" / "prompts"
FRESH = BENCHMARKS / "fresh"
ALIKE = 0.7  # of the character trigrams shared: the same sentence with a word changed

Row = dict[str, Any]


def measured_rows(name: str) -> list[Row]:
    """The rows of one file, named as under `benchmarks/understanding` and without its ending."""
    lines = (BENCHMARKS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def fresh_names() -> list[str]:
    return [f"fresh/{path.stem}" for path in sorted(FRESH.glob("*.jsonl"))]


def taught_files() -> list[Path]:
    packs = [*PROMPTS.glob("languages/*/examples.yaml"), *PROMPTS.glob("languages/*/messages.yaml")]
    own = [*PROMPTS.glob("playbooks/examples/*.yaml"), *PROMPTS.glob("playbooks/examples/messages/*.yaml")]
    phrases = (ROOT / "xiaoer/agent/brains/understanding").glob("phrases*.yaml")
    return sorted([*own, *packs, *phrases])


def taught_texts() -> list[str]:
    """Every text of every file of examples, read past the loader: whatever it skips counts too."""
    return [
        text for path in taught_files() for text in _texts(yaml.safe_load(path.read_text(encoding="utf-8")))
    ]


def _texts(found: object) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict | list):
        for inner in found.values() if isinstance(found, dict) else found:
            yield from _texts(inner)


def trigrams(text: str) -> frozenset[str]:
    bare = "".join(char for char in normalise(text) if char.isalnum())
    return frozenset(bare[i : i + 3] for i in range(max(1, len(bare) - 2)))


class Likeness:
    """Finds which of many texts are nearly the same as one: Jaccard of trigrams, `ALIKE` or more."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = list(texts)
        self._trigrams = [trigrams(text) for text in self._texts]
        self._holders: dict[str, list[int]] = defaultdict(list)
        for place, parts in enumerate(self._trigrams):
            for part in parts:
                self._holders[part].append(place)

    def like(self, text: str) -> list[str]:
        mine = trigrams(text)
        shared = Counter(place for part in mine for place in self._holders.get(part, ()))
        return [
            self._texts[place]
            for place, count in shared.items()
            if count / len(mine | self._trigrams[place]) >= ALIKE
        ]
