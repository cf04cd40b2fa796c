"""Tools as LangChain's `bind_tools` takes them: plain dicts, no adapter, no session of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def bindable(schemas: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`ToolBox.schemas()` in the form of OpenAI functions, which every LangChain model accepts."""
    return [
        {
            "type": "function",
            "function": {
                "name": schema["name"],
                "description": schema["description"],
                "parameters": schema["input_schema"],
            },
        }
        for schema in schemas
    ]
