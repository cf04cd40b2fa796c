"""A virtual environment for each peer, made from its lock file and kept until the lock changes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE / ".venvs"
_UV = Path(sys.prefix) / "bin" / "uv"


class Unavailable(Exception):
    """The environment cannot be made here, most often because there is no network."""


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, made if needed; raises Unavailable."""
    lock = HERE / peer / "requirements.lock"
    home = ENVIRONMENTS / peer
    python, stamp = home / "bin" / "python", home / "lock.sha256"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    venv.create(home, with_pip=not _UV.exists(), clear=True)
    _run(_installer(python), lock)
    stamp.write_text(digest)
    return python


def _installer(python: Path) -> list[str]:
    if _UV.exists():
        return [str(_UV), "pip", "install", "-q", "--python", str(python)]
    return [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]


def _run(installer: list[str], lock: Path) -> None:
    done = subprocess.run(
        [*installer, "--require-hashes", "-r", str(lock)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no word why"]
        raise Unavailable(f"its environment could not be made: {last[0][:120]}")
