"""The tools as a model is offered them: sorted, byte-identical from turn to turn, with `hand_off` of our own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from xiaoer.agent.brains.model.instructions import HandOffPrompt
from xiaoer.tools.catalog import BRAIN_TOOLS

HAND_OFF = "hand_off"
CACHE = {"type": "ephemeral"}


class ToolSchema(Protocol):
    """What a tool server publishes of one tool."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def input_schema(self) -> Mapping[str, Any]: ...


def offered_tools(schemas: Iterable[ToolSchema], hand_off: HandOffPrompt) -> list[dict[str, Any]]:
    """`[{"name", "description", "input_schema"}]` of the tools that a brain may name, by name."""
    known = {schema.name: _plain(schema) for schema in schemas if schema.name in BRAIN_TOOLS}
    known[HAND_OFF] = _hand_off_tool(hand_off)
    return [known[name] for name in sorted(known)]


def for_anthropic(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last tool carries the mark up to which all stores share one cached prefix."""
    return [*tools[:-1], {**tools[-1], "cache_control": CACHE}]


def for_others(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The function format that every other provider's LangChain package takes."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool["name"],
                "description": tool["description"],
                "parameters": tool["input_schema"],
            },
        }
        for tool in tools
    ]


def _plain(schema: ToolSchema) -> dict[str, Any]:
    return {
        "name": schema.name,
        "description": schema.description.strip(),
        "input_schema": _sorted(schema.input_schema),
    }


def _sorted(value: Any) -> Any:
    """Keys in one order, whatever order a server happened to send."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(inner) for inner in value]
    return value


def _hand_off_tool(prompt: HandOffPrompt) -> dict[str, Any]:
    reasons = "; ".join(f"{word}: {meaning}" for word, meaning in prompt.reasons.items())
    properties = {
        "reason": {
            "type": "string",
            "enum": list(prompt.reasons),
            "description": f"{prompt.reason} {reasons}",
        },
        "summary": {"type": "string", "description": prompt.summary},
    }
    schema = {
        "type": "object",
        "properties": properties,
        "required": ["reason", "summary"],
        "additionalProperties": False,
    }
    return {"name": HAND_OFF, "description": prompt.description, "input_schema": schema}
