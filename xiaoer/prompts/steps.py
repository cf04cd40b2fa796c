"""What customers are told when a matter goes on by itself, in every language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml

from xiaoer.domain.understanding import LANGUAGES

FILE = Path(__file__).parent / "steps.yaml"
NAMES = (
    *("return_received", "exchange_received", "parcel_stopped", "parcel_not_stopped"),
    *("parcel_redirected", "parcel_back", "step_refused"),
)
_ORDER = "{order}"


class BadSteps(ValueError):
    """steps.yaml is not usable; the message says where."""


@lru_cache(maxsize=1)
def load_steps() -> Mapping[str, Mapping[str, str]]:
    """The sentences by name and language; raises BadSteps with every flaw."""
    return read_steps(FILE)


def read_steps(path: Path) -> Mapping[str, Mapping[str, str]]:
    told: dict[str, dict[str, str]] = yaml.safe_load(path.read_text("utf-8"))
    flaws = [f"{name} is missing" for name in NAMES if name not in told]
    flaws += [f"{name} is said nowhere" for name in told if name not in NAMES]
    for name, texts in told.items():
        flaws += [f"{name} lacks {lang}" for lang in LANGUAGES if lang not in texts]
        for lang, text in texts.items():
            if text.count(_ORDER) != 1 or text.count("{") != 1:
                flaws.append(f"{name} ({lang}) holds other blanks than {_ORDER}")
    if flaws:
        raise BadSteps("\n".join(f"{path.name}: {flaw}" for flaw in flaws))
    return told


def say_step(name: str, language: str, order_no: str) -> str:
    """One sentence in the customer's language, else in its base language, else in English."""
    texts = load_steps()[name]
    for candidate in (language, language.split("-")[0], "en"):
        if candidate in texts:
            return texts[candidate].replace(_ORDER, order_no)
    raise KeyError(name)
