"""One normal form of everything that people type: numbers, names, mails, phones, postcodes."""

from __future__ import annotations

import re
import unicodedata

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_NO_WORD = re.compile(r"[^\w]+|_+")
PHONE_TAIL = 4


def storable(text: str) -> str:
    """Without NUL, which PostgreSQL refuses, and without half characters, which nothing can encode."""
    return "".join(char for char in text if char != "\x00" and not "\ud800" <= char <= "\udfff")


def fold(text: str) -> str:
    """Half width, no accents, no case."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text))
    return "".join(char for char in plain if not unicodedata.combining(char)).casefold()


def email_key(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def phone_tail_key(text: str) -> str:
    """The last four digits, or nothing when there are fewer."""
    digits = "".join(
        str(unicodedata.digit(char)) for char in text if unicodedata.digit(char, None) is not None
    )
    return digits[-PHONE_TAIL:] if len(digits) >= PHONE_TAIL else ""


def name_key(text: str) -> str:
    """ "Rossi, Yusuf" and "yusuf rossi" agree; a Chinese name has no spaces that matter."""
    words = _NO_WORD.sub(" ", fold(text)).split()
    if _HAN.search(text):
        return "".join(words)
    return " ".join(sorted(words))


def postcode_key(text: str) -> str:
    """Letters and digits; of a nine-digit US ZIP only the first five, which is what people know."""
    key = "".join(char for char in fold(text) if char.isalnum())
    return key[:5] if len(key) == 9 and key.isdigit() else key


def tracking_key(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(char for char in plain if char.isalnum())


def search_terms(text: str) -> tuple[str, ...]:
    """Words of a query: of Latin script whole ones, of Chinese every pair of neighbours.

    Words of one or two letters count only where nothing longer is said.
    """
    terms: list[str] = []
    for word in _NO_WORD.sub(" ", fold(text)).split():
        terms += _pieces(word)
    telling = [term for term in terms if len(term) > 2 or not term.isascii()]
    return tuple(dict.fromkeys(telling or terms))


def _pieces(word: str) -> list[str]:
    found: list[str] = []
    for run in re.findall(r"[\u3400-\u9fff\uf900-\ufaff]+|[^\u3400-\u9fff\uf900-\ufaff]+", word):
        if not _HAN.match(run) or len(run) == 1:
            found.append(run)
        else:
            found += [run[at : at + 2] for at in range(len(run) - 1)]
    return found
