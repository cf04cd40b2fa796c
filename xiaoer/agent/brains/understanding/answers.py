"""Yes, no, or "either": only where the message is an answer and hardly anything else."""

from __future__ import annotations

import re
from functools import cache

from xiaoer.agent.brains.understanding.words import read_words

_DECORATION = re.compile(
    r"[\s,.!?~。，！？、…:;\"()<>*_-]+|[\U0001F300-\U0001FAFF\u2600-\u27bf\ufe0f\u200d]+"
)
_POLITE = re.compile(
    r"(?:谢谢您?你?|谢了|亲爱的|亲|麻烦|哈+|呢|啦|哦+|哈|呀|啊|吧|嘛|了|滴|哒|的话|呗)+$|^(?:那就?|嗯+|呃+|额+|哦+|亲|噢)+(?=.)"
)
_POLITE_WORD = re.compile(
    r"please|thanks?|you|thx|mate|bitte|danke|merci|gracias|grazie|obrigad[oa]|por|favor|s'il|vous|plaît|per|favore"
    r"|then|just|oh|well|um|uh|hmm|so|it|that|actually|sir"
)
_YES_MARKS = frozenset("👍👌✅🆗")
_NO_MARKS = frozenset("👎❌🙅")
_LONGEST = 40


def read_answer(plain: str) -> str | None:
    """ "yes", "no" or "any"; None for anything that says more than that."""
    if len(plain) > _LONGEST:
        return None
    bare = " ".join(_DECORATION.sub(" ", plain.lower()).split())
    if not bare:
        return _by_mark(plain)
    return _look_up(bare) or _look_up(_without_politeness(bare)) or _of_parts(plain.lower())


def _by_mark(plain: str) -> str | None:
    if any(char in _YES_MARKS for char in plain):
        return "yes"
    return "no" if any(char in _NO_MARKS for char in plain) else None


@cache
def _table() -> dict[str, str]:
    return {str(word): verdict for verdict, words in read_words("answers").items() for word in words}


def _look_up(bare: str) -> str | None:
    return _table().get(bare) or _table().get(bare.replace(" ", ""))


def _without_politeness(bare: str) -> str:
    words = [word for word in bare.split() if not _POLITE_WORD.fullmatch(word)]
    joined = " ".join(words)
    for _ in range(3):
        joined = _POLITE.sub("", joined).strip()
    return joined


def _of_parts(lowered: str) -> str | None:
    """ "Yes, please do" or "好的，办吧": parts that all say the same."""
    parts = [" ".join(part.split()) for part in re.split(r"[\s,.!。，！、;~-]{1,3}(?=\S)", lowered)]
    pieces = [_look_up(part) or _look_up(_without_politeness(part)) for part in parts if part]
    if len(parts) > 1 and pieces and pieces[0] and len(set(pieces)) == 1:
        return pieces[0]
    commas = [" ".join(_DECORATION.sub(" ", part).split()) for part in re.split(r"[,，。.!！;]", lowered)]
    said = [_look_up(part) or _look_up(_without_politeness(part)) for part in commas if part]
    if (
        len(said) > 1
        and said[0]
        and all(verdict in (said[0], None) for verdict in said[:2])
        and said[-1] == said[0]
    ):
        return said[0]
    return None
