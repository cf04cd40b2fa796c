"""All contenders in one run, interleaved, each in its own process: ours and the peers, one table.

`--rounds 3`  medians are taken over so many rounds
`--turns 60`  turns one after another, a round
`--quick`     one round of few turns, to see that everything works
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.peers import environments
from benchmarks.turn.servers import ROOT, Servers, serving

Command = Callable[[Servers, Path], list[str]]  # the servers, a folder of this round's own
Figures = dict[str, float]
SLOW_MODEL_SECONDS = 1.0


class Failed(Exception):
    """A contender gave no figures; the text says why."""


@dataclass(frozen=True)
class Contender:
    title: str
    command: Command
    has_model: bool = True


@dataclass
class Measured:
    rounds: list[Figures] = field(default_factory=list)
    slow: Figures | None = None
    why_not: str = ""

    def median(self, name: str) -> float:
        return statistics.median(round_[name] for round_ in self.rounds)


def main(arguments: list[str]) -> int:
    asked = _options(arguments)
    out = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="xiaoer-bench-") as folder:
        home = Path(folder) / "home"
        out.print("The shop is seeded and the classifier trained …")
        _prepare(home)
        contenders = [*_ours(home), *_peers(out)]
        out.print("The tool servers start …")
        with serving(home) as servers:
            measured = _all_rounds(contenders, servers, Path(folder), asked, out)
    _print(contenders, measured, asked)
    return 0 if all(measured[one.title].rounds for one in contenders if one.title.startswith("Xiaoer")) else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks turn", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.quick:
        asked.rounds, asked.turns = 1, 10
    return asked


def _ours(home: Path) -> list[Contender]:
    def command(*more: str) -> Command:
        def make(servers: Servers, folder: Path) -> list[str]:
            urls = [f"--server={name}={url}" for name, url in servers.ours.items() if "--http" in more]
            kept = [word for word in more if word != "--http"]
            return [
                sys.executable, "benchmarks/turn/run.py", f"--home={home}", f"--database={folder / 'ours.db'}",
                *urls, *kept,
            ]  # fmt: skip

        return make

    return [
        Contender("Xiaoer, tools in its process", command()),
        Contender("Xiaoer, tools over HTTP", command("--http")),
        Contender("Xiaoer without a model, in its process", command("--embedded"), has_model=False),
    ]


def _peers(out: Console) -> list[Contender]:
    titles = {
        "langchain_agent": "LangChain create_agent, over HTTP",
        "pydantic_ai_agent": "pydantic-ai, over HTTP",
    }
    made = []
    for name, title in titles.items():
        out.print(f"The environment of {title.split(',')[0]} …")
        made.append(Contender(title, _peer(name)))
    return made


def _peer(name: str) -> Command:
    try:
        python = environments.python_of(name)
    except environments.Unavailable as error:
        return _unavailable(str(error))

    def make(servers: Servers, folder: Path) -> list[str]:
        script = f"benchmarks/peers/{name}/run.py"
        return [str(python), script, "--url", servers.plain, "--database", str(folder / f"{name}.db")]

    return make


def _unavailable(why: str) -> Command:
    def make(_servers: Servers, _folder: Path) -> list[str]:
        raise Failed(why)

    return make


def _prepare(home: Path) -> None:
    """One turn in the home that all share: afterwards its keys, shop and caches are there."""
    once = ["--turns=1", "--parallel=1", "--each=1"]
    _run([sys.executable, "benchmarks/turn/run.py", f"--home={home}", *once])


def _all_rounds(
    contenders: list[Contender], servers: Servers, folder: Path, asked: argparse.Namespace, out: Console
) -> dict[str, Measured]:
    measured = {one.title: Measured() for one in contenders}
    for number in range(1, asked.rounds + 1):
        for one in contenders:
            options = [f"--turns={asked.turns}"]
            figures = _try(one, servers, folder / f"{number}", options, measured[one.title])
            if figures:
                measured[one.title].rounds.append(figures)
                out.print(f"round {number} of {asked.rounds}: {one.title}: p50 {figures['p50_ms']:.1f} ms")
    for one in contenders:
        if one.has_model and measured[one.title].rounds:
            options = [f"--delay={SLOW_MODEL_SECONDS}", "--turns=5", "--parallel=1", "--each=1"]
            measured[one.title].slow = _try(one, servers, folder / "slow", options, measured[one.title])
            out.print(f"with a model of {SLOW_MODEL_SECONDS:.0f} s a call: {one.title}")
    return measured


def _try(
    one: Contender, servers: Servers, folder: Path, options: list[str], into: Measured
) -> Figures | None:
    """None, with the reason noted, when the contender cannot be measured."""
    folder.mkdir(exist_ok=True)
    before = servers.cpu_seconds()
    try:
        figures = _run([*one.command(servers, folder), *options])
    except Failed as failure:
        into.why_not = str(failure)
        return None
    figures["server_cpu_ms"] = (servers.cpu_seconds() - before) * 1000 / figures["all_turns"]
    return figures


def _run(command: list[str]) -> Figures:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Failed("gave no figures within ten minutes") from error
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = done.stderr.strip().splitlines()[-1:] or ["no word why"]
        raise Failed(last[0][:160])
    figures: Figures = json.loads(lines[-1])
    return figures


_COLUMNS = ("p50 ms", "p95 ms", "CPU ms", "servers' CPU ms", "turns/s at 1", "at 16", "model calls")


def _print(contenders: list[Contender], measured: dict[str, Measured], asked: argparse.Namespace) -> None:
    title = f"A tracked parcel, medians of {asked.rounds} rounds"
    table = Table("contender", *_COLUMNS, f"s with a model of {SLOW_MODEL_SECONDS:.0f} s", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in contenders:
        table.add_row(one.title, *_row(measured[one.title]))
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table)
    for one in contenders:
        if measured[one.title].why_not:
            console.print(f"{one.title}: {measured[one.title].why_not}")
    console.print(f"Load of the machine (1, 5, 15 minutes; {os.cpu_count()} cores): {os.getloadavg()}")


def _row(measured: Measured) -> list[str]:
    if not measured.rounds:
        return ["not measured", *[""] * len(_COLUMNS)]
    each = [
        f"{measured.median('p50_ms'):.1f}",
        f"{measured.median('p95_ms'):.1f}",
        f"{measured.median('cpu_ms'):.1f}",
        f"{measured.median('server_cpu_ms'):.1f}",
        f"{measured.median('turns_per_s_at_1'):.0f}",
        f"{measured.median('turns_per_s_at_16'):.0f}",
        f"{measured.median('model_calls'):g}",
    ]
    slow = measured.slow
    return [*each, f"{slow['p50_ms'] / 1000:.2f}" if slow else "–"]
