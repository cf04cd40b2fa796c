"""Death inside this process: the named points raise what nothing catches, and the house is built anew."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from xiaoer.storage.crashpoints import POINTS


class Killed(BaseException):
    """The process is gone; nothing that it would have done next happens."""


class ServerGone(RuntimeError):
    """A tool server died after its commit; the one who called gets no answer."""


class Switch:
    """Arms one point at a time; counts which have fired."""

    def __init__(self) -> None:
        self.armed: str | None = None
        self.dead = False  # the process is dead and only has to notice it
        self.fired: Counter[str] = Counter()

    def point(self, name: str) -> None:
        if name not in POINTS:
            raise KeyError(f"{name} is not a registered crash point")
        if self.armed != name:
            return
        self.armed = None
        self.fired[name] += 1
        if name == "effect.done":
            # It runs on a server's side: the answer is lost, and the caller dies at its next breath.
            self.dead = True
            raise ServerGone(name)
        raise Killed(name)

    def breathe(self) -> None:
        if self.dead:
            self.dead = False
            raise Killed("effect.done")


@contextmanager
def installed(switch: Switch) -> Iterator[Switch]:
    """Put the switch into every module that has a crash point; take it out again afterwards."""
    modules = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("xiaoer.") and hasattr(module, "crash_point")
    ]
    before = [module.crash_point for module in modules]
    for module in modules:
        module.crash_point = switch.point
    try:
        yield switch
    finally:
        for module, original in zip(modules, before, strict=True):
            module.crash_point = original
