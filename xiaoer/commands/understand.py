"""`xiaoer understand`: the classifier as a filter, one JSON line in, one out."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from rich.console import Console

from xiaoer.agent.brains.understanding import load_understander
from xiaoer.settings import Settings


def run_understand(settings: Settings, asked: BinaryIO, told: BinaryIO, err: Console) -> int:
    """Exit code 0, or 2 when a line was not understood as a question; the others are answered all the same."""
    understander = load_understander(settings.cache)
    code = 0
    for number, line in enumerate(asked, 1):
        if not line.strip():
            continue
        try:
            name, text = _question(line)
        except (ValueError, KeyError, TypeError, RecursionError):
            err.print(f'line {number}: expected {{"id": …, "text": "…"}}', highlight=False, markup=False)
            code = 2
            continue
        # Half a character, which JSON can hold and UTF-8 cannot, goes out as it came in: escaped.
        answer = json.dumps({"id": name, **_meaning(understander, text)}, ensure_ascii=False)
        told.write(answer.encode("utf-8", "backslashreplace") + b"\n")
        told.flush()  # who asks line by line waits for it
    return code


def _question(line: bytes) -> tuple[Any, str]:
    question = json.loads(line)
    name, text = question["id"], question["text"]
    if not isinstance(text, str):
        raise TypeError("text")
    return name, text


def _meaning(understander: Any, text: str) -> dict[str, Any]:
    meaning = understander.understand(text)
    return {
        "lang": meaning.lang,
        "intents": [{"id": i.id, "confidence": round(i.confidence, 4)} for i in meaning.intents],
        "sentiment": meaning.sentiment,
        "slots": meaning.slots.as_dict(),
    }
