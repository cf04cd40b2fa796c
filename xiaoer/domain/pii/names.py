"""Names that the record knows: found in any order and case, whole or by their telling parts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from xiaoer.domain.pii.search import Kind, Search, fold

_LEAST_LATIN = 3  # a shorter part ("Li", "Jo") would be found in every other sentence
_MOST_WORDS = 8
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff가-힣]")


def take_names(search: Search, names: Iterable[str]) -> None:
    for pattern in _patterns(names):
        search.each(Kind.NAME, pattern)


def _patterns(names: Iterable[str]) -> list[re.Pattern[str]]:
    wholes: dict[str, None] = {}
    parts: dict[str, None] = {}
    for name in names:
        words = re.findall(r"[^\W\d_][\w'’-]*", fold(name))
        # One letter is no name to look for: it stands in every text.
        if sum(map(len, words)) < 2 or len(words) > _MOST_WORDS:
            continue
        if _CJK.search(name):
            wholes[r"\s?".join(re.escape(char) for char in "".join(words))] = None
            continue
        for order in (words, words[::-1], [*words[-1:], *words[:-1]]):
            wholes[r"[\s,.]{1,3}".join(re.escape(word) for word in order)] = None
        parts |= {re.escape(word): None for word in words if len(word) >= _LEAST_LATIN and len(words) > 1}
    # A part counts as a name only with its capital: "rose" is a flower, "Rose" the customer.
    whole = [
        re.compile(rf"(?<!\w){form}(?!\w)" if not _CJK.search(form) else form, re.IGNORECASE)
        for form in wholes
    ]
    return whole + [re.compile(rf"(?<!\w)(?:{form}|{form.upper()})(?!\w)") for form in parts]
