"""Typed, stable tokens in the place of personal data: the same mail is `<email:1>` throughout one text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from xiaoer.domain.pii.finder import find_pii
from xiaoer.domain.pii.search import Kind, fold

_TOKEN = re.compile(r"<(email|phone|id|card|iban|address|postcode|name):(\d{1,9})>")

# Fields that hold nothing else, whatever is written in them. `name` is left out: tools and files have names too.
FIELDS: dict[str, Kind] = {
    "email": Kind.EMAIL,
    "phone": Kind.PHONE,
    "phone_tail": Kind.PHONE,
    "ship_phone": Kind.PHONE,
    "customer_name": Kind.NAME,
    "sender_name": Kind.NAME,
    "ship_name": Kind.NAME,
    "ship_to": Kind.ADDRESS,
    "address": Kind.ADDRESS,
    "street": Kind.ADDRESS,
    "ship_street": Kind.ADDRESS,
    "postcode": Kind.POSTCODE,
    "ship_postcode": Kind.POSTCODE,
    "zip": Kind.POSTCODE,
}
# What is looked up and compared by machines stays as it is.
_KEPT = frozenset(
    {"id", "order_no", "tracking_no", "sku", "digest", "hash", "action_id", "turn", "store", "server", "tool"}
    | {
        "line_id",
        "product_id",
        "clause_id",
        "clause",
        "action",
        "conversation",
        "label_url",
        "level",
    }
    | {"timestamp", "logger"}
)
_DEEPEST = 40
# The same fields inside a text that holds JSON, as prompts and logs do.
_IN_JSON = re.compile(rf'"({"|".join(FIELDS)})"(\s?:\s?)"((?:[^"\\]|\\.){{1,400}})"')
# A "name" is a person's where one of these stands beside it; tools, files and options have names too.
_PERSON = frozenset({"postcode", "phone_tail", "email", "phone", "street"})


class Masker:
    """Masks several texts with one count, and can give the values back as long as it lives.

    `names` are those that the record knows. It keeps what it masked: let it go with the turn.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: tuple[str, ...] = ()
        self.learn(*names)
        self.values: dict[str, str] = {}  # token → what stood there first
        self._tokens: dict[tuple[Kind, str], str] = {}
        self._counts: Counter[str] = Counter()

    def text(self, text: str) -> str:
        """The text with tokens; tokens that stand in it already stay what they are."""
        self._skip_known(text)
        if '":' in text:
            text = _IN_JSON.sub(self._json_field, text)
        found = find_pii(text, self.names)
        if not found:
            return text
        parts, last = [], 0
        for item in found:
            parts += [text[last : item.start], self.token(item.kind, item.value)]
            last = item.end
        return "".join((*parts, text[last:]))

    def data(self, value: Any, depth: int = 0) -> Any:
        """Plain JSON with every text in it masked; personal fields as a whole, whatever their form."""
        if isinstance(value, str):
            return self.text(value)
        if depth > _DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            person = not _PERSON.isdisjoint(value)
            return {key: self._field(str(key), item, depth, person) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item, depth + 1) for item in value]
        return value

    def learn(self, *names: str) -> None:
        """More names to look for from here on."""
        self.names = tuple(dict.fromkeys((*self.names, *(name for name in names if name.strip()))))

    def learn_from(self, value: Any, depth: int = 0) -> None:
        """The names that a record calls so, wherever in it they stand."""
        if depth > _DEEPEST:
            return
        if isinstance(value, str):
            self.learn(*(match[3] for match in _IN_JSON.finditer(value) if FIELDS[match[1]] is Kind.NAME))
        elif isinstance(value, Mapping):
            person = not _PERSON.isdisjoint(value)
            for key, item in value.items():
                if isinstance(item, str) and (
                    FIELDS.get(str(key)) is Kind.NAME or (key == "name" and person)
                ):
                    self.learn(item)
                else:
                    self.learn_from(item, depth + 1)
        elif isinstance(value, list | tuple):
            for item in value:
                self.learn_from(item, depth + 1)

    def token(self, kind: Kind, value: str) -> str:
        key = (kind, _normal(kind, value))
        if key not in self._tokens:
            self._counts[kind] += 1
            token = f"<{kind}:{self._counts[kind]}>"
            self._tokens[key] = token
            self.values[token] = value
        return self._tokens[key]

    def restore(self, text: str, *, in_json: bool = False) -> str:
        """Tokens of this masker back to their values; others stay. `in_json`: the text is JSON itself."""

        def value(match: re.Match[str]) -> str:
            known = self.values.get(match[0], match[0])
            return json.dumps(known, ensure_ascii=False)[1:-1] if in_json else known

        return _TOKEN.sub(value, text)

    def _json_field(self, match: re.Match[str]) -> str:
        value = match[3] if _TOKEN.fullmatch(match[3]) else self.token(FIELDS[match[1]], match[3])
        return f'"{match[1]}"{match[2]}"{value}"'

    def _field(self, key: str, value: Any, depth: int, person: bool) -> Any:
        if key in _KEPT and not isinstance(value, Mapping | list | tuple):
            return value
        kind = Kind.NAME if key == "name" and person else FIELDS.get(key)
        if kind is None:
            return self.data(value, depth + 1)
        return self._whole(kind, value, depth)

    def _whole(self, kind: Kind, value: Any, depth: int) -> Any:
        if isinstance(value, list | tuple):
            return [self._whole(kind, item, depth + 1) for item in value]
        if isinstance(value, Mapping):
            return {key: self._whole(kind, item, depth + 1) for key, item in value.items()}
        if value in (None, "") or isinstance(value, bool):
            return value
        text = str(value)
        return text if _TOKEN.fullmatch(text) else self.token(kind, text)

    def _skip_known(self, text: str) -> None:
        """A token that came in must not be given again to another value."""
        if "<" not in text:
            return
        for match in _TOKEN.finditer(text):
            if match[0] not in self.values:
                self._counts[match[1]] = max(self._counts[match[1]], int(match[2]))


def mask_text(text: str, names: Iterable[str] = ()) -> str:
    """One text by itself."""
    return Masker(names).text(text)


def _normal(kind: Kind, value: str) -> str:
    """Two ways of writing one thing get one token."""
    plain = fold(value).casefold()
    if kind in (Kind.PHONE, Kind.CARD):
        return "".join(char for char in plain if char.isdecimal()) or plain
    return "".join(plain.split())
