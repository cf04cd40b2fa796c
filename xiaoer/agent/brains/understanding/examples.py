"""The examples that the classifier learns from: one YAML file an intent, phrasings by language."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import yaml

from xiaoer.domain.understanding import INTENTS

EXAMPLES_DIR = Path(__file__).parents[3] / "prompts" / "playbooks" / "examples"
# Not an intent: messages that only answer a question ("尾号7752", "the blue one", "好的").
ANSWER = "answer"
LABELS: tuple[str, ...] = (*INTENTS, ANSWER)


class ExamplesInvalid(ValueError):
    """A file of examples has an unknown name, or is not a list of texts by language."""


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    label: str
    lang: str


def load_examples(folder: Path = EXAMPLES_DIR) -> tuple[Example, ...]:
    """All examples in a fixed order; raises ExamplesInvalid with the file's name."""
    return tuple(example for path in sorted(folder.glob("*.yaml")) for example in _read(path))


def _read(path: Path) -> list[Example]:
    if path.stem not in LABELS:
        raise ExamplesInvalid(f"{path.name}: not an intent")
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ExamplesInvalid(f"{path.name}: wants texts by language")
    return [_example(path, lang, text) for lang, texts in found.items() for text in texts]


def _example(path: Path, lang: str, text: object) -> Example:
    if not isinstance(text, str) or not text.strip():
        raise ExamplesInvalid(f"{path.name}: {lang} holds {text!r}, which is not a text (quote it)")
    return Example(text, path.stem, lang)


def examples_digest(folder: Path = EXAMPLES_DIR) -> str:
    """Changes with every byte of every file."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.yaml")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
