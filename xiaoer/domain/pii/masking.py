"""Typed, stable tokens in the place of personal data: the same mail is `<email:1>` throughout one text."""

from __future__ import annotations

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
        "event",
        "level",
    }
    | {"timestamp", "logger"}
)
_DEEPEST = 40


class Masker:
    """Masks several texts with one count, and can give the values back as long as it lives.

    `names` are those that the record knows. It keeps what it masked: let it go with the turn.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = tuple(dict.fromkeys(name for name in names if name.strip()))
        self.values: dict[str, str] = {}  # token → what stood there first
        self._tokens: dict[tuple[Kind, str], str] = {}
        self._counts: Counter[str] = Counter()

    def text(self, text: str) -> str:
        """The text with tokens; tokens that stand in it already stay what they are."""
        self._skip_known(text)
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
            return {key: self._field(str(key), item, depth) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item, depth + 1) for item in value]
        return value

    def token(self, kind: Kind, value: str) -> str:
        key = (kind, _normal(kind, value))
        if key not in self._tokens:
            self._counts[kind] += 1
            token = f"<{kind}:{self._counts[kind]}>"
            self._tokens[key] = token
            self.values[token] = value
        return self._tokens[key]

    def restore(self, text: str) -> str:
        """Tokens of this masker back to their values; others stay."""
        return _TOKEN.sub(lambda match: self.values.get(match[0], match[0]), text)

    def _field(self, key: str, value: Any, depth: int) -> Any:
        if key in _KEPT and not isinstance(value, Mapping | list | tuple):
            return value
        kind = FIELDS.get(key)
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
