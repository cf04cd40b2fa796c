"""Word lists kept as data: this room's own tables, and what every language pack adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKS_DIR = Path(__file__).parents[3] / "prompts" / "languages"
# The C parser reads ten languages in a tenth of the time; it is not in every build of the package.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Table = dict[str, list[object]]


def read_yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - one of the two safe loaders


@cache
def read_words(name: str) -> dict[str, Any]:
    """The table in `<name>.yaml` of this room."""
    table: dict[str, Any] = read_yaml(Path(__file__).with_name(f"{name}.yaml"))
    return table


def pack_files(name: str, folder: Path = PACKS_DIR) -> list[Path]:
    """`<name>.yaml` of every language pack that has one, in a fixed order."""
    return sorted(folder.glob(f"*/{name}.yaml"))


@cache
def pack_lexicons() -> tuple[dict[str, Any], ...]:
    """The lexicon of every language pack."""
    return tuple(read_yaml(path) or {} for path in pack_files("lexicon"))


def merged(own: Mapping[str, list[object]], section: str) -> Table:
    """This room's lists and those of all packs by the same name; a name only packs know counts too.

    `section` is a path within a lexicon: "concepts", "mood.risks".
    """
    table: Table = {name: list(entries) for name, entries in own.items()}
    for lexicon in pack_lexicons():
        part: Any = lexicon
        for step in section.split("."):
            part = (part or {}).get(step)
        for name, entries in (part or {}).items():
            table.setdefault(name, []).extend(entries or ())
    return table
