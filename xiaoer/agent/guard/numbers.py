"""Amounts as people say them: words of ten languages, figures of every notation, shares of a whole.

Own and compact: the libraries for it (cn2an, word2number, num2words) cover one language each or only write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache

_LONGEST_PLAIN = 20
_NUMBER = r"\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"
_SCALE = r"(?:\s?(?:k\b|万|萬|만|千|천|thousand|mille?|mil\b|tausend|тысяч\w*|тыс\.?|الف|m\b))?"
_UNITS = (
    r"元|块钱|块(?!儿|寄|发|退|处|送)|圆|刀(?!具)|美元|美金|欧元|英镑|人民币|円|ドル|ユーロ|원|달러|유로|위안"
    r"|(?:dollars?|dollari|bucks|quid|pounds?|euros?|yuan|rmb|usd|cny|eur|gbp|jpy|krw|brl|dolares|dolar|reais|real|pesos?|libras?|pfund)\b"
    r"|(?:доллар|евро|рубл|юан|фунт)\w*|руб\b|(?:دولار|يورو|ريال|درهم|جنيه|يوان)\w*"
)
_AMOUNT = re.compile(
    rf"(?:us\$|r\$|hk\$|[$¥€£₩₽]|usd|cny|rmb|eur|gbp)\s*({_NUMBER})({_SCALE})"
    rf"|({_NUMBER})({_SCALE})\s*(?:[$¥€£₩₽]|{_UNITS})"
)
_UNIT = re.compile(_UNITS)
# Without one of these a text names no currency by its word.
_CURRENCY = re.compile(
    "doll|buck|quid|pound|euro|yuan|rmb|usd|cny|eur|gbp|jpy|krw|brl|dolar|reai|real|peso|libra|pfund|[元块圆刀美欧英人円ド원달유위]"
    "|долл|евро|руб|юан|фунт|دول|يور|ريا|دره|جني|يوا"
)
_SCALES = {
    "k": 1000, "万": 10_000, "萬": 10_000, "만": 10_000, "千": 1000, "천": 1000, "m": 1_000_000,
    "thousand": 1000, "mil": 1000, "mill": 1000, "mille": 1000, "tausend": 1000, "الف": 1000,
}  # fmt: skip


def amounts_in(text: str) -> Iterator[str]:
    """Every amount of money as normalised digits: `$1,272.30`, `1.272,30 €` and `六百八十元` alike."""
    worded = _CURRENCY.search(text) is not None
    for match in _AMOUNT.finditer(text) if worded or _SIGN.search(text) else ():
        digits, scale = (match.group(1), match.group(2)) if match.group(1) else match.group(3, 4)
        value = plain_number(digits)
        if value:
            yield _scaled(value, scale.strip().lower())
    if worded:
        yield from amounts_in_words(text)


_SIGN = re.compile("[$¥€£₩₽]")


def _scaled(value: str, scale: str) -> str:
    if not scale:
        return value
    factor = _SCALES.get(scale, 1000)
    return format((Decimal(value) * factor).normalize(), "f")


def plain_number(text: str) -> str:
    """`1,272.30`, `1.272,30` and `1 272,3` as `1272.3`; empty when it is no number."""
    if text.isascii() and text.isdigit() and len(text) < _LONGEST_PLAIN:
        return str(int(text))  # most numbers of a record; a Decimal takes ten times as long
    try:
        value = Decimal(_with_point(re.sub(r"[\s'\u00a0\u202f]", "", text).replace("，", ","))).normalize()
    except InvalidOperation:
        return ""
    return format(value, "f")


def _with_point(text: str) -> str:
    comma, point = text.rfind(","), text.rfind(".")
    if comma >= 0 and point >= 0:
        return text.replace("." if comma > point else ",", "").replace(",", ".")
    if comma >= 0:
        thousands = len(text) - comma == 4 and text[:comma].replace(",", "") not in ("", "0")
        return text.replace(",", "" if thousands or text.count(",") > 1 else ".")
    if text.count(".") > 1:
        return text.replace(".", "")
    return text


# ── words ────────────────────────────────────────────────────────────────────────────────────

_TABLES = """
en zero:0 one:1 two:2 three:3 four:4 five:5 six:6 seven:7 eight:8 nine:9 ten:10 eleven:11 twelve:12 thirteen:13
 fourteen:14 fifteen:15 sixteen:16 seventeen:17 eighteen:18 nineteen:19 twenty:20 thirty:30 forty:40 fourty:40
 fifty:50 sixty:60 seventy:70 eighty:80 ninety:90 hundred:100 thousand:1000 million:1000000 dozen:12
