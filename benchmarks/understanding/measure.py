"""How well messages are understood: `python -m benchmarks understanding`.

`fresh/` was written by somebody who knew neither the code nor the examples: its figures are the
honest ones, and nobody looks at its single messages. `heldout` was that once and has been seen
since; `development` is for looking at errors.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.understanding import figures
from benchmarks.understanding.figures import Read, read_rows, understand_rows
from xiaoer.agent.brains.understanding import Understander, load_understander

SETS = {"fresh": "never seen", "heldout": "seen", "development": "looked at"}
_ANSWERS = {"Confirm": "yes", "Reject": "no", "SelectAny": "any"}
_AFTER_SALES = frozenset(
    {
        "return_item",
        "exchange_item",
        "refund_request",
        "refund_status",
        "return_policy",
        "damaged_or_wrong_item",
    }
)
# A label of theirs → the intents that it may be called here.
_SHOP_LABELS: dict[str, frozenset[str]] = {
    "ORDER_STATUS": frozenset({"track_parcel", "when_ship", "delivery_overdue"}),
    "DELAY_IN_PARCEL": frozenset({"delivery_overdue", "when_ship"}),
    "DELAY_IN_DELIVERY": frozenset({"delivery_overdue", "when_ship"}),
    "CHAT_WITH_AGENT": frozenset({"human_agent"}),
    "CALL_CENTER": frozenset({"human_agent"}),
    "CANCEL_ORDER": frozenset({"cancel_order"}),
    "MODIFY_ADDRESS": frozenset({"change_address"}),
    "REFUNDS_RETURNS_REPLACEMENTS": _AFTER_SALES,
    "RETURN_EXCHANGE": _AFTER_SALES,
    "OFFERS": frozenset({"price_promotion"}),
    "PAYMENT_AND_BILL": frozenset({"payment_issue", "invoice_request"}),
    "MODES_OF_PAYMENTS": frozenset({"payment_issue"}),
    "INTERNATIONAL_SHIPPING": frozenset({"shipping_policy"}),
}
_WORST = 12  # of the most frequent confusions


def measure(understander: Understander, name: str) -> None:
    read = understand_rows(understander, read_rows(name))
    if not read:
        return
    print(f"\n== {name} ({SETS[name]}): {len(read)} messages")
    _print_table(read)
    _print_slots(read)
    _print_confidence(read)
    _print_intents(read)


def _print_table(read: Sequence[Read]) -> None:
    columns = {
        "main intent": figures.main_intent(read),
        "both needs": figures.both_needs(read),
        "mood": figures.moods(read),
        "angry": figures.angry_heard(read),
        "language": figures.told_languages(read),
    }
    tables = {title: figures.shares(results) for title, results in columns.items() if results}
    groups = list(dict.fromkeys(group for table in tables.values() for group in table))
    print(f"{'':10}" + "".join(f"{title:>18}" for title in tables))
    for group in (*groups, "all"):
        cells = [_cell(table, group) for table in tables.values()]
        print(f"{group:10}" + "".join(f"{cell:>18}" for cell in cells))


def _cell(table: dict[str, figures.Share], group: str) -> str:
    rows = list(table.values()) if group == "all" else [table[group]] if group in table else []
    right, of = sum(r for r, _ in rows), sum(n for _, n in rows)
    return f"{right / of:.3f} of {of}" if of else "–"


def _print_slots(read: Sequence[Read]) -> None:
    scores = figures.slot_scores(read)
    if scores["all"][1]:
        print("slots F1:", ", ".join(f"{kind} {f1:.3f} of {n}" for kind, (f1, n) in scores.items() if n))


def _print_confidence(read: Sequence[Read]) -> None:
    bins = figures.reliability(read)
    if not bins:
        return
    print(f"calibration error: {figures.calibration_error(bins):.3f}", end="")
    for lang in dict.fromkeys(r.lang for r in read if "intents" in r.row):
        own = figures.reliability([r for r in read if r.lang == lang])
        print(f", {lang} {figures.calibration_error(own):.3f}", end="")
    print("\nconfidence, right:", ", ".join(f"{b.sure:.2f} {b.right:.2f} ({b.count})" for b in bins))


def _print_intents(read: Sequence[Read]) -> None:
    scores = figures.shares(figures.by_intent(read))
    weak = sorted((right / of, intent) for intent, (right, of) in scores.items())
    print("by intent:", ", ".join(f"{intent} {share:.2f}" for share, intent in weak))
    pairs = figures.confusions(read).most_common(_WORST)
    print("confused:", ", ".join(f"{wanted} → {heard} ×{n}" for (wanted, heard), n in pairs) or "none")


def measure_answers(understander: Understander, shared: Path) -> None:
    """Yes, no, "any" and "a person, please" over the public dialog set (microsoft/botframework-solutions, MIT)."""
    path = shared / "messages" / "dialog_control_6_languages.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    print(f"\n== yes and no: {len(rows)} public messages in six languages")
    said = [(row, understander.understand(row["text"])) for row in rows]
    for label, verdict in _ANSWERS.items():
        _print_shares(
            f"{label} heard as {verdict}",
            ((r["lang"], m.yes_no == verdict) for r, m in said if r["label"] == label),
        )
    _print_shares(
        "Escalate heard as human_agent",
        ((r["lang"], m.has("human_agent")) for r, m in said if r["label"] == "Escalate"),
    )
    other = [m.yes_no for r, m in said if r["label"] not in _ANSWERS]
    print(f"other messages heard as an answer {sum(v is not None for v in other)} of {len(other)}")


def measure_shops(understander: Understander, shared: Path) -> None:
    """Questions to two other shops' bots (hellohaptik/HINT3, ODbL), where their labels have a word with us."""
    path = shared / "messages" / "shop_bot_en_train.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ours = [row for row in rows if row["label"] in _SHOP_LABELS]
    print(f"\n== other shops: {len(ours)} of {len(rows)} public English questions have a label like ours")
    _print_shares(
        "main intent",
        ((r["label"], understander.understand(r["text"]).main in _SHOP_LABELS[r["label"]]) for r in ours),
    )


def _print_shares(title: str, results: Iterable[tuple[str, bool]]) -> None:
    table = figures.shares(results)
    print(f"{title:32}", "  ".join(f"{group} {_cell(table, group)}" for group in table))


def measure_speed(understander: Understander) -> None:
    texts = [row["text"] for name in SETS for row in read_rows(name)]
    spent = []
    for text in texts * 3:
        start = time.process_time()
        understander.understand(text)
        spent.append((time.process_time() - start) * 1000)
    spent.sort()
    print(f"\nCPU ms a message: p50 {spent[len(spent) // 2]:.2f}, p95 {spent[int(len(spent) * 0.95)]:.2f}")


def _timed_load() -> Understander:
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        load_understander(Path(folder))
        trained = time.process_time()
        understander = load_understander(Path(folder))
        loaded = time.process_time()
    print(f"training {trained - start:.1f} s, loading {loaded - trained:.2f} s (CPU)")
    return understander


def main() -> None:
    understander = _timed_load()
    for name in SETS:
        measure(understander, name)
    if shared := os.environ.get("XIAOER_SHARED_DATA"):
        measure_answers(understander, Path(shared))
        measure_shops(understander, Path(shared))
    else:
        print("\npublic messages: set XIAOER_SHARED_DATA to measure over them", file=sys.stderr)
    measure_speed(understander)


if __name__ == "__main__":
    main()
