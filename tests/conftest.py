"""Fixtures of the whole house; each room keeps its own beside its tests."""

from __future__ import annotations

import os
from pathlib import Path

# Before any test imports langgraph: the package sets how checkpoints are read.
import xiaoer  # noqa: F401

# The classifier is trained once for all tests, not once for every home that a test makes.
os.environ.setdefault("XIAOER_CACHE", str(Path(__file__).parents[1] / ".pytest_cache" / "xiaoer"))

pytest_plugins = ["support.postgres"]
