"""The knowledge server: a store's own entries, in the asker's language; gaps kept once a turn."""

from __future__ import annotations

import pytest
from support.servers import CN, STORES, US, ShelfOfTwo, World, ask

from xiaoer.domain.permits import META_KEY
from xiaoer.mcp_servers.knowledge import language_of


async def test_a_store_searches_its_own_shelf(world: World) -> None:
    for store, entry in ((US, "us-1"), (CN, "cn-1")):
        meta = world.context(world.visitor(store))
        answer = await ask(world.servers["knowledge"], "search_knowledge", {"query": "lamp"}, meta)
        assert [hit["entry_id"] for hit in answer.data["entries"]] == [entry]


async def test_a_gap_is_kept_once_a_turn(world: World) -> None:
    meta = {**world.context(world.visitor()), META_KEY: "turn-1"}
    args = {"question": "Is the lamp waterproof?"}
    first = await ask(world.servers["knowledge"], "report_gap", args, meta)
    assert await ask(world.servers["knowledge"], "report_gap", args, meta) == first
    assert isinstance(world.deps.knowledge, ShelfOfTwo)
    assert len(world.deps.knowledge.gaps) == 1


@pytest.mark.parametrize(
    ("query", "store", "lang"),
    [
        ("how do I clean it", US, "en"),
        ("怎么清洗", US, "zh"),
        ("how do I clean it", CN, "en"),
        ("台灯 lamp", CN, "zh"),
        ("ランプの掃除", US, "ja"),
        ("램프", US, "ko"),
        ("как чистить", US, "ru"),
        ("¿cómo se limpia?", CN, "en"),
        ("1234", CN, "zh"),
    ],
)
def test_entries_come_in_the_language_of_the_query(query: str, store: str, lang: str) -> None:
    assert language_of(query, STORES[store]) == lang
