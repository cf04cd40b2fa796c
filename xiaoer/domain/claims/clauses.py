"""Where a text's sentences and clauses end, and in which languages it may be written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xiaoer.domain.claims.lexicon import Lexicon, lexicons

# No full stop behind a figure ("1. track") or inside one; a line is a sentence.
SENTENCE = re.compile(r"[^.!?。؟\n]*(?:(?<=\d)\.(?=\S)[^.!?。؟\n]*|\.(?=[^\s\"')”])[^.!?。؟\n]*)*[.!?。؟\n]*")
_CLAUSE = re.compile(r",(?!\d)|;|:(?!\d)|、|،|؛|\(|\)|\[|\]|\"|“|”|«|»|„|—|–| - |\.\.\.|…|->|→|>|<|\||\*\*")
_SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7a3]")),
    ("ru", re.compile("[\u0430-\u044f]")),
    ("ar", re.compile("[\u0621-\u064a]")),
)
_KANA = re.compile("[\u3040-\u30ff]")
_KANA_SHARE = 8  # a text with one kana in eight signs is Japanese; fewer may be strewn into Chinese
_LATIN = ("en", "es", "fr", "de", "pt")
_WORDS = re.compile(r"[^\W\d_]+")
_LETTERS = re.compile("[a-z]{3}")


def spoken_in(text: str) -> list[Lexicon]:
    """The languages whose letters occur; a model may change them within a sentence."""
    known = lexicons()
    spoken = [known[lang] for lang, letters in _SCRIPTS if letters.search(text)]
    kana = len(_KANA.findall(text))
    if kana and kana * _KANA_SHARE > len(text):
        spoken.remove(known["zh"]) if known["zh"] in spoken else None
    if _LETTERS.search(text):
        spoken += [known[lang] for lang in _LATIN]
    return spoken


# "お金、もうカードに": a topic before its comma is no clause of its own.
_TOPIC_COMMA = re.compile("(^[^、,。]{1,8}[^されてらば、])、(?=.*[\u3040-\u30ff])")


def clauses_of(text: str, spoken: Sequence[Lexicon]) -> list[str]:
    """The clauses of one sentence; a sentence without any is one clause."""
    parts = _CLAUSE.split(_TOPIC_COMMA.sub(r"\1", text))
    for lexicon in spoken:
        parts = [piece for part in parts for piece in lexicon.joins.split(part) if piece]
    return [part for part in parts if part.strip()] or [text]


def brief(text: str) -> bool:
    """A cry and no sentence: "All done", "搞定了"."""
    return len(_WORDS.findall(text)) <= _CRY_WORDS and len(text) <= _CRY


_CRY_WORDS, _CRY = 3, 20
ASIDE = 40  # a clause that leaves its object to the one before it is short


def conditional(lex: Lexicon, clause: str) -> bool:
    """A condition stands in the clause, before or behind what it binds."""
    return bool(lex.conditions.search(clause) or lex.conditions_past.search(clause))


def past_condition(lex: Lexicon, text: str, end: int) -> bool:
    """ "收到退货后为您退款": a condition behind its clause, unless what follows it has happened."""
    ends = [found.end() for found in lex.conditions_past.finditer(text[:end])]
    return bool(ends) and not lex.perfect.search(text[ends[-1] : end + 1])
