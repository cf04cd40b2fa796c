"""Settings as an operator would give them: a home, an environment, and nothing from the machine around."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_OURS = ("XIAOER_", "ANTHROPIC_", "OPENAI_")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home in an empty working folder; XIAOER_HOME points to it."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "home"
    monkeypatch.setenv("XIAOER_HOME", str(folder))
    return folder
