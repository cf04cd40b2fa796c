"""The quick and steady part of the fault matrix; all of it is `make faults`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from faults.house import House
from faults.matrix import Case, all_cases, play_one

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("faults")]
SHORT = [one for one in all_cases() if one.short]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(tmp_path_factory.mktemp("house") / "home") as opened:
        yield opened


@pytest.mark.parametrize("one", SHORT, ids=[f"row {one.row}: {one.name}" for one in SHORT])
async def test_a_fault_leaves_every_invariant_whole(house: House, one: Case) -> None:
    outcome = await play_one(house, one)
    assert not outcome.problems, outcome.problems
