"""Which of several languages that share words a sentence is in."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Words that carry grammar alone: of several Latin languages that know a sentence's words, the one that
# has most of these speaks it, and its denials count. ("se" is "if" in one and "itself" in the next.)
_GRAMMAR = {
    "en": "the your is has been was i we you it to of for and that will not have are on my be in",
    "es": "cuando por aqui aun manana sera hasta el la su se ha le los las un una que y en por sido fue ya no lo del con he hemos esta para su",
    "fr": "le la votre vous nous a ete est les un une de du que et sur je il pas sera des ne avons dans",
    "de": "der die das ihr ihre ihnen ich wir ist wurde sie es haben habe und nicht den dem ein eine auf",
    "pt": "sera dia amanha quando for por aqui ainda ate o a seu sua foi os as um uma que e em no na ja nao do da voce esta com para ao pelo ser",
}
_GRAMMAR_WORDS = {lang: frozenset(words.split()) for lang, words in _GRAMMAR.items()}
_CLEAR = 3  # fewer words of grammar than this do not tell languages apart
_WORD = re.compile("[a-z]+")


def main_languages(text: str, langs: Sequence[str]) -> frozenset[str]:
    """The languages, of these, whose denials count for any claim in this sentence."""
    latin = [lang for lang in langs if lang in _GRAMMAR_WORDS]
    others = set(langs) - set(latin)
    if len(latin) < 2:
        return frozenset(langs)
    words = _WORD.findall(text)
    scores = {lang: sum(word in _GRAMMAR_WORDS[lang] for word in words) for lang in latin}
    best = max(scores.values())
    return frozenset(others | {lang for lang, score in scores.items() if score >= best - (best < _CLEAR)})
