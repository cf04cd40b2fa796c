from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.fake_anthropic import FakeAnthropic
from support.model_rig import Rig


@pytest.fixture
async def api() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as server:
        yield server


@pytest.fixture
def rig(api: FakeAnthropic) -> Rig:
    return Rig(api)
