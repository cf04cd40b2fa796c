"""The model's server dies in the middle of a conversation: the next answer is there at once, in the same matter."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
from support.desk import Desk, open_desk
from support.fake_anthropic import FakeAnthropic, say

from xiaoer.inbox import views

pytestmark = pytest.mark.asyncio(loop_scope="session")

# language → first message, the model's own words on it, a question that names nothing, what its answer must show
CONVERSATIONS = {
    "en": ("Where is my parcel? #1002, jane@example.com", "Let me see.", "and when will it arrive?", "#1002"),
    "zh": ("我的快递到哪了？订单#1002，jane@example.com", "我看一下。", "那什么时候能到？", "#1002"),
    "de": (
        "Wo ist mein Paket? Bestellung #1002, jane@example.com",
        "Ich sehe nach.",
        "und wann kommt es an?",
        "#1002",
    ),
    "es": ("¿Dónde está mi paquete? Pedido #1002, jane@example.com", "Lo miro.", "¿y cuándo llega?", "#1002"),
}


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as server:
        yield server


def open_with_model(home: Path, api: FakeAnthropic) -> AbstractAsyncContextManager[Desk]:
    return open_desk(
        home,
        XIAOER_BRAIN="anthropic:claude-haiku-5-5",
        ANTHROPIC_API_KEY="sk-ant-demo-0000",
        ANTHROPIC_BASE_URL=api.url,
    )


async def test_a_dead_model_is_replaced_at_once_in_the_same_language_and_matter(
    api: FakeAnthropic, tmp_path: Path
) -> None:
    async with open_with_model(tmp_path, api) as desk:
        customers = {}
        for lang, (first, words, _, _) in CONVERSATIONS.items():
            api.will(say(words))
            customers[lang] = await desk.customer()
            assert words in await customers[lang].say(first)
        await api.stop()
        for lang, (_, _, question, order) in CONVERSATIONS.items():
            begun = time.monotonic()
            told = await customers[lang].say(question)
            took = time.monotonic() - begun
            await _shows_the_same_matter(desk, customers[lang].conversation, lang)
            assert order in told, (lang, told)
            assert "USPS" in told
            assert (
                took < 3.0
            )  # a refused connection spends no budget: two short retries, then the house itself


async def _shows_the_same_matter(desk: Desk, conversation: str, lang: str) -> None:
    """The trace says who answered and why; the conversation has kept its language."""
    turns = await desk.trace(conversation)
    assert [turn["brain"] for turn in turns] == ["anthropic:claude-haiku-5-5", "embedded"]
    assert any("took over" in note for note in turns[-1]["notes"])
    assert views.get_conversation(desk.house.foundation.desk_engine, conversation).lang == lang
