"""The real model brain with its fallback, pointed at the loopback API."""

from __future__ import annotations

from typing import Any

from support.fake_anthropic import FakeAnthropic
from support.views import BOOKS, EmbeddedStub, schemas

from xiaoer.agent.brains.fallback import FallbackBrain
from xiaoer.agent.brains.model.brain import ModelBrain

KEY = "sk-ant-demo-0000"


class Rig:
    """`waits` collects what would have been slept; `embedded` counts the views it had to plan."""

    def __init__(self, api: FakeAnthropic, deadline: float = 20.0, base_url: str | None = None) -> None:
        self.api = api
        self.embedded = EmbeddedStub()
        self.waits: list[float] = []
        self.model = ModelBrain(
            lambda: self._chat(base_url or api.url),
            schemas(),
            BOOKS,
            "anthropic:claude-haiku-5-5",
            deadline=deadline,
            sleep=self._sleep,
        )
        self.brain = FallbackBrain(self.model, self.embedded)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    @staticmethod
    def _chat(url: str) -> Any:
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(
            model="claude-haiku-5-5", api_key=KEY, base_url=url, max_retries=0, max_tokens=4096, timeout=20.0
        )
