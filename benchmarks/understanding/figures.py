"""Rows of measured messages, and the figures that are drawn from them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xiaoer.agent.brains.understanding import Understander
from xiaoer.domain.understanding import Understanding

HERE = Path(__file__).parent
KINDS = ("order_no", "tracking_no", "phone_tail", "email", "carrier")
NOTHING = "(none)"
# In the other sets "zh" is said of both ways to write Chinese.
_TOLD = frozenset({"fresh", "language"})
_BINS = 10

Row = dict[str, Any]
Share = tuple[int, int]  # right, of how many


@dataclass(frozen=True, slots=True)
class Read:
    """A message as it was labelled, and as it was understood."""

    row: Row
    meaning: Understanding

    @property
    def lang(self) -> str:
        return str(self.row.get("lang") or "-")

    @property
    def wanted(self) -> str:
        return self.row["intents"][0] if self.row["intents"] else NOTHING

    @property
    def heard(self) -> str:
        return self.meaning.main or NOTHING

    @property
    def right(self) -> bool:
        return self.wanted == self.heard


def read_rows(name: str) -> list[Row]:
    """The rows of `<name>.jsonl`; of all files for "fresh", which is a folder, one file a language."""
    folder = HERE / name
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else [HERE / f"{name}.jsonl"]
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def understand_rows(understander: Understander, rows: Iterable[Row]) -> list[Read]:
    return [Read(row, understander.understand(row["text"], expecting=row.get("expecting"))) for row in rows]


def shares(results: Iterable[tuple[str, bool]]) -> dict[str, Share]:
    """Right and all, by group, in the order of their first row."""
    table: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for group, right in results:
        table[group][0] += right
        table[group][1] += 1
    return {group: (right, of) for group, (right, of) in table.items()}


def main_intent(read: Sequence[Read]) -> list[tuple[str, bool]]:
    return [(r.lang, r.right) for r in read if "intents" in r.row]


def by_intent(read: Sequence[Read]) -> list[tuple[str, bool]]:
    return [(r.wanted, r.right) for r in read if "intents" in r.row]


def both_needs(read: Sequence[Read]) -> list[tuple[str, bool]]:
    """Whether the first two needs of a message are the first two that were heard."""
    several = [r for r in read if len(r.row.get("intents", ())) >= 2]
    return [
        (r.lang, set(r.row["intents"][:2]) <= {score.id for score in r.meaning.intents[:2]}) for r in several
    ]


def moods(read: Sequence[Read]) -> list[tuple[str, bool]]:
    return [(r.lang, r.meaning.sentiment == r.row["sentiment"]) for r in read if r.row.get("sentiment")]


def angry_heard(read: Sequence[Read]) -> list[tuple[str, bool]]:
    return [(r.lang, r.meaning.sentiment == "angry") for r in read if r.row.get("sentiment") == "angry"]


def told_languages(read: Sequence[Read]) -> list[tuple[str, bool]]:
    """Only messages long enough to tell: three words, or six characters of a script without spaces."""
    return [
        (r.lang, r.meaning.lang == r.lang) for r in read if r.row["set"] in _TOLD and _tells(r.row["text"])
    ]


def _tells(text: str) -> bool:
    unspaced = sum("\u3040" <= char <= "\ud7af" for char in text)
    words = [word for word in text.split() if any(char.isalpha() for char in word)]
    return unspaced >= 6 or (unspaced == 0 and len(words) >= 3)


def slot_scores(read: Sequence[Read]) -> dict[str, tuple[float, int]]:
    """F1 and the number of labelled values, by kind; a value counts where it stands, once."""
    hits: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for r in read:
        if "slots" not in r.row:
            continue
        meaning = r.meaning.slots.as_dict()
        for kind in KINDS:
            wanted, heard = set(r.row["slots"].get(kind, ())), set(meaning.get(kind, ()))
            hits[kind] += len(wanted & heard)
            labelled[kind] += len(wanted)
            found[kind] += len(heard)
    for counter in (hits, labelled, found):
        counter["all"] = sum(counter[kind] for kind in KINDS)
    return {
        kind: (2 * hits[kind] / max(1, labelled[kind] + found[kind]), labelled[kind])
        for kind in (*KINDS, "all")
    }


@dataclass(frozen=True, slots=True)
class Bin:
    """Messages of like confidence: how sure, how often right, how many."""

    sure: float
    right: float
    count: int


def reliability(read: Sequence[Read]) -> list[Bin]:
    """Ten bins of the main need's confidence; messages without a need are in none."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for r in read:
        if "intents" in r.row and r.meaning.intents:
            sure = r.meaning.intents[0].confidence
            bins[min(_BINS - 1, int(sure * _BINS))].append((sure, r.right))
    return [
        Bin(sum(s for s, _ in rows) / len(rows), sum(right for _, right in rows) / len(rows), len(rows))
        for _, rows in sorted(bins.items())
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: the mean gap between confidence and truth, weighted by messages."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.sure - one.right) for one in bins) / max(1, total)


def confusions(read: Sequence[Read]) -> Counter[tuple[str, str]]:
    return Counter((r.wanted, r.heard) for r in read if "intents" in r.row and not r.right)
