"""From a message to features: character n-grams, words, and the things of the shop they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from xiaoer.agent.brains.understanding.concepts import concepts_in
from xiaoer.agent.brains.understanding.feelings import feelings_in
from xiaoer.agent.brains.understanding.text import bare, clip, fold, simplify

# Typed placeholders, one private character each, so that n-grams around them stay whole.
MAIL, ORDER, TRACKING, NUMBER, SMALL = "\ue001", "\ue002", "\ue003", "\ue004", "\ue005"
SHOUTED = "\ue006"  # the whole message was typed in capitals
_CAPITALS_FROM = 12  # letters; below it capitals are a product's name

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"https?://\S+|www\.\S+")
_TRACKING = re.compile(
    r"(?<![a-z0-9])(?:1z[0-9a-z]{10,16}|(?:sf|yt|jd|jt|yd|zt|yun)[0-9a-z]*\d{8,}|[a-z]{2}\d{9}[a-z]{2}|\d{18,24})"
)
_ORDER = re.compile(r"#\s*\w*\d{3,}|(?<![a-z0-9])[a-z]{1,3}-?\d{6,}|\d{8,17}")
_KEPT = frozenset({"12315", "315", "88", "3q", "666", "520", "24", "48", "72", "220", "110", "7", "11"})
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_REPEAT = re.compile(r"(.)\1{2,}")
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_CJK}]+|[^\W\d_{_CJK}]+(?:'[^\W\d_{_CJK}]+)*|[\ue000-\ue0ff]|\d+|[^\w\s]")
_MARKS = re.compile(r"[!?]{2,}")
_IS_CJK = re.compile(rf"[{_CJK}]")


def normalise(text: str) -> str:
    """Lower case, simplified, without accents, numbers and addresses as typed placeholders."""
    plain = bare(simplify(fold(clip(text))))
    text = f"{plain.lower()} {SHOUTED}" if is_shouted(plain) else plain.lower()
    text = _LINK.sub(" ", _MAIL.sub(MAIL, text))
    text = _ORDER.sub(ORDER, _TRACKING.sub(TRACKING, text))
    text = _NUMBER.sub(_number, text)
    return _REPEAT.sub(r"\1\1", text)


def is_shouted(plain: str) -> bool:
    if plain.islower():
        return False
    large, small = sum(map(str.isupper, plain)), sum(map(str.islower, plain))
    return large + small >= _CAPITALS_FROM and large > 0.7 * (large + small)


def _number(found: re.Match[str]) -> str:
    digits = found[0]
    if digits in _KEPT:
        return digits
    return SMALL if len(digits) <= 2 else NUMBER


def features(normal: str) -> list[str]:
    """All features of a text that `normalise` has seen; a feature may repeat."""
    tokens = _TOKEN.findall(normal)
    found: list[str] = []
    words: list[str] = []
    for token in tokens:
        if _IS_CJK.match(token):
            found.extend(_run_grams(token))
        elif token[0].isalpha() or token[0] >= "\ue000":
            words.append(token)
            found.extend(_word_grams(token))
        else:
            found.append(f"={token}")
    found.extend(f"w={word}" for word in words)
    found.extend(f"b={left} {right}" for left, right in pairwise(words))
    found.extend(_shape(tokens))
    found.extend(_loud(normal))
    found.extend(f"~{feeling}" for feeling in feelings_in(normal))
    concepts = concepts_in(normal)
    found.extend(f"§{concept}" for concept in concepts)
    found.extend(f"§{one}&{other}" for i, one in enumerate(concepts) for other in concepts[i + 1 :] if i < 8)
    return found


def _run_grams(run: str) -> Iterator[str]:
    """Chinese, Japanese and Korean have no spaces to lean on: n-grams over the whole run."""
    for size in (1, 2, 3, 4):
        for start in range(len(run) - size + 1):
            yield run[start : start + size]


def _word_grams(word: str) -> Iterator[str]:
    padded = f" {word} "
    for size in (3, 4, 5):
        for start in range(len(padded) - size + 1):
            yield padded[start : start + size]


def _shape(tokens: list[str]) -> Iterator[str]:
    """What the words do not tell: a bare answer is short, a question asks."""
    if not tokens:
        return
    size = sum(len(token) if _IS_CJK.match(token) else 2 for token in tokens)
    yield f"len={min(size // 4, 8)}"
    first, last = tokens[0], tokens[-1]
    yield f"^{first[:2] if _IS_CJK.match(first) else first}"
    yield f"{last[-2:] if _IS_CJK.match(last) else last}$"
    if "?" in tokens:
        yield "asks"


def _loud(normal: str) -> Iterator[str]:
    """Several marks in a row: asking twice, shouting, or both."""
    for marks in _MARKS.findall(normal):
        yield f"!{''.join(sorted(set(marks)))}"
