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
from xiaoer.prompts.schema import Common, Playbook, Reply, Words

FOLDER = Path(__file__).parent / "playbooks"
T = TypeVar("T", bound=BaseModel)


class BadPlaybook(ValueError):
    """A playbook that cannot be used, with its file and every reason."""


@dataclass(frozen=True, slots=True)
class Playbooks:
    """`intents` by id; `common` replies by name; `version` changes with any byte of the files."""

    intents: Mapping[str, Playbook]
    common: Mapping[str, Reply]
    words: Words
    version: str

    def reply(self, playbook: Playbook | None, key: str) -> Reply:
        """A reply of the playbook, else the common one of that name; raises KeyError."""
        if playbook is not None and key in playbook.replies:
            return playbook.replies[key]
        return self.common[key]


def read_playbooks(folder: Path = FOLDER) -> Playbooks:
    """Parse a folder of playbooks; raises BadPlaybook for the first file that does not fit the schema."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))}
    intents = {}
    for name, text in texts.items():
        if name.startswith("_"):
            continue
        playbook = _parse(Playbook, name, text)
        if f"{playbook.intent}.yaml" != name:
            raise BadPlaybook(f"{name}: holds the intent {playbook.intent}")
        intents[playbook.intent] = playbook
    return Playbooks(
        intents=intents,
        common=_parse(Common, "_common.yaml", texts.get("_common.yaml", "")).replies,
        words=_parse(Words, "_words.yaml", texts.get("_words.yaml", "")),
        version=sha256_hex("\x1e".join(f"{name}\x1f{text}" for name, text in texts.items()))[:12],
    )


@lru_cache(maxsize=1)
def load_playbooks() -> Playbooks:
    """The project's own playbooks, linted; raises BadPlaybook with every flaw."""
    from xiaoer.prompts.lint import lint  # the linter reads what this module defines

    playbooks = read_playbooks()
    if flaws := lint(playbooks):
        raise BadPlaybook("\n".join(flaws))
    return playbooks


def _parse(model: type[T], name: str, text: str) -> T:
    try:
        data: Any = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe loaders both
        return model.model_validate(data)
    except yaml.YAMLError as error:
        raise BadPlaybook(f"{name}: {error}") from error
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadPlaybook(f"{name}: {reasons}") from error
