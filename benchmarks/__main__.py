"""`make bench`: every benchmark by its name. `python -m benchmarks [NAME …] [its options]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import cast

# Each module has `main(arguments) -> exit code`; it is imported only when it is asked for.
BENCHMARKS: dict[str, str] = {
    "turn": "benchmarks.turn.compare",
    "understanding": "benchmarks.understanding.measure",
}


def main(arguments: list[str]) -> int:
    names = [word for word in arguments if not word.startswith("-")]
    options = [word for word in arguments if word.startswith("-")]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    return max(_measure(name)(options) for name in names or ["turn"])


def _measure(name: str) -> Callable[[list[str]], int]:
    return cast("Callable[[list[str]], int]", import_module(BENCHMARKS[name]).main)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
