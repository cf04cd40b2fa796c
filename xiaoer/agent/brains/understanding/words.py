"""Word lists kept as data beside the code, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def read_words(name: str) -> dict[str, Any]:
    """The table in `<name>.yaml` of this room."""
    path = Path(__file__).with_name(f"{name}.yaml")
    table: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return table