es uno:1 un:1 una:1 dos:2 tres:3 cuatro:4 cinco:5 seis:6 siete:7 ocho:8 nueve:9 diez:10 once:11 doce:12 trece:13
 catorce:14 quince:15 dieciseis:16 diecisiete:17 dieciocho:18 diecinueve:19 veinte:20 veintiuno:21 veintidos:22
 veinticinco:25 treinta:30 cuarenta:40 cincuenta:50 sesenta:60 setenta:70 ochenta:80 noventa:90 cien:100
 ciento:100 doscientos:200 trescientos:300 cuatrocientos:400 quinientos:500 seiscientos:600 setecientos:700
 ochocientos:800 novecientos:900 mil:1000 millon:1000000 millones:1000000
fr deux:2 trois:3 quatre:4 cinq:5 sept:7 huit:8 neuf:9 dix:10 onze:11 douze:12 treize:13 quatorze:14 quinze:15
 seize:16 vingt:20 vingts:20 trente:30 quarante:40 cinquante:50 soixante:60 cent:100 cents:100 mille:1000
 septante:70 nonante:90 quatrevingt:80 quatrevingts:80
de null:0 ein:1 eine:1 einen:1 zwei:2 drei:3 vier:4 funf:5 sechs:6 sieben:7 acht:8 neun:9 zehn:10 elf:11 zwolf:12
 dreizehn:13 vierzehn:14 funfzehn:15 sechzehn:16 siebzehn:17 achtzehn:18 neunzehn:19 zwanzig:20 dreissig:30
 vierzig:40 funfzig:50 sechzig:60 siebzig:70 achtzig:80 neunzig:90 hundert:100 tausend:1000
pt um:1 uma:1 dois:2 duas:2 quatro:4 oito:8 nove:9 dez:10 doze:12 treze:13 quatorze:14 dezesseis:16 dezessete:17
 dezoito:18 dezenove:19 vinte:20 trinta:30 quarenta:40 cinquenta:50 sessenta:60 setenta:70 oitenta:80
 noventa:90 cem:100 cento:100 duzentos:200 trezentos:300 quatrocentos:400 quinhentos:500 seiscentos:600
 setecentos:700 oitocentos:800 novecentos:900
ru ноль:0 один:1 одна:1 два:2 две:2 три:3 четыре:4 пять:5 шесть:6 семь:7 восемь:8 девять:9 десять:10
 одиннадцать:11 двенадцать:12 тринадцать:13 четырнадцать:14 пятнадцать:15 шестнадцать:16 семнадцать:17
 восемнадцать:18 девятнадцать:19 двадцать:20 тридцать:30 сорок:40 пятьдесят:50 шестьдесят:60 семьдесят:70
 восемьдесят:80 девяносто:90 сто:100 двести:200 триста:300 четыреста:400 пятьсот:500 шестьсот:600 семьсот:700
 восемьсот:800 девятьсот:900 тысяча:1000 тысячи:1000 тысяч:1000 миллион:1000000
ar واحد:1 اثنان:2 اثنين:2 ثلاثه:3 ثلاث:3 اربعه:4 اربع:4 خمسه:5 خمس:5 سته:6 ست:6 سبعه:7 سبع:7 ثمانيه:8 ثمان:8
 تسعه:9 تسع:9 عشره:10 عشر:10 عشرون:20 عشرين:20 ثلاثون:30 ثلاثين:30 اربعون:40 اربعين:40 خمسون:50 خمسين:50
 ستون:60 ستين:60 سبعون:70 سبعين:70 ثمانون:80 ثمانين:80 تسعون:90 تسعين:90 مائه:100 مايه:100 ميه:100 مئه:100 مائتان:200
 مائتين:200 ميتان:200 ميتين:200 ثلاثمائه:300 ثلاثمايه:300 اربعمائه:400 خمسمائه:500 خمسمايه:500 الف:1000 الفان:2000 الاف:1000
