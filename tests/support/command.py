"""`xiaoer …` as a person types it: in this process for what is quick, as a process of its own otherwise."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from xiaoer import cli


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def run_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str, stdin: bytes = b""
) -> Ran:
    """The command in this process; settings by the environment of this process."""
    monkeypatch.setattr(sys, "argv", ["xiaoer", *words])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    code = ended.value.code
    return Ran(code if isinstance(code, int) else int(code is not None), printed.out, printed.err)


def run_process(words: Sequence[str], home: Path, stdin: str = "", seconds: float = 100, **env: str) -> Ran:
    """The command as a process, with nothing of this environment's settings."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name == "XIAOER_CACHE" or not name.startswith("XIAOER_")
    }
    done = subprocess.run(
        [sys.executable, "-m", "xiaoer.cli", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=home.parent,
        env={**clean, "XIAOER_HOME": str(home), "XIAOER_BRAIN": "embedded", **env},
    )
    return Ran(done.returncode, done.stdout, done.stderr)
