"""`xiaoer serve` as a process of its own, in a home of its own, that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx2

TOKEN = "serving-token-of-the-tests"
PASSWORD = "serving-password-of-the-tests"
START_SECONDS = 150  # the first start trains a classifier, on a machine that may be busy


class Server:
    """One desk, or one role of it; `start` may follow `wait_dead`, on the same home and port."""

    def __init__(self, home: Path, *, role: str = "all", **env: str) -> None:
        self.home = home
        self.role = role
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **env: str) -> None:
        settings = {
            "XIAOER_HOME": str(self.home),
            "XIAOER_PORT": str(self.port),
            "XIAOER_BRAIN": "embedded",
            "XIAOER_API_TOKEN": TOKEN,
            "XIAOER_ADMIN_PASSWORD": PASSWORD,
        }
        clean = {
            name: value
            for name, value in os.environ.items()
            if name == "XIAOER_CACHE" or not name.startswith("XIAOER_")
        }
        with (self.home / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "xiaoer.cli", "serve", "--role", self.role],
                env={**clean, **settings, **self._env, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
            )
        self._await_ready()

    def _await_ready(self) -> None:
        deadline = monotonic() + START_SECONDS
        while monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                if httpx2.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx2.HTTPError:
                sleep(0.05)
        raise AssertionError((self.home / "serve.log").read_text()[-3000:])

    def wait_dead(self, seconds: float = 20) -> int:
        """The exit code of a process that is expected to die by itself."""
        assert self._process is not None
        return self._process.wait(seconds)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)


@contextmanager
def serving(home: Path, prepared: Path | None = None, **env: str) -> Iterator[Server]:
    """A running desk; `prepared` is a home of an earlier start, copied so that this start is quick."""
    if prepared is not None:
        shutil.copytree(prepared, home, dirs_exist_ok=True)
    server = Server(home, **env)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def prepare_home(home: Path) -> Path:
    """Start once and stop: migrations, demo stores, classifier and index are on disk afterwards."""
    with serving(home):
        pass
    return home


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