"""
WORDS: dict[str, int] = {
    pair.split(":")[0]: int(pair.split(":")[1]) for pair in _TABLES.split() if ":" in pair
}
_LINKS = frozenset(["and", "y", "e", "et", "und", "of", "de", "و", "i"])
_TOKEN = re.compile(r"[^\W\d_]+")
_HAN = dict(
    zip(
        "零〇一二两三四五六七八九壹贰叁肆伍陆柒捌玖俩",
        (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2),
        strict=True,
    )
)
_HAN |= dict(zip("영공일이삼사오육칠팔구", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_HAN_STEPS = {
    "十": 10,
    "拾": 10,
    "百": 100,
    "佰": 100,
    "千": 1000,
    "仟": 1000,
    "십": 10,
    "백": 100,
    "천": 1000,
}
_HAN_GROUPS = {"万": 10_000, "萬": 10_000, "만": 10_000, "亿": 100_000_000, "억": 100_000_000}
HAN_NUMBER = "[" + "".join([*_HAN, *_HAN_STEPS, *_HAN_GROUPS]) + "]+"
_HAN_BEFORE = re.compile(rf"(?<![\d.])({HAN_NUMBER})\s*$")
_LOOK_BACK = 90


def amounts_in_words(text: str) -> Iterator[str]:
    """Amounts whose number is spelled out before its currency: "fifty dollars", "六百八十元"."""
    for unit in _UNIT.finditer(text):
        before = text[max(0, unit.start() - _LOOK_BACK) : unit.start()]
        value = number_before(before)
        if value:
            yield str(value)


def number_before(text: str) -> int | None:
    """The number that the last words of a text spell; None when they spell none."""
    han = _HAN_BEFORE.search(text)
    if han is not None:
        return han_number(han.group(1))
    values: list[int] = []
    for token in reversed(re.split(r"[\s-]+", text.rstrip())):
        found = _values(token)
        if found is None:
            if token in _LINKS and values:
                continue
            break
        values = [*found, *values]
    return _combined(values) if values else None


@lru_cache(maxsize=2048)
def _values(token: str) -> tuple[int, ...] | None:
    if token in WORDS:
        return (WORDS[token],)
    if token.startswith("و") and token[1:] in WORDS:
        return (WORDS[token[1:]],)
    return _compound(token)


def _compound(token: str) -> tuple[int, ...] | None:
    """ "zweihundertfunfzig": parts of one written word, from its longest."""
    values: list[int] = []
    while token:
        part = next((token[:n] for n in range(len(token), 2, -1) if token[:n] in WORDS), "")
        if not part and not (values and token.startswith("und")):
            return None
        if part:
            values.append(WORDS[part])
        token = token[len(part) or 3 :]
    return tuple(values) if len(values) > 1 else None


def _combined(values: Sequence[int]) -> int:
    total = current = 0
    for value in values:
        if value >= 1000:
            total += max(current, 1) * value
            current = 0
        elif value == 100:
            current = max(current, 1) * 100
        elif value == 20 and current % 100 == 4:  # quatre-vingts
            current += 76
        else:
            current += value
    return total + current


def han_number(text: str) -> int | None:
    """Chinese, Japanese and Korean numerals up to hundreds of millions; digits in a row count as such."""
    if not any(char in _HAN_STEPS or char in _HAN_GROUPS for char in text):
        return int("".join(str(_HAN[char]) for char in text))
    total = section = digit = 0
    for char in text:
        if char in _HAN:
            digit = _HAN[char]
        elif char in _HAN_STEPS:
            section += (digit or 1) * _HAN_STEPS[char]
            digit = 0
        else:
            total = (total + (section + digit or 1)) * _HAN_GROUPS[char]
            section = digit = 0
    return total + section + digit


# ── shares ───────────────────────────────────────────────────────────────────────────────────

_PERCENT = re.compile(
    r"(\d{1,3})(?:[.,]\d+)?\s*(?:%|٪|percent\b|per cent|por ciento|prozent|pour cent|por cento|パーセント|퍼센트|процент\w*|بالمئه|بالمائه|بالميه)"
)
_FULL = re.compile(
    r"\b(?:full|fully|in full|entire|whole|complete) (?:\w+ )?(?:refund\w*|amount|reimburse\w*|price|money)\b|\brefund\w* (?:\w+ ){0,3}in full\b"
    r"|全额|全款|全部(?:退|返)|全数|\breembols\w+ (?:complet|total|integr)\w*|\brembours\w+ (?:integral|total|complet)\w*"
    r"|\bvoll\w* (?:\w*erstatt|betrag|kaufpreis|ruckzahl)\w*|전액|полн\w+ (?:возврат|возмещ|сумм|стоимост)\w*|كامل المبلغ|المبلغ (?:كامل|بالكامل)"
)
_HALF = re.compile(
    r"\bhalf (?:of )?(?:the |your |a )?(?:refund|money|price|amount|back)\b|半额|半价|一半|\bla mitad\b|\bla moitie\b|\bdie halfte\b"
    r"|\bmetade\b|절반|반값|половин\w+|نصف"
)


def percents_in(text: str) -> Iterator[int]:
    for match in _PERCENT.finditer(text):
        yield int(match.group(1))


def shares_in(text: str) -> Iterator[int]:
    """Shares of money in percent: "50 % refund", "全额", "la mitad"; expects the plain form."""
    yield from percents_in(text)
    if _FULL.search(text):
        yield 100
    if _HALF.search(text):
        yield 50
