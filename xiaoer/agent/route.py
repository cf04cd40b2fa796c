"""A route of the graph: a pure function of the state, asked on the spot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from langchain_core.runnables import Runnable, RunnableConfig

from xiaoer.agent.state import State


class Route(Runnable[State, str]):
    """LangGraph sends a plain function to a thread and traces it: 1 ms of processor time a turn."""

    def __init__(self, function: Callable[[State], str]) -> None:
        self.name = function.__name__
        self._function = function

    @classmethod
    def of(cls, function: Callable[[State], str]) -> tuple[Route, list[str]]:
        """The route, and the nodes that its function's `Literal` names."""
        return cls(function), list(get_args(get_type_hints(function)["return"]))

    def invoke(self, input: State, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return self._function(input)

    async def ainvoke(self, input: State, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return self._function(input)
