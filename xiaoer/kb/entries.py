"""One knowledge entry, and the YAML files that hold them: `articles/<store>.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

BUILT_IN = Path(__file__).parent / "articles"


class KnowledgeRefused(Exception):
    """An article file that cannot be served; the message names file and entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    title: Mapping[str, str]  # by language
    phrasings: tuple[str, ...]  # how customers ask for it, any language
    answer: Mapping[str, str]
    owner: str = ""
    expires: date | None = None
    related: tuple[str, ...] = ()
    source: str = ""


class _EntryFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    title: Annotated[dict[str, str], Field(min_length=1)]
    phrasings: Annotated[list[str], Field(min_length=1)]
    answer: Annotated[dict[str, str], Field(min_length=1)]
    owner: str = ""
    expires: date | None = None
    related: list[str] = []


class _ArticleFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    entries: list[_EntryFile]


def load_entries(folder: Path, store_id: str) -> tuple[Entry, ...]:
    """The store's entries, none if it has no file; raises KnowledgeRefused."""
    file = folder / f"{store_id}.yaml"
    if not file.exists():
        return ()
    try:
        parsed = _ArticleFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise KnowledgeRefused(f"{file}: {error}") from error
    ids = [entry.id for entry in parsed.entries]
    for entry in parsed.entries:
        if ids.count(entry.id) > 1:
            raise KnowledgeRefused(f"{file}: the id {entry.id} stands twice")
        missing = [name for name in entry.related if name not in ids]
        if missing:
            raise KnowledgeRefused(f"{file}: {entry.id} is related to {missing[0]}, which is not here")
    return tuple(_entry(entry, file.name) for entry in parsed.entries)


def _entry(file: _EntryFile, source: str) -> Entry:
    return Entry(
        id=file.id,
        title=file.title,
        phrasings=tuple(file.phrasings),
        answer=file.answer,
        owner=file.owner,
        expires=file.expires,
        related=tuple(file.related),
        source=source,
    )
