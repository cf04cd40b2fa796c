"""For the night: `python -m faults.soak --minutes N` repeats random kills, the hostile model and the matrix with new seeds.

Prints a line a round and the sums at the end; ends with 1 at the first round in which something is broken.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

from faults.house import empty_desk, playbooks, seeded_shop
from faults.zombies import killed_at_random

ROOT = Path(__file__).parents[2]


def hostile(sequences: int, seed: int) -> tuple[bool, str]:
    """In a process of its own: forks and threads do not go together."""
    command = [sys.executable, "-m", "faults.hostile", "--sequences", str(sequences), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    said = (done.stdout or done.stderr).strip().splitlines()
    return done.returncode == 0, (said[-1] if said else "")[:300]


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults.soak")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    playbooks(), empty_desk(), seeded_shop()
    until, rounds, broken = time.monotonic() + options.minutes * 60, 0, 0
    while time.monotonic() < until and not broken:
        seed = options.seed + rounds
        killed = killed_at_random(10, seed)
        held, said = hostile(200, seed)
        broken += bool(killed.problems) + (not held)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"round {rounds}: {killed.name}, {killed.done}, {killed.effects} effects; {said}; {memory:.0f} MB",
            flush=True,
        )
        for problem in killed.problems:
            print(f"   {problem}", flush=True)
        rounds += 1
    print(f"{rounds} rounds, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
