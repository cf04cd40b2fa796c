"""`xiaoer chat`: a store's customer in the terminal, over the same web channel as everybody."""

from __future__ import annotations

import json
import socket
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import uvicorn
from rich.console import Console
from rich.markup import escape

from xiaoer.settings import Role, Settings

_START_SECONDS = 120
_ANSWER_SECONDS = 60


def run_chat(settings: Settings, store: str, url: str) -> None:
    """Read lines until the end of input; exits 2 with a sentence when there is nobody to talk to."""
    out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    with (
        _desk(settings, url, err) as base,
        httpx2.Client(base_url=base, timeout=_ANSWER_SECONDS + 10) as http,
    ):
        answer = http.post(f"/channels/web/{store}/sessions", json={})
        if answer.status_code != 201:
            err.print(_sentence(answer))
            sys.exit(2)
        opened = answer.json()
        http.headers["authorization"] = f"Bearer {opened['session']}"
        out.print(f"[dim]{store} · {opened['conversation_id']} · an empty line or Ctrl-D ends the chat[/dim]")
        after = _show_new(http, store, 0, out, err)
        for line in _lines():
            said = {"id": uuid.uuid4().hex, "text": line}
            answer = http.post(f"/channels/web/{store}/messages", params={"wait": _ANSWER_SECONDS}, json=said)
            if answer.status_code not in (200, 202):
                err.print(_sentence(answer))
                continue
            after = _show_new(http, store, after, out, err)


def _lines() -> Iterator[str]:
    while True:
        try:
            line = input("› ").strip()
        except EOFError:
            return
        if not line:
            return
        yield line


def _show_new(http: httpx2.Client, store: str, after: int, out: Console, err: Console) -> int:
    """Print what came since `after`, receipts and colleagues included; the new position."""
    news = http.get(
        f"/channels/web/{store}/events", params={"after": after}, headers={"accept": "application/json"}
    )
    if news.status_code != 200:
        err.print(_sentence(news))
        return after
    for event in news.json():
        if event["type"] != "message":
            continue
        after = max(after, int(event["id"]))
        message = event["message"]
        if message["author"] != "customer":
            out.print(
                f"[bold green]{message['author']}[/bold green] {escape(message['text'])}", highlight=False
            )
    return after


def _sentence(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return f"The desk answered {answer.status_code}."


@contextmanager
def _desk(settings: Settings, url: str, err: Console) -> Iterator[str]:
    """The running desk, or one of our own for as long as the chat lasts."""
    base = url or f"http://{settings.service.host}:{settings.service.port}"
    if _answers(base):
        yield base
        return
    if url:
        err.print(f"No desk answers at {url}.")
        sys.exit(2)
    from xiaoer.app import create_app
    from xiaoer.commands.serve import configure_logs

    configure_logs()
    err.print("[dim]No desk is running; starting one for this chat …[/dim]")
    port = _free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, Role.ALL), host="127.0.0.1", port=port, log_level="error", access_log=False
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        _await_start(server, thread, err)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(15)


def _await_start(server: uvicorn.Server, thread: threading.Thread, err: Console) -> None:
    ready = threading.Event()
    for _ in range(_START_SECONDS * 10):
        if server.started:
            return
        if not thread.is_alive():
            break
        ready.wait(0.1)
    err.print("The desk did not start; `xiaoer doctor` says why.")
    sys.exit(2)


def _answers(base: str) -> bool:
    try:
        return httpx2.get(f"{base}/readyz", timeout=1.0).status_code == 200
    except httpx2.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
