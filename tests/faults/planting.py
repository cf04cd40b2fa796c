"""A pytest plug-in that plants one bug before the tests are collected; see `faults.planted`."""

from __future__ import annotations

import os
from typing import Any


def pytest_configure(config: Any) -> None:
    name = os.environ.get("XIAOER_PLANTED")
    if name:
        from faults.bugs import BUGS

        import xiaoer  # noqa: F401 - before anything else imports langgraph

        BUGS[name].plant()
