"""The words and marks that show how a customer feels, and the words that a person must see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from xiaoer.agent.brains.understanding.lexicon import Lexicon
from xiaoer.agent.brains.understanding.words import merged, read_words

MOODS = ("angry", "unhappy", "happy")
# "Is this fake or real leather?" asks; it does not accuse.
_HARMLESS = re.compile(
    r"fake (?:fur|leather|plants?|flowers?|eyelashes|lashes|nails|snow|tan|blood)|or fake\b"
    r"|dispute resolution policy|사기\s*전|假(?:睫毛|发|花|指甲|领|牙)|真的?假的"
)
_NOT_GOOD = re.compile(
    r"不(?:太|是很|怎么|够|大|是特别)?(?:满意|喜欢|好看|开心|高兴|好用|靠谱|漂亮|贴心|给力)"
    r"|(?:not|isn't|wasn't|don't|didn't|hardly|never)\s+(?:\w+\s+)?(?:great|perfect|happy|amazing|impressed|pleased|glad|love|good|beautiful|lovely)"
    r"|\b(?:no|nao|nunca) (?:me |estoy |estou |esta |e |fiquei |es )*(?:gust\w+|encant\w+|content\w+|feliz|satisfech\w+|perfect\w+|gostei|gosto|bueno|bom|boa)"
    r"|\b(?:pas|jamais) (?:tres |trop |du tout |vraiment |si )*(?:content\w*|satisfait\w*|ravie?|parfait|terrible|bien|top|genial)"
    r"|\b(?:nicht|kein) (?:sehr |besonders |gerade |wirklich |so )*(?:zufrieden|toll|gut|schon|super|begeistert|glucklich)"
    r"|\bне (?:очень |совсем |особо )*(?:довол\w+|понрав\w+|нравит\w+|рад\w*|хорош\w+)"
    r"|(?<!\w)(?:مش|مو|غير|لست) (?:راضي\w*|سعيد\w*|مبسوط\w*|حلو\w*|جيد\w*)|ما عجب\w+"
    r"|(?:满足|嬉し|気に入|気入|好き|良|よく)(?:では|じゃ|く)?(?:い|って|ら)?(?:ない|なか|ありません|いません)|(?:만족|마음에|좋지|예쁘지)(?:스럽지|하지)?\s*(?:안|않|못)"
)
# Politeness about the future, not praise.
_WISH = re.compile(
    r"would be (?:\w+ )?(?:great|awesome|perfect|amazing|lovely|wonderful)|(?:would|i'd|really) appreciate|be great if|perfect if|happy to (?:send|pay|wait)"
    r"|great britain|希望.{0,4}(?:满意|喜欢)|喜欢的?(?:颜色|款)|想要喜欢"
    r"|seria (?:genial|perfecto|otimo|excelente|bueno|bom|perfeito)|serait (?:super|genial|parfait|top|bien)|ware (?:super|toll|klasse|prima|schon|nett|perfekt)"
    r"|было бы (?:отлично|супер|здорово|прекрасно)|(?:と|たら)(?:嬉しい|助かり)|(?:면|다면)\s*(?:좋겠|감사)"
)
_NOT_BAD = re.compile(
    r"不(?:生气|着急|急|烦|麻烦)|没生气|not (?:bad|angry|upset|late|worried|in a hurry)|no (?:rush|worries|hurry)"
    r"|no estoy (?:enfadad\w|molest\w)|sin (?:prisa|problema)|sem (?:pressa|problemas?)|pas grave|pas (?:de )?(?:souci|probleme)s?|rien ne presse"
    r"|keine? (?:eile|problem|sorge|stress)|не (?:срочно|беда|волнуйтесь)|ничего страшного|مو مستعجل|مش مستعجل|لا مشكله"
    r"|急ぎ(?:では|じゃ)|急いで(?:い)?(?:ない|ません)|(?:급한|화난)\s*(?:건|거)\s*아니"
)
_MARKS = {
    "angry": re.compile("[😡🤬👿😠💢🖕]"),
    "unhappy": re.compile(r"[😭😢😞😔😩😫😣🙁☹😟💔😤🙄😕😰😥]|t_t|:\(|:'\(|qaq|(?:ㅠ|ㅜ){2,}|\({3}"),
    "happy": re.compile(r"[😊😍🥰😁😄😃🎉❤👍🥳💕🤩😘💖☺♥]|:\)|\^_?\^|♪|\){3}"),
}


@cache
def _risks() -> Lexicon:
    return Lexicon(merged(read_words("mood")["risks"], "mood.risks"), overlapping=True)


@cache
def _moods() -> Lexicon:
    table = merged(read_words("mood"), "mood")
    return Lexicon({mood: table[mood] for mood in MOODS}, overlapping=True)


def find_risks(normal: str) -> tuple[str, ...]:
    """Normalised risk words, each once, of a lower-case, simplified text."""
    return tuple(dict.fromkeys(_risks().find(_HARMLESS.sub(" ", normal))))


def feelings_in(normal: str) -> Iterator[str]:
    """One mood for every word and mark that shows it; good words denied are not good."""
    text = _WISH.sub(" ", _NOT_BAD.sub(" ", normal))
    text, spoiled = _NOT_GOOD.subn(" ", text)
    yield from ["unhappy"] * spoiled
    yield from _moods().find(text)
    for mood, marks in _MARKS.items():
        yield from [mood] * min(3, sum(1 for _ in marks.finditer(normal)))
