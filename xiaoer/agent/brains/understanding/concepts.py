"""The things a shop's customers speak of, in the words of ten languages: one feature for each.

A lexicon of a few hundred words lets what was learned from Chinese and English examples carry over
to wordings and languages of which there are fewer.
"""

from __future__ import annotations

from functools import cache

from xiaoer.agent.brains.understanding.lexicon import Lexicon
from xiaoer.agent.brains.understanding.words import merged, read_words


@cache
def _lexicon() -> Lexicon:
    return Lexicon(merged(read_words("concepts"), "concepts"))


def concepts_in(normal: str) -> list[str]:
    """Concepts in the order of the text, each once."""
    return list(dict.fromkeys(_lexicon().find(normal)))
