"""Bugs planted on purpose: each takes one safeguard away, and each must turn a named test red.

`python -m faults.planted [NAME …]`. A bug is a function that replaces one named seam of the package in a
process of its own; its test is a case of the matrix or a test by its node id. The same tests without a bug
must be green, else a red one would prove nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from faults.bugs import BUGS

ROOT = Path(__file__).parents[2]


def run_case(name: str) -> list[str]:
    """The problems that the matrix case of this name finds."""
    from faults.matrix import all_cases, play_all

    chosen = [one for one in all_cases() if one.name == name]
    assert chosen, f"there is no case named {name}"
    outcomes = asyncio.run(play_all(chosen, tell=lambda _line: None))
    return [problem for outcome in outcomes for problem in outcome.problems]


def run_test(node: str, planted: str) -> list[str]:
    """What pytest says of this test with the bug planted (or with none)."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}", "XIAOER_PLANTED": planted}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-m",
        "not postgres",
        "-p",
        "faults.planting",
        node,
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{node} could not be run: {done.stdout[-400:]}")
    last = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    return last or ([] if done.returncode == 0 else [done.stdout[-300:]])


def look(name: str, planted: bool) -> tuple[list[str], float]:
    """In a forked process: plant (or not), run the test; what it found, and how long it took."""
    one, begun = BUGS[name], time.monotonic()
    if one.test.startswith("tests/"):
        return run_test(one.test, name if planted else ""), time.monotonic() - begun
    out = Path(tempfile.mkstemp(prefix="xiaoer-planted-")[1])
    pid = os.fork()
    if pid == 0:
        try:
            if planted:
                one.plant()
            out.write_text("\n".join(problem.replace("\n", " ") for problem in run_case(one.test)))
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a forked child must never return into the parent's code
            out.write_text("CANNOT RUN " + traceback.format_exc().replace("\n", " ")[-400:])
            os._exit(1)
    os.waitpid(pid, 0)
    found = [line for line in out.read_text().splitlines() if line]
    return found, time.monotonic() - begun


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults.planted")
    parser.add_argument("names", nargs="*", help="only these bugs")
    options = parser.parse_args()
    from faults.matrix import all_cases

    all_cases()  # imported before the forks
    names, missed, sound = options.names or list(BUGS), [], {}
    for name in names:
        one = BUGS[name]
        if one.test not in sound:
            sound[one.test] = look(name, planted=False)[0]
        found, seconds = look(name, planted=True)
        caught = bool(found) and not found[0].startswith("CANNOT RUN") and not sound[one.test]
        missed += [] if caught else [name]
        print(f"{name:28} {'caught' if caught else 'MISSED':7} {seconds:5.1f} s  {one.says}", flush=True)
        print(f"{'':28} by {one.test}: {(found or ['nothing'])[0][:150]}", flush=True)
        for problem in sound[one.test]:
            print(f"{'':28} NOT GREEN WITHOUT IT: {problem[:200]}")
    print(f"{len(names) - len(missed)} of {len(names)} planted bugs turn their test red")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
