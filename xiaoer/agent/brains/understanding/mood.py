"""How the customer feels, and the words that a person must see."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from xiaoer.agent.brains.understanding.lexicon import Lexicon
from xiaoer.agent.brains.understanding.words import read_words

# "Is this fake or real leather?" asks; it does not accuse.
_HARMLESS = re.compile(
    r"fake (?:fur|leather|plants?|flowers?|eyelashes|lashes|nails|snow|tan|blood)|or fake\b"
    r"|dispute resolution policy|假(?:睫毛|发|花|指甲|领|牙)|真的?假的"
)
_NOT_GOOD = re.compile(
    r"不(?:太|是很|怎么|够|大|是特别)?(?:满意|喜欢|好看|开心|高兴|好用|靠谱|漂亮|贴心|给力)"
    r"|(?:not|isn't|wasn't|don't|didn't|hardly|never)\s+(?:\w+\s+)?(?:great|perfect|happy|amazing|impressed|pleased|glad|love|good|beautiful|lovely)"
)
# Politeness about the future, not praise.
_WISH = re.compile(
    r"would be (?:\w+ )?(?:great|awesome|perfect|amazing|lovely|wonderful)|(?:would|i'd|really) appreciate|be great if|perfect if|happy to (?:send|pay|wait)"
    r"|great britain|希望.{0,4}(?:满意|喜欢)|喜欢的?(?:颜色|款)|想要喜欢"
)
_NOT_BAD = re.compile(
    r"不(?:生气|着急|急|烦|麻烦)|没生气|not (?:bad|angry|upset|late|worried|in a hurry)|no (?:rush|worries|hurry)"
)
_ANGRY_MARKS = re.compile("[😡🤬👿😠💢🖕]")
_SAD_MARKS = re.compile("[😭😢😞😔😩😫😣🙁☹😟💔😤🙄]|t_t|:\\(|qaq")
_HAPPY_MARKS = re.compile("[😊😍🥰😁😄😃🎉❤👍🥳💕🤩😘💖]|:\\)|\\^_\\^")
_SHOUTS = re.compile(r"[!！]{2,}|[?？]{2,}|[!！][?？]|[?？][!！]")
_DEMANDS = re.compile(
    r"退款|退钱|还钱|赔|refund|money back|my money|my order|human|人工|cancel|where is|什么时候|发货|管不管"
)
_THREATS = frozenset(
    {
        "chargeback",
        "lawyer",
        "律师",
        "12315",
        "消协",
        "scam",
        "骗",
        "BBB",
        "PayPal claim",
        "曝光",
        "police",
        "fake",
        "假货",
    }
)


@cache
def _risks() -> Lexicon:
    return Lexicon(read_words("mood")["risks"])


@cache
def _moods() -> Lexicon:
    table = read_words("mood")
    return Lexicon({mood: table[mood] for mood in ("angry", "unhappy", "happy")})


def find_risks(lowered: str) -> tuple[str, ...]:
    """Normalised risk words, each once."""
    return tuple(dict.fromkeys(_risks().find(_HARMLESS.sub(" ", lowered))))


def read_mood(plain: str, lowered: str, risks: tuple[str, ...]) -> str:
    """angry, unhappy, neutral or happy, by words and by marks of emphasis."""
    text = _WISH.sub(" ", _NOT_BAD.sub(" ", lowered))
    text, spoiled = _NOT_GOOD.subn(" ", text)
    words = Counter(_moods().find(text))
    angry = 2 * words["angry"] + 3 * _count(_ANGRY_MARKS, plain) + 2 * bool(_THREATS & set(risks))
    unhappy = words["unhappy"] + _count(_SAD_MARKS, lowered) + spoiled
    happy = words["happy"] + _count(_HAPPY_MARKS, plain)
    loud = bool(_SHOUTS.search(plain)) + 2 * _is_shouted(plain)
    return _weigh(angry, unhappy, happy, loud, bool(_DEMANDS.search(lowered)))


def _weigh(angry: int, unhappy: int, happy: int, loud: int, demands: bool) -> str:
    if angry and happy <= angry:
        return "angry"
    if loud >= 2 and (unhappy or demands):
        return "angry"
    if loud and (unhappy >= 2 or (demands and not happy)):
        return "angry" if unhappy else "unhappy"
    if happy > unhappy:
        return "happy"
    return "unhappy" if unhappy else "neutral"


def _count(pattern: re.Pattern[str], text: str) -> int:
    return min(3, sum(1 for _ in pattern.finditer(text)))


def _is_shouted(plain: str) -> bool:
    letters = [char for char in plain if char.isascii() and char.isalpha()]
    return len(letters) >= 12 and sum(char.isupper() for char in letters) > 0.7 * len(letters)
