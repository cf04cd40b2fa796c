"""A real desk in a process of its own, and a real Chromium; skipped where there is none."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = os.environ.get("XIAOER_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
# Without these Chromium looks for its maker's servers at every start.
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "browser-tests-2026"
TOKEN = "browser-tests-token-2026"
START_SECONDS = 180
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here:
            item.add_marker(pytest.mark.browser)
            # One server and one browser for all of them.
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.timeout(START_SECONDS + 120))


@dataclass(frozen=True)
class Server:
    url: str
    log: Path


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`xiaoer serve` in a fresh home on a free port, ready to take messages."""
    home = tmp_path_factory.mktemp("home")
    port, log = _free_port(), home / "serve.log"
    env = {
        **{
            name: value
            for name, value in os.environ.items()
            if name == "XIAOER_CACHE" or not name.startswith("XIAOER_")
        },
        "XIAOER_HOME": str(home / "var"),
        "XIAOER_PORT": str(port),
        "XIAOER_BRAIN": "embedded",
        "XIAOER_ADMIN_PASSWORD": PASSWORD,
        "XIAOER_API_TOKEN": TOKEN,
    }
    command = [str(Path(sys.executable).parent / "xiaoer"), "serve"]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, env=env, cwd=home, stdout=out, stderr=out) as process,
    ):
        try:
            server = Server(f"http://127.0.0.1:{port}", log)
            _wait_until_ready(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for a file of tests; each opens windows of its own.

    Not for the session: while Playwright's synchronous driver is open, its event loop counts as
    running in this thread, and no asynchronous test of the same process can start.
    """
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM} (set XIAOER_CHROMIUM)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@dataclass
class Windows:
    """Opens windows as different people have them; remembers what the pages complained about."""

    browser: Any
    url: str
    complaints: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def open(self, path: str, *, phone: bool = False, lang: str = "en-US", dark: bool = False) -> Any:
        context = self.browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            locale=lang,
            color_scheme="dark" if dark else "light",
            has_touch=phone,
            is_mobile=phone,
        )
        context.set_default_timeout(20_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen)
        page.goto(self.url + path)
        return page

    def sign_in(self, path: str = "/desk/approvals", **window: Any) -> Any:
        page = self.open(f"/desk/login?next={path}", **window)
        page.fill("[name=name]", "admin")
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit], button.primary")
        page.wait_for_url(f"**{path}*")
        return page

    def _listen(self, message: Any) -> None:
        # A policy's refusals come as errors of the console; refused requests do too, and are wanted here.
        refused = (
            "Failed to load resource",
            "Response Status Error Code 403",
            "Response Status Error Code 409",
        )
        if message.type == "error" and not message.text.startswith(refused):
            self.complaints.append(message.text)


@pytest.fixture
def windows(chromium: Any, live_server: Server) -> Iterator[Windows]:
    made = Windows(chromium, live_server.url)
    yield made
    for context in made.contexts:
        context.close()
    assert made.complaints == []


@pytest.fixture
def say() -> Callable[..., str]:
    """Write in a chat and read everything that is answered."""

    def speak(page: Any, text: str) -> str:
        answers = page.locator(".msg:not(.customer)")
        before = answers.count()
        page.fill("#text", text)
        page.press("#text", "Enter")
        answers.nth(before).wait_for()
        page.locator("#typing").wait_for(state="hidden")
        return "\n".join(answers.nth(at).inner_text() for at in range(before, answers.count()))

    return speak


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"xiaoer serve ended:\n{server.log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(f"{server.url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"not ready within {START_SECONDS} s:\n{server.log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
