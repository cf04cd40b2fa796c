"""Yes, no, or "either": only where the message is an answer and hardly anything else."""

from __future__ import annotations

import re
from functools import cache

from xiaoer.agent.brains.understanding.text import bare, simplify
from xiaoer.agent.brains.understanding.words import merged, read_words

_LONGEST = 48
_LONGEST_PHRASE = 5  # words
_LONGEST_RUN = 8  # characters
_TOKEN = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]+|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+(?:['-][^\W\d_]+)*|\d+"
)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_ONLY_MARKS = re.compile(r"[\W_]+")
_YES_MARKS = frozenset("👍👌✅🆗")
_NO_MARKS = frozenset("👎❌🙅")
_FILLER = ""


@cache
def _phrases() -> dict[str, str]:
    """Every known phrase → yes, no, any, or nothing at all (politeness, hesitation)."""
    table = merged(read_words("answers"), "answers")
    known = {_spelled(word): verdict for verdict in ("any", "no", "yes") for word in table[verdict]}
    fillers = {_spelled(word): _FILLER for word in table["filler"]}
    return fillers | known


def _spelled(word: object) -> str:
    """As messages are compared: lower case, simplified, without accents."""
    return bare(simplify(str(word).lower()))


def read_answer(plain: str) -> str | None:
    """ "yes", "no" or "any"; None for anything that says more than that."""
    if len(plain) > _LONGEST or "?" in plain.strip()[:-1]:
        return None
    if _ONLY_MARKS.fullmatch(plain):
        return _by_mark(plain)
    verdicts = _cover(_TOKEN.findall(_spelled(plain)))
    if not verdicts:
        return None
    # "好的，不用了": a yes that only nods before a no. The other way round nobody knows.
    if len(set(verdicts)) == 1 or verdicts[-1] == "no":
        return verdicts[-1]
    return None


def _by_mark(plain: str) -> str | None:
    if any(char in _YES_MARKS for char in plain):
        return "yes"
    return "no" if any(char in _NO_MARKS for char in plain) else None


def _cover(tokens: list[str]) -> list[str] | None:
    """The verdicts of the phrases that the message is made of; None if anything is left over."""
    found: list[str] = []
    verdicts: list[str] | None
    place = 0
    while place < len(tokens):
        if tokens[place].isdigit():
            taken, verdicts = 1, []  # "yes, 1032": the number is a slot's business
        elif _UNSPACED.match(tokens[place]):
            taken, verdicts = 1, _cover_run(tokens[place])
        else:
            taken, verdicts = _cover_words(tokens[place : place + _LONGEST_PHRASE])
        if verdicts is None:
            return None
        found += verdicts
        place += taken
    return [verdict for verdict in found if verdict]


def _cover_words(ahead: list[str]) -> tuple[int, list[str] | None]:
    for size in range(len(ahead), 0, -1):
        verdict = _phrases().get(" ".join(ahead[:size]))
        if verdict is not None:
            return size, [verdict]
    return 1, None


def _cover_run(run: str) -> list[str] | None:
    found: list[str] = []
    start = 0
    while start < len(run):
        for size in range(min(_LONGEST_RUN, len(run) - start), 0, -1):
            verdict = _phrases().get(run[start : start + size])
            if verdict is not None:
                found.append(verdict)
                start += size
                break
        else:
            return None
    return found
