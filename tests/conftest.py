"""Fixtures of the whole house; each room keeps its own beside its tests."""

from __future__ import annotations

pytest_plugins = ["support.postgres"]
