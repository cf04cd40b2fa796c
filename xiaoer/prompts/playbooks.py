"""Reads the playbooks once: parsed, checked, with a hash of everything that was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from xiaoer.domain.canonical import sha256_hex
from xiaoer.prompts import languages
from xiaoer.prompts.schema import Common, Playbook, Reply, Words

FOLDER = Path(__file__).parent / "playbooks"
T = TypeVar("T", bound=BaseModel)


class BadPlaybook(ValueError):
    """A playbook that cannot be used, with its file and every reason."""


@dataclass(frozen=True, slots=True)
class Playbooks:
    """`intents` by id; `common` replies by name; `languages` that all of it is said in.

    `version` changes with any byte of the files.
    """

    intents: Mapping[str, Playbook]
    common: Mapping[str, Reply]
    words: Words
    version: str
    languages: tuple[str, ...] = languages.INLINE

    def reply(self, playbook: Playbook | None, key: str) -> Reply:
        """A reply of the playbook, else the common one of that name; raises KeyError."""
        if playbook is not None and key in playbook.replies:
            return playbook.replies[key]
        return self.common[key]


def read_playbooks(folder: Path = FOLDER) -> Playbooks:
    """Parse a folder of playbooks, and over it the language packs in the folder beside it.

    Raises BadPlaybook for the first file that does not fit the schema or the playbooks.
    """
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))}
    texts = {"_common.yaml": "", "_words.yaml": "", **texts}
    parsed = {name: _load(name, text) for name, text in texts.items()}
    packs = folder.parent / "languages"
    texts |= _lay_over(parsed, packs)
    intents = {}
    for name, data in parsed.items():
        if name.startswith("_"):
            continue
        playbook = _check(Playbook, name, data)
        if f"{playbook.intent}.yaml" != name:
            raise BadPlaybook(f"{name}: holds the intent {playbook.intent}")
        intents[playbook.intent] = playbook
    return Playbooks(
        intents=intents,
        common=_check(Common, "_common.yaml", parsed["_common.yaml"]).replies,
        words=_check(Words, "_words.yaml", parsed["_words.yaml"]),
        version=sha256_hex("\x1e".join(f"{name}\x1f{text}" for name, text in texts.items()))[:12],
        languages=(*languages.INLINE, *languages.languages_in(packs)),
    )


def _lay_over(parsed: dict[str, Any], packs: Path) -> dict[str, str]:
    """The packs' texts by file, once they are laid over what was parsed."""
    intents = {name.removesuffix(".yaml"): data for name, data in parsed.items() if not name.startswith("_")}
    texts = {}
    try:
        for lang, (text, pack) in languages.read_file("replies.yaml", packs).items():
            languages.add_replies(intents, parsed["_common.yaml"], lang, pack)
            texts[f"{lang}/replies.yaml"] = text
        for lang, (text, pack) in languages.read_file("words.yaml", packs).items():
            languages.add_words(parsed["_words.yaml"], lang, pack)
            texts[f"{lang}/words.yaml"] = text
    except languages.BadPack as error:
        raise BadPlaybook(str(error)) from error
    return texts


@lru_cache(maxsize=1)
def load_playbooks() -> Playbooks:
    """The project's own playbooks, linted; raises BadPlaybook with every flaw."""
    from xiaoer.prompts.lint import lint  # the linter reads what this module defines

    playbooks = read_playbooks()
    if flaws := lint(playbooks):
        raise BadPlaybook("\n".join(flaws))
    return playbooks


def _load(name: str, text: str) -> dict[str, Any]:
    try:
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe loaders both
    except yaml.YAMLError as error:
        raise BadPlaybook(f"{name}: {error}") from error
    if not isinstance(data or {}, dict):
        raise BadPlaybook(f"{name}: not a mapping")
    return data or {}


def _check(model: type[T], name: str, data: Any) -> T:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadPlaybook(f"{name}: {reasons}") from error
