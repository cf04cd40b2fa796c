"""`make bench`: every benchmark by its name. `python -m benchmarks [NAME …] [its options]`."""

from __future__ import annotations

import sys
from collections.abc import Callable


def _turn(options: list[str]) -> int:
    from benchmarks.turn import compare

    return compare.main(options)


def _understanding(_options: list[str]) -> int:
    from benchmarks.understanding import measure

    measure.main()
    return 0


# Imported only when asked for; each answers an exit code.
BENCHMARKS: dict[str, Callable[[list[str]], int]] = {"turn": _turn, "understanding": _understanding}


def main(arguments: list[str]) -> int:
    names = [word for word in arguments if not word.startswith("-")] or ["turn"]
    options = [word for word in arguments if word.startswith("-")]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    return max(BENCHMARKS[name](options) for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
