"""Language packs: what the playbooks say in the languages that are not written inline.

Chinese and English stand in the playbooks themselves. Every other language is a folder of files in
their shape, without the level of the language; this lays them over the parsed YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "languages"
INLINE = ("en", "zh")
# What makes a folder a language that customers are answered in; examples and lexicon only help to listen.
SPOKEN = ("replies.yaml", "words.yaml", "receipts.yaml")
Data = dict[str, Any]


class BadPack(ValueError):
    """A language pack that fits no playbook, with its file and the name at fault."""


def languages_in(folder: Path = FOLDER) -> tuple[str, ...]:
    """The languages that have a whole pack, in alphabetical order."""
    packs = folder.iterdir() if folder.is_dir() else ()
    return tuple(sorted(pack.name for pack in packs if all((pack / name).exists() for name in SPOKEN)))


def read_file(name: str, folder: Path = FOLDER) -> dict[str, tuple[str, Data]]:
    """language → (text, parsed) of one file of every pack that has it; raises BadPack for broken YAML."""
    found = {}
    for lang in languages_in(folder):
        path = folder / lang / name
        if path.exists():
            text = path.read_text(encoding="utf-8")
            found[lang] = (text, _parse(f"{lang}/{name}", text))
    return found


def add_replies(playbooks: Mapping[str, Data], common: Data, lang: str, pack: Data) -> None:
    """Lay `replies.yaml` of one language over the playbooks; raises BadPack for a name that they lack."""
    _add_texts(common.setdefault("replies", {}), pack.get("common"), lang, f"{lang}/replies.yaml: common")
    for intent, replies in (pack.get("intents") or {}).items():
        place = f"{lang}/replies.yaml: {intent}"
        if intent not in playbooks:
            raise BadPack(f"{place} is no playbook")
        _add_texts(playbooks[intent].setdefault("replies", {}), replies, lang, place)
    for intent, question in (pack.get("questions") or {}).items():
        if not playbooks.get(intent, {}).get("question"):
            raise BadPack(f"{lang}/replies.yaml: {intent} asks no supplier")
        playbooks[intent]["question"][lang] = question


def add_words(words: Data, lang: str, pack: Data) -> None:
    """Lay `words.yaml` of one language over the words; raises BadPack for a name that they lack."""
    place = f"{lang}/words.yaml"
    for name, said in (pack.get("verdicts") or {}).items():
        known = words.get("verdicts", {}).get(name)
        _add_texts(known, said, lang, f"{place}: verdicts.{name}")
    for kind in ("states", "reasons", "actions", "pieces"):
        _add_texts(words.get(kind), pack.get(kind), lang, f"{place}: {kind}")
    for kind in ("months", "weekdays"):
        _add_texts({kind: words.get(kind, {})}, {kind: pack.get(kind, [])}, lang, place)
    words["match"] = _joined(words.get("match", {}), pack.get("match") or {}, f"{place}: match")


def _add_texts(known: Data | None, given: Data | None, lang: str, place: str) -> None:
    for name, text in (given or {}).items():
        if known is None or name not in known:
            raise BadPack(f"{place}.{name} is said nowhere in the playbooks")
        known[name][lang] = text


def _joined(known: Any, more: Any, place: str) -> Any:
    """Lists grow, maps are joined name by name."""
    if isinstance(known, list) and isinstance(more, list):
        return [*known, *(word for word in more if word not in known)]
    if isinstance(known, dict) and isinstance(more, dict):
        unknown = sorted(set(more) - set(known))
        if unknown:
            raise BadPack(f"{place}.{unknown[0]} is unknown")
        joined = {name: _joined(known[name], value, f"{place}.{name}") for name, value in more.items()}
        return {**known, **joined}
    raise BadPack(f"{place} has another shape than the playbooks")


def _parse(place: str, text: str) -> Data:
    try:
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe loaders both
    except yaml.YAMLError as error:
        raise BadPack(f"{place}: {error}") from error
    if not isinstance(data, dict):
        raise BadPack(f"{place}: not a mapping")
    return data
