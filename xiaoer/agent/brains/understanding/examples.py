"""The examples that the classifier learns from: Chinese and English beside the playbooks, one file an
intent; every other language in its pack, one file with all intents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from xiaoer.agent.brains.understanding.words import PACKS_DIR, pack_files, read_words, read_yaml
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


def load_examples(folder: Path = EXAMPLES_DIR, packs: Path = PACKS_DIR) -> tuple[Example, ...]:
    """All examples in a fixed order; raises ExamplesInvalid with the file's name."""
    own = [example for path in sorted(folder.glob("*.yaml")) for example in _read_intent(path)]
    theirs = [example for path in pack_files("examples", packs) for example in _read_pack(path)]
    return (*own, *theirs, *(long for path in _message_files(folder, packs) for long in _read_messages(path)))


def load_phrases() -> tuple[Example, ...]:
    """Turns of phrase by language and need: short examples, kept apart because nobody writes so little."""
    tables = [read_words(path.stem) for path in sorted(Path(__file__).parent.glob("phrases*.yaml"))]
    return tuple(
        Example(str(text), label, lang)
        for table in tables
        for lang, needs in table.items()
        for label, texts in needs.items()
        for text in texts
    )


def _read_intent(path: Path) -> Iterator[Example]:
    for lang, texts in _table(path).items():
        yield from _examples(path, path.stem, str(lang), texts)


def _read_pack(path: Path) -> Iterator[Example]:
    for label, texts in _table(path).items():
        yield from _examples(path, str(label), path.parent.name, texts)


def _message_files(folder: Path, packs: Path) -> list[Path]:
    """Long messages with several needs: `messages/<language>.yaml`, or `messages.yaml` of a pack."""
    return [*sorted((folder / "messages").glob("*.yaml")), *pack_files("messages", packs)]


def _read_messages(path: Path) -> Iterator[Example]:
    """One example a message, of its main need; the further ones stand beside it for other uses."""
    lang = path.stem if path.parent.name == "messages" else path.parent.name
    for item in read_yaml(path):
        yield from _examples(path, item["i"][0], lang, [item["t"]])


def _table(path: Path) -> dict[object, list[object]]:
    try:
        found = read_yaml(path)
    except yaml.YAMLError as error:
        raise ExamplesInvalid(f"{_name(path)}: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(texts, list) for texts in found.values()):
        raise ExamplesInvalid(f"{_name(path)}: wants lists of texts by name")
    return found


def _examples(path: Path, label: str, lang: str, texts: Iterable[object]) -> Iterator[Example]:
    if label not in LABELS:
        raise ExamplesInvalid(f"{_name(path)}: {label} is not an intent")
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise ExamplesInvalid(f"{_name(path)}: {lang} holds {text!r}, which is not a text (quote it)")
        yield Example(text, label, lang)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def examples_digest(folder: Path = EXAMPLES_DIR, packs: Path = PACKS_DIR) -> str:
    """Changes with every byte of every file, lexicons of the packs included."""
    digest = hashlib.sha256()
    files = [*sorted(folder.glob("*.yaml")), *pack_files("examples", packs), *pack_files("lexicon", packs)]
    files += _message_files(folder, packs)
    for path in files:
        digest.update(_name(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
