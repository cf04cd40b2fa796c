"""Which of our languages a message is in: script first, then words, then statistics."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from xiaoer.agent.brains.understanding.hanzi import SIMPLIFIED, TRADITIONAL

_LATIN = ("en", "es", "fr", "de", "pt")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af\u3131-\u318e]")
_ARABIC = re.compile(r"[\u0600-\u0659\u066e-\u06ef\u06fa-\u06ff]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[a-zà-öø-ÿœßñ]+(?:'[a-zà-ÿ]+)*")
_NOISE = re.compile(r"\S+@\S+|https?://\S+|[#a-z]*\d\S*", re.IGNORECASE)

# Words that alone tell the language, and letters that nearly do.
_TELLING: dict[str, frozenset[str]] = {
    "en": frozenset(
        """the is my where order i you it hi hello hey thanks thank please what when have not can want yes no
        ok sure do of for and with refund cancel return shipping shipped package parcel tracking delivered still
        was are this that there how any your need help bye where's it's don't never got get wheres hasnt didn't
        yep nope morning item items sent send card coupon discount email last four agent human broken wrong size
        number late received stock invoice receipt address change exchange stuck customs""".split()
    ),
    "es": frozenset(
        """el la los mi pedido dónde donde está esta hola gracias quiero por favor cuándo cuando no sí para con
        del es una uno qué que envío paquete reembolso cancelar devolver llegó llega ha he tengo cómo como buenos
        buenas días factura talla dinero recibí adiós necesito mis han su ustedes todavía aún puedo hay""".split()
    ),
    "fr": frozenset(
        """le les je mon ma mes où est bonjour merci colis commande voudrais veux quand pas s'il vous plaît pour
        avec du des une un salut remboursement annuler livraison livré suis j'ai n'ai c'est l'ai qu'est oui non
        taille facture reçu votre vos au ce cette toujours et il elle bonsoir puis-je peut""".split()
    ),
    "de": frozenset(
        """der die das mein meine meinen wo ist hallo danke bitte ich nicht und bestellung paket sendung wann
        möchte will geld zurück guten tag stornieren lieferung rechnung ja nein noch keine kein habe hat mit für
        ein eine wurde kommt auf zu es sie wie kann größe rückerstattung umtauschen""".split()
    ),
    "pt": frozenset(
        """o os meu minha pedido onde está olá oi obrigado obrigada quero por favor quando não nao sim para com
        uma um cadê encomenda entrega reembolso cancelar devolver chegou dinheiro nota fiscal tamanho recebi
        vocês voces ainda como meus bom dia boa tarde você já foi do da preciso tem""".split()
    ),
}
_MARKS: tuple[tuple[str, str], ...] = (
    ("ñ¿¡", "es"),
    ("ßäöü", "de"),
    ("ãõ", "pt"),
    ("çèêœùëîû", "fr"),
)
_PINYIN = frozenset(
    """kuaidi dao nale nali wuliu dingdan tuikuan tuihuo fahuo qianshou dizhi quxiao rengong kefu xiexie nihao
    shenme shihou meiyou zenme duoshao qian danhao youhui fapiao huanhuo haoma buhuo kuai di na le ni hao xie
    tui kuan huo shen me shi hou mei shou fa dan zhuan ren gong wo de bu yao tou su ji tian ma ne hai gai""".split()
)
_STATISTICS_FROM = 3  # words; below it statistics guess


def detect_language(text: str, lang_hint: str | None = None) -> str:
    """One of our languages; the hint, else English, when there is nothing to judge by."""
    by_script = _by_script(text)
    if by_script:
        return by_script
    words = _WORD.findall(_NOISE.sub(" ", text.lower()))
    if not words:
        return lang_hint or "en"
    return _by_words(words, lang_hint)


def _by_script(text: str) -> str | None:
    if text.isascii():
        return None
    if len(_KANA.findall(text)) >= 1 and _HAN.search(text) is None:
        return "ja"
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    # A single の is fashionable in Chinese; kana in quantity is Japanese.
    if kana >= 2 or (kana and kana * 6 >= han):
        return "ja"
    counts = {
        "ko": len(_HANGUL.findall(text)),
        "ar": len(_ARABIC.findall(text)),
        "ru": len(_CYRILLIC.findall(text)),
    }
    best = max(counts, key=lambda lang: counts[lang])
    if counts[best] >= 2 and counts[best] >= han:
        return best
    return _which_chinese(text) if han else None


def _which_chinese(text: str) -> str:
    old = sum(char in TRADITIONAL for char in text)
    new = sum(char in SIMPLIFIED for char in text)
    return "zh-Hant" if old > new else "zh"


def _by_words(words: list[str], lang_hint: str | None) -> str:
    if sum(word in _PINYIN for word in words) >= max(2, 0.7 * len(words)) and not _is_english(words):
        return "zh"
    scores = {lang: sum(word in told for word in words) for lang, told in _TELLING.items()}
    for marks, lang in _MARKS:
        scores[lang] += sum(any(mark in word for mark in marks) for word in words)
    ranked = sorted(scores, key=lambda lang: -scores[lang])
    if scores[ranked[0]] > scores[ranked[1]]:
        return ranked[0]
    tied = [lang for lang in ranked if scores[lang] == scores[ranked[0]]]
    if len(words) >= _STATISTICS_FROM:
        return _by_statistics(" ".join(words), tied)
    base = (lang_hint or "").split("-")[0]
    return lang_hint if lang_hint and (base in tied or scores[ranked[0]] == 0) else tied[0]


def _is_english(words: list[str]) -> bool:
    return sum(word in _TELLING["en"] for word in words) * 2 >= len(words)


def _by_statistics(text: str, among: list[str]) -> str:
    ranked: list[tuple[str, float]] = _identifier().rank(text)
    return next((lang for lang, _ in ranked if lang in among), "en")


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(_LATIN))
    return identifier


def warm_up() -> None:
    """Load the statistics before the first customer needs them (0.7 s)."""
    _identifier()
