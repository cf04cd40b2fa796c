"""All of it: `python -m faults` plays the matrix, the crashes, the hostile model and the attacks, and shows a table.

Four parts run beside each other in processes of their own, two at a time; each invariant is checked after each
case. Ends with 1 when anything is broken, a registered crash point never fired, or a row was forgotten.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faults.matrix import NOT_HERE, ROWS, Outcome

ROOT = Path(__file__).parents[2]
SEQUENCES = 3_000
MODEL_ROW, CRASH_ROW = 11, 1


def part_matrix(out: Path, options: argparse.Namespace) -> int:
    from faults.matrix import all_cases, play_all

    outcomes = asyncio.run(play_all(all_cases(), tell=lambda line: print(line, flush=True)))
    return _written(out, outcomes)


def part_crashes(out: Path, options: argparse.Namespace) -> int:
    """Rows 1, 2 and 3: real processes, real signals. Forks first, so that no thread is alive."""
    from faults import crashes
    from faults.zombies import all_zombies

    found = crashes.run_all(processes=1)
    outcomes = [
        Outcome(
            CRASH_ROW,
            f"{one.point} on the road: {one.road}",
            "exit −9",
            one.effects,
            one.problems,
            one.seconds,
        )
        for one in found
    ]
    wrong = tuple(one for one in crashes.verdict(found) if "never fired" in one)
    fired = sum(one.fired for one in found)
    done = f"{fired} × exit −9 at {len({one.point for one in found if one.fired})} points"
    outcomes.append(Outcome(CRASH_ROW, "every registered point has fired", done, 0, wrong))
    print(crashes.table(found), flush=True)
    outcomes += all_zombies(seed=options.seed)
    return _written(out, outcomes)


def part_hostile(out: Path, options: argparse.Namespace) -> int:
    from faults.hostile import attack

    begun, problems = time.monotonic(), ()
    counts: Any = {}
    try:
        counts = attack(options.sequences // 2, options.seed + options.lane)
    except Exception as error:  # noqa: BLE001 - whatever the machine finds is the finding
        notes = "\n".join(getattr(error, "__notes__", ()))
        problems = (f"{type(error).__name__}: {error} {notes}"[:3_000],)
    done = ", ".join(f"{count} {name}" for name, count in counts.items())
    name = f"hostile model, seed {options.seed + options.lane}"
    return _written(
        out, [Outcome(MODEL_ROW, name, done, counts.get("effects", 0), problems, time.monotonic() - begun)]
    )


def part_attacks(out: Path, options: argparse.Namespace) -> int:
    from faults.attacks import attack_all, shared_data

    outcomes = []
    for found in asyncio.run(attack_all(0, 1, options.quick)):
        done = f"{found.tries} tries, {len(found.leaks)} leaks, {len(found.alarms)} false alarms"
        problems = (
            () if found.ok else tuple([*found.leaks, *found.alarms][:20]) or (f"{found.effects} effects",)
        )
        outcomes.append(Outcome(MODEL_ROW, found.what, done, found.effects, problems, found.seconds))
    if shared_data() is None:
        print("XIAOER_SHARED_DATA is not set: the published attack strings were not tried", flush=True)
    return _written(out, outcomes)


PARTS = {"crashes": part_crashes, "matrix": part_matrix, "hostile": part_hostile, "attacks": part_attacks}
# The longest first; two run at any time.
LANES = (("hostile", 0), ("crashes", 0), ("hostile", 1), ("attacks", 0), ("matrix", 0))


def _written(out: Path, outcomes: list[Outcome]) -> int:
    out.write_text(json.dumps([asdict(one) for one in outcomes]))
    for one in outcomes:
        print(one.line, flush=True)
        for problem in one.problems:
            print(f"       {problem[:600]}", flush=True)
    return 0


def run_part(part: str, lane: int, folder: Path, options: argparse.Namespace) -> list[Outcome]:
    """One part in a process of its own; what it found, or that it could not be played."""
    out, log = folder / f"{part}-{lane}.json", folder / f"{part}-{lane}.log"
    given = ["--part", part, "--lane", str(lane), "--out", str(out), "--seed", str(options.seed)]
    given += [
        "--sequences",
        str(options.sequences),
        *(["--quick", str(options.quick)] if options.quick else []),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}",
        "LANGGRAPH_STRICT_MSGPACK": "true",
        "OMP_NUM_THREADS": "1",
    }
    with log.open("w") as said:
        done = subprocess.run(
            [sys.executable, "-m", "faults", *given], env=environment, stdout=said, stderr=said
        )
    if done.returncode or not out.exists():
        return [Outcome(0, f"{part} could not be played", "", 0, (log.read_text()[-1_500:],))]
    return [Outcome(**{**one, "problems": tuple(one["problems"])}) for one in json.loads(out.read_text())]


def table(outcomes: list[Outcome]) -> str:
    rows: dict[int, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        rows[one.row].append(one)
    lines = ["", f"{'row':>3}  {'fault':52} {'cases':>5} {'effects':>7}  invariants", "─" * 90]
    for row, name in ROWS.items():
        mine = rows.get(row, [])
        bad = sum(bool(one.problems) for one in mine)
        verdict = "I1–I8 hold" if mine and not bad else f"BROKEN in {bad}" if mine else "NOT PLAYED"
        lines.append(f"{row:>3}  {name:52} {len(mine):>5} {sum(o.effects for o in mine):>7}  {verdict}")
    lines += [f"     not here, row {row}: {why}" for row, why in NOT_HERE.items()]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults")
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--lane", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--sequences", type=int, default=SEQUENCES)
    parser.add_argument("--quick", type=int, help="only so many attack strings of each kind")
    options = parser.parse_args()
    if options.part:
        return PARTS[options.part](options.out, options)
    begun, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="xiaoer-faults-"))
    print(f"Playing the fault matrix; each part writes its lines to {folder}", flush=True)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run_part, part, lane, folder, options) for part, lane in LANES]
        outcomes = [one for job in jobs for one in job.result()]
    for one in sorted(outcomes, key=lambda o: o.row):
        print(one.line)
        for problem in one.problems:
            print(f"       {problem[:800]}")
    print(table(outcomes))
    bad = [one for one in outcomes if one.problems]
    forgotten = [row for row in ROWS if row not in {one.row for one in outcomes}]
    minutes = (time.monotonic() - begun) / 60
    print(
        f"{len(outcomes)} cases, {sum(o.effects for o in outcomes)} effects, {len(bad)} broken, {minutes:.1f} minutes"
        + (f"; rows without a case: {forgotten}" if forgotten else "")
    )
    return 1 if bad or forgotten else 0


if __name__ == "__main__":
    raise SystemExit(main())
