"""Tool servers as processes of their own, on free loopback ports, ended together."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0


@dataclass(frozen=True)
class Servers:
    """Where the tools are: `plain` for the peers, `ours` by server name."""

    plain: str
    ours: dict[str, str]
    processes: tuple[subprocess.Popen[bytes], ...]

    def cpu_seconds(self) -> float:
        """What all of them have used so far; 0 where the system does not tell."""
        return sum(_cpu_of(process.pid) for process in self.processes)


@contextmanager
def serving(home: Path) -> Iterator[Servers]:
    """The plain server, and our orders and logistics, over the shop in `home`."""
    ports = {name: _free_port() for name in ("plain", "orders", "logistics")}
    shop = f"sqlite:///{home / 'shop.db'}"
    commands = {
        "plain": [sys.executable, "benchmarks/tool_server.py", str(ports["plain"]), shop],
        **{
            name: [sys.executable, "-m", "xiaoer.cli", "mcp", name, "--http", f"127.0.0.1:{ports[name]}"]
            for name in ("orders", "logistics")
        },
    }
    environment = {
        **os.environ,
        "XIAOER_HOME": str(home),
        "XIAOER_BRAIN": "embedded",
        "PYTHONPATH": str(ROOT),
    }
    processes = [_start(command, environment) for command in commands.values()]
    try:
        for name, process in zip(ports, processes, strict=True):
            _wait_for(name, ports[name], process)
        urls = {name: f"http://127.0.0.1:{port}/mcp" for name, port in ports.items()}
        yield Servers(urls.pop("plain"), urls, tuple(processes))
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(10)


def _start(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)


def _wait_for(name: str, port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"the tool server {name} ended at once (exit code {process.returncode})")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"the tool server {name} did not answer within {START_SECONDS:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
