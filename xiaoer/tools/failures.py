"""What can go wrong around a tool call: fixed words, and sentences that a caller can act on."""

from __future__ import annotations

from dataclasses import replace

from xiaoer.tools.calls import ToolRequest, ToolResult

SENTENCES: dict[str, str] = {
    "timeout": "The tool did not answer in time. It may have been done; look before you try again.",
    "down": "The tool cannot be reached at the moment.",
    "garbage": "The tool answered something that cannot be understood.",
    "quarantined": "The tool is not the one that was approved for use, so it was not called.",
    "unknown_tool": "There is no such tool.",
    "refused": "This tool is never called from a conversation; it is proposed to a person.",
    "invalid": "The arguments are too large or not plain JSON.",
}


class ToolTrouble(Exception):
    """A call that cannot give a result; `code` is a fixed word, the text a sentence."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or SENTENCES[code])
        self.code = code


def failed(request: ToolRequest, code: str, message: str = "") -> ToolResult:
    return ToolResult(
        call=request.call,
        server=request.server,
        ok=False,
        data={},
        error=message or SENTENCES[code],
        code=code,
        scope=request.scope,
    )


def turned(result: ToolResult, code: str) -> ToolResult:
    """A result that is not believed: the same call, without its data."""
    return replace(result, ok=False, data={}, error=SENTENCES[code], code=code)
