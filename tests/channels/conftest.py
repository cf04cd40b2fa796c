"""The web channel over an inbox that echoes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.inbox import Inbox
from support.web import Web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    inbox = Inbox(f"sqlite:///{tmp_path / 'desk.db'}")
    await inbox.start()
    made = Web(inbox)
    yield made
    await made.http.aclose()
    await inbox.stop()
