"""Fixtures of the whole house; each room keeps its own beside its tests."""

from __future__ import annotations

# Before any test imports langgraph: the package sets how checkpoints are read.
import xiaoer  # noqa: F401

pytest_plugins = ["support.postgres"]
