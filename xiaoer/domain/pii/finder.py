"""The order of finding: what checks itself first, then guards, then what only its shape tells."""

from __future__ import annotations

import re
from collections.abc import Iterable

from xiaoer.domain.pii.addresses import take_addresses, take_named_addresses, take_postcodes
from xiaoer.domain.pii.guards import guard_numbers
from xiaoer.domain.pii.names import take_names
from xiaoer.domain.pii.numbers import take_accounts, take_cards, take_emails, take_ids, take_phones
from xiaoer.domain.pii.search import Found, Kind, Search

__all__ = ["Found", "Kind", "find_pii"]

# Text without a digit and without @ can hold a name at most; most text is like that.
_WORTH_A_LOOK = re.compile(r"\d|[@＠]|[零一二三四五六七八九〇幺]{6}")
LONGEST = 100_000  # characters; what is longer is looked at in pieces by the caller


def find_pii(text: str, names: Iterable[str] = ()) -> tuple[Found, ...]:
    """Personal data in reading order, never overlapping; `names` are those that the record knows."""
    search = Search.of(text)
    if _WORTH_A_LOOK.search(text):
        take_emails(search)
        take_accounts(search)
        take_ids(search)
        guard_numbers(search)
        take_cards(search)
        take_addresses(search)
        take_phones(search)
        take_named_addresses(search)
        take_postcodes(search)
    take_names(search, names)
    return tuple(sorted(search.found, key=lambda found: found.start))
