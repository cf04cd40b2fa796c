"""How well messages are understood: `python -m benchmarks.understanding.measure`.

`heldout.jsonl` was written after the code and the examples, and nobody looks at its single errors:
its figures are the honest ones. `development.jsonl` is for looking at errors.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from xiaoer.agent.brains.understanding import Understander, load_understander
from xiaoer.domain.understanding import Understanding

HERE = Path(__file__).parent
SETS = ("heldout", "development")
_ANSWERS = {"Confirm": "yes", "Reject": "no", "SelectAny": "any"}
_BINS = ((0.0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.01))

Row = dict[str, Any]


def read_rows(name: str) -> list[Row]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def measure(understander: Understander, name: str) -> None:
    rows = read_rows(name)
    read = [(row, understander.understand(row["text"], expecting=row.get("expecting"))) for row in rows]
    print(f"\n== {name}: {len(rows)} messages")
    _print_shares("main intent by language", ((r["lang"], _main_right(r, u)) for r, u in _of(read, "intent")))
    _print_shares("main intent", (("all", _main_right(r, u)) for r, u in _of(read, "intent")))
    _print_shares(
        "both needs among the first two", (("all", _both_heard(r, u)) for r, u in _of(read, "needs"))
    )
    _print_shares("slots exact", (("all", u.slots.as_dict() == r["slots"]) for r, u in _of(read, "slots")))
    _print_shares(
        "sentiment", ((r["sentiment"], u.sentiment == r["sentiment"]) for r, u in _of(read, "mood"))
    )
    _print_shares("language", (("all", u.lang == r["lang"]) for r, u in _of(read, "language")))
    _print_intents(list(_of(read, "intent")))


def _of(read: list[tuple[Row, Understanding]], kind: str) -> Iterator[tuple[Row, Understanding]]:
    return ((row, meaning) for row, meaning in read if row["set"] == kind)


def _wanted(row: Row) -> str | None:
    return row["intents"][0] if row["intents"] else None


def _main_right(row: Row, meaning: Understanding) -> bool:
    return meaning.main == _wanted(row)


def _both_heard(row: Row, meaning: Understanding) -> bool:
    return set(row["intents"]) <= {score.id for score in meaning.intents[:2]}


def _print_shares(title: str, results: Iterable[tuple[str, bool]]) -> None:
    groups: dict[str, list[bool]] = defaultdict(list)
    for group, right in results:
        groups[group].append(right)
    for group, rights in groups.items():
        print(f"{title:32} {group:10} {sum(rights) / len(rights):6.3f}  of {len(rights)}")


def _print_intents(read: list[tuple[Row, Understanding]]) -> None:
    """Scores per intent below 1, the worst confusions, and how far confidences can be believed."""
    rights: dict[str, list[bool]] = defaultdict(list)
    confused: Counter[tuple[str, str]] = Counter()
    sure: dict[tuple[float, float], list[bool]] = defaultdict(list)
    for row, meaning in read:
        right = _main_right(row, meaning)
        rights[_wanted(row) or "(answer)"].append(right)
        if not right:
            confused[(_wanted(row) or "(answer)", meaning.main or "(not sure)")] += 1
        if meaning.intents:
            top = meaning.intents[0].confidence
            sure[next(span for span in _BINS if span[0] <= top < span[1])].append(right)
    weak = sorted((sum(r) / len(r), intent) for intent, r in rights.items() if not all(r))
    print("weakest:", ", ".join(f"{intent} {share:.2f}" for share, intent in weak[:8]) or "none")
    print("confused:", ", ".join(f"{a} → {b} ×{n}" for (a, b), n in confused.most_common(6)) or "none")
    for span in _BINS:
        if sure[span]:
            share = sum(sure[span]) / len(sure[span])
            print(
                f"confidence {span[0]:.2f} to {min(span[1], 1):.2f}: right {share:.2f} of {len(sure[span])}"
            )


def measure_answers(understander: Understander, shared: Path) -> None:
    """Yes, no and "any" over the public dialog set (microsoft/botframework-solutions, MIT)."""
    path = shared / "messages" / "dialog_control_6_languages.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    print(f"\n== yes and no: {len(rows)} public messages in six languages")
    said = [(row, understander.understand(row["text"]).yes_no) for row in rows]
    for label, verdict in _ANSWERS.items():
        _print_shares(
            f"{label} heard as {verdict}", ((r["lang"], v == verdict) for r, v in said if r["label"] == label)
        )
    other = [v for r, v in said if r["label"] not in _ANSWERS]
    print(f"other messages heard as an answer {sum(v is not None for v in other)} of {len(other)}")


def measure_speed(understander: Understander) -> None:
    texts = [row["text"] for name in SETS for row in read_rows(name)]
    spent = []
    for text in texts * 3:
        start = time.process_time()
        understander.understand(text)
        spent.append((time.process_time() - start) * 1000)
    spent.sort()
    print(f"\nCPU ms a message: p50 {spent[len(spent) // 2]:.2f}, p95 {spent[int(len(spent) * 0.95)]:.2f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        load_understander(Path(folder))
        trained = time.perf_counter()
        understander = load_understander(Path(folder))
        print(f"training {trained - start:.1f} s, loading {time.perf_counter() - trained:.2f} s")
    for name in SETS:
        measure(understander, name)
    if shared := os.environ.get("XIAOER_SHARED_DATA"):
        measure_answers(understander, Path(shared))
    else:
        print("\nyes and no: set XIAOER_SHARED_DATA to measure over the public set", file=sys.stderr)
    measure_speed(understander)


if __name__ == "__main__":
    main()
