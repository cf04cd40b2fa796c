from __future__ import annotations

from pathlib import Path

import pytest

from xiaoer.agent.brains.understanding import Understander, load_understander


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("understanding")


@pytest.fixture(scope="session")
def understander(cache_dir: Path) -> Understander:
    return load_understander(cache_dir)
