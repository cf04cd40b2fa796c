"""A tape: model answers keyed by the hash of what was asked, as JSON lines.

Two kinds of line. `{"kind": "prefix", "hash", "system", "tools"}` stands once for all requests that share it;
`{"kind": "answer", "key", "prefix", "messages", "text", "calls", "stop_reason", "usage"}` is one exchange. The key
leaves out what differs without meaning anything: cache marks, and ids of calls (they carry the turn's random id).

A tape holds no personal data: requests and answers are written with tokens (`<email:1>`), and the answer of a
replay gets the values of the request that is asked then.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xiaoer.agent.brains.protocol import BrainFailed
from xiaoer.domain.canonical import canonical_json, sha256_hex
from xiaoer.domain.pii import Masker

NEAREST_LINES = 60  # of a divergence's diff


class Divergence(BrainFailed):
    """The run asked what the tape does not hold; `difference` is a diff against the nearest request."""

    def __init__(self, difference: str) -> None:
        super().__init__("diverged", difference)
        self.difference = difference


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in a form that two runs agree on."""

    system: str
    tools: list[Any]
    messages: list[dict[str, Any]]

    @property
    def prefix(self) -> str:
        return sha256_hex(canonical_json([self.system, self.tools]))[:16]

    @property
    def key(self) -> str:
        return sha256_hex(canonical_json([self.prefix, self.messages]))


def masked(asked: Asked) -> tuple[Asked, Masker]:
    """The request with tokens in the place of personal data, and the masker that can give them back."""
    masker = Masker()
    masker.learn_from(asked.messages)
    return replace(asked, messages=masker.data(asked.messages)), masker


def plain_request(messages: Sequence[Any], tools: Sequence[Any]) -> Asked:
    """LangChain messages and bound tools → Asked."""
    system, plain, ids = "", [], dict[str, str]()
    for message in messages:
        text = _text(message.content)
        if message.type == "system":
            system += text.strip()
            continue
        item: dict[str, Any] = {"role": message.type, "text": text}
        calls = getattr(message, "tool_calls", None) or []
        if calls:
            item["calls"] = [[_alias(ids, c["id"]), c["name"], c["args"]] for c in calls]
        if message.type == "tool":
            item["answers"] = _alias(ids, message.tool_call_id)
        plain.append(item)
    return Asked(system, [_plain_tool(tool) for tool in tools], plain)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    # Joined as the model brain joins them for providers that take no blocks.
    return "\n\n".join(b if isinstance(b, str) else str(b.get("text", "")) for b in content)


def _alias(ids: dict[str, str], call_id: str) -> str:
    return ids.setdefault(call_id, f"call_{len(ids) + 1}")


def _plain_tool(tool: Any) -> dict[str, Any]:
    """Anthropic's and the others' format alike."""
    inner = tool.get("function", tool)
    schema = inner.get("input_schema", inner.get("parameters"))
    return {"name": inner["name"], "description": inner["description"], "schema": schema}


@dataclass(slots=True)
class Tape:
    prefixes: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Tape:
        """Raises ValueError with file and line for what is not a tape."""
        tape = cls()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
                if row["kind"] == "prefix":
                    tape.prefixes[row["hash"]] = row
                else:
                    tape.answers.setdefault(row["key"], []).append(row)
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}:{number}: not a line of a tape") from error
        return tape

    def find(self, asked: Asked, seen: int = 0) -> dict[str, Any]:
        """The answer to this masked request; the nth time the same is asked, the nth answer, then the last."""
        rows = self.answers.get(asked.key)
        if rows is None:
            raise Divergence(self._difference(asked))
        return rows[min(seen, len(rows) - 1)]

    def _difference(self, asked: Asked) -> str:
        now = list(self._lines(asked.messages, asked.system, asked.tools))
        nearest: list[str] = []
        best = -1.0
        for rows in self.answers.values():
            prefix = self.prefixes.get(rows[0]["prefix"], {})
            then = list(self._lines(rows[0]["messages"], prefix.get("system", ""), prefix.get("tools", [])))
            alike = difflib.SequenceMatcher(a=then, b=now, autojunk=False).quick_ratio()
            if alike > best:
                best, nearest = alike, then
        diff = list(difflib.unified_diff(nearest, now, "tape", "asked", lineterm="", n=1))
        return "\n".join(["The tape holds no answer to this request.", *diff[:NEAREST_LINES]])

    @staticmethod
    def _lines(messages: list[dict[str, Any]], system: str, tools: list[Any]) -> Iterator[str]:
        yield from system.splitlines()
        yield from (canonical_json(tool) for tool in tools)
        for message in messages:
            yield from json.dumps(message, ensure_ascii=False, indent=1, sort_keys=True).splitlines()


class TapeWriter:
    """Appends exchanges to a tape; a prefix is written once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = set(Tape.read(path).prefixes) if path.exists() else set()

    def write(self, asked: Asked, answer: dict[str, Any]) -> None:
        """One exchange as it was; what is written of it is masked here."""
        asked, masker = masked(asked)
        answer = masker.data(answer)
        rows: list[dict[str, Any]] = []
        if asked.prefix not in self._known:
            self._known.add(asked.prefix)
            rows.append(
                {"kind": "prefix", "hash": asked.prefix, "system": asked.system, "tools": asked.tools}
            )
        head = {"kind": "answer", "key": asked.key, "prefix": asked.prefix, "messages": asked.messages}
        rows.append({**head, **answer})
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(canonical_json(row) + "\n" for row in rows)
