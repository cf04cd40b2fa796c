"""A desk with a real inbox and ledger behind it; nothing runs, everything can be decided."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.inbox import Inbox
from support.staff import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    inbox = Inbox(f"sqlite:///{tmp_path / 'desk.db'}")
    await inbox.queue.open()
    made = Desk(inbox)
    yield made
    await made.http.aclose()
    await inbox.queue.close()
    await inbox.stop()
