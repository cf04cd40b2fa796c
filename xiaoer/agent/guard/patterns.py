"""How numbers of things, contacts, addresses, links and secrets look in a reply, plain, spelled out or encoded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xiaoer.agent.guard.numbers import amounts_in, plain_number
from xiaoer.agent.guard.times import dates_in

__all__ = ["amounts_in", "codes_in", "contacts_in", "dates_in", "has_image", "hosts_in", "plain_number"]

# Numbers that name something: orders, parcels, actions, coupons. Eight characters with three digits in
# a row, an id of ours (A-…), or #1001. Chinese glues them to words, so \b would not do.
_CODE = re.compile(
    r"#[A-Za-z]?\d{3,}"
    r"|(?<![A-Za-z0-9])[A-Za-z]{1,4}-[0-9A-Za-z]{8,16}(?![A-Za-z0-9])(?=[^ ]*\d)"
    r"|(?<![A-Za-z0-9-])(?!\d{4}-\d{2}-\d{2}(?!\d))(?=[A-Za-z0-9-]*\d{3})[A-Za-z0-9][A-Za-z0-9-]{6,40}[A-Za-z0-9](?![A-Za-z0-9-])"
)
# Begun at the start of a run alone: a long run without "@" is read once.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
# "jane (at) example dot com", "jane[at]example.com"
_SPELLED_MAIL = re.compile(
    r"([\w.+-]+)\s*(?:\(at\)|\[at\]|\{at\}|\s+at\s+|＠|艾特|圈a|arroba|собака)\s*"
    r"([\w-]+(?:\s*(?:\.|\(dot\)|\[dot\]|\s+dot\s+|点|punto|point|punkt|точка)\s*[\w-]+)*"
    r"\s*(?:\.|\(dot\)|\[dot\]|\s+dot\s+|点|punto|point|punkt|точка)\s*(?:com|net|org|cn|io|de|fr|es|ru|jp|kr|br|example))\b",
    re.IGNORECASE,
)
_DOT = re.compile(r"\s*(?:\.|\(dot\)|\[dot\]|\s+dot\s+|点|punto|point|punkt|точка)\s*", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\w#.-])(?:\+?\d{1,3}[\s.-]?)?(?:1[3-9]\d{9}|1[3-9]\d[\s.-]\d{4}[\s.-]\d{4}|\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}|\(?\d{2,5}\)?[\s.-]\d{3,4}[\s.-]\d{3,4})(?![\w-])"
    r"|(?<![\w#.-])\+\d{1,3}(?:[\s().-]?\d){7,12}(?![\w-])"
)
# A host ends where a browser ends it: `https://evil.example?@ours.example` leads to evil.example.
_LINK = re.compile(r"(?:https?:)?//([^\s/?#\\\"'<>)\]]+)|\bwww\.[^\s/?#\\\"'<>)\]]+", re.IGNORECASE)
# An address without its scheme can be typed as well as clicked.
_BARE_HOST = re.compile(
    r"(?<![A-Za-z0-9_@.-])(?:[a-z0-9-]+\.)+"
    r"(?:com|net|org|cn|io|co|me|cc|vip|shop|store|top|xyz|site|online|app|link|click|info|biz|ru|de|fr|es|jp|kr|ly|gl)"
    r"(?![A-Za-z0-9@-]|\.[A-Za-z0-9])",
    re.IGNORECASE,
)
_SPELLED_HOST = re.compile(
    r"\b([a-z0-9-]{2,})\s*(?:\(dot\)|\[dot\]|\{dot\}|\s+dot\s+|点|。)\s*(com|net|org|cn|io|co|me|cc|vip|shop|top|xyz)\b",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"!\[[^\]]*\]\(|<\s*(?:img|iframe|script|svg|object|embed|video|audio|link|meta)\b|data:image/",
    re.IGNORECASE,
)

# Where somebody lives: number and street in the order of the language, or the parts of a Chinese address.
_NAME = r"(?!(?:is|are|was|on|in|to|of|its|the|your|our|days?|items?|hours?|more|and|for|a|at|by|from|parcels?)\b)[a-z0-9.'-]+"
_ADDRESS = re.compile(
    rf"(?<!#)\b\d{{1,5}}[a-z]? (?:{_NAME} ){{1,4}}(?:street|st|avenue|ave|road|rd|lane|ln|drive|boulevard|blvd|court|terrace|square)\b\.?"
    r"|\b[a-z-]{3,}(?:strasse|str\.|weg|gasse|allee|platz) \d{1,4}[a-z]?\b"
    r"|\b\d{1,4}(?: ?bis| ?ter)?,? (?:rue|avenue|boulevard|place|chemin|allee|impasse) [a-z' -]{3,}"
    r"|\b(?:calle|avenida|avda\.?|plaza|paseo|rua|travessa|praca) [a-z .'-]{2,30},? (?:n\.? ?º? ?)?\d{1,5}\b"
    r"|\b(?:ул(?:ица|\.)|просп(?:ект|\.)|пр-т|переулок|пер\.) ?[а-я. -]{3,30},? (?:д(?:ом|\.) ?)?\d{1,4}"
    r"|[\u4e00-\u9fff]{2,8}(?:省|市|区|县|镇)[\u4e00-\u9fff\d]{0,14}(?:路|街|道|巷|弄|村|小区|大厦|花园)[\u4e00-\u9fff\d]{0,10}\d+(?:号|弄|栋|幢|室|楼|单元)"
    r"|[\u4e00-\u9fff]{2,10}(?:路|街|大道|巷|弄)\d+(?:号|弄)(?:[\u4e00-\u9fff\d-]{0,10}(?:室|楼|单元|栋))?"
    r"|[\u4e00-\u9fff]{2,6}(?:都|道|府|県|县)?[\u4e00-\u9fff]{1,6}(?:市|区|町|村)[\u3040-\u30ff\u4e00-\u9fff]{0,8}\d+(?:丁目|番地?|-\d+)"
    r"|[\uac00-\ud7a3]{1,8}(?:시|도|구|군) [\uac00-\ud7a3 ]{1,12}(?:로|길|동) ?\d+"
    r"|شارع [\u0621-\u064a ]{2,24}(?:رقم |،? ?)\d{1,4}"
)
# Without one of these no pattern of an address can match.
_STREET = re.compile(
    "street|\\bst\\b|\\bave|road|\\brd\\b|lane|\\bln\\b|drive|boulev|blvd|court|terra|square|strasse|str\\.|weg|gasse|allee|platz"
    "|\\brue|place|chemin|impasse|calle|avda|plaza|paseo|rua|travessa|praca|ул|прос|пр-т|пер|شارع|[路街道巷弄村号丁番로길동]|大厦|小区"
)
_SECRET_SIGN = re.compile(
    "sk-|akia|asia|gh[pousr]_|xox|shp|eyj|-----begin|bearer|authorization|xiaoer_|key|secret|passw|token|contrase|senha|密码|密钥|口令"
)
_SECRET = re.compile(
    r"\bsk-[A-Za-z0-9_-]{12,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bgh[pousr]_[A-Za-z0-9]{16,}|\bxox[abprs]-[\w-]{8,}|\bshp(?:at|ss|ca|pa)_[a-f0-9]{16,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|-----BEGIN [A-Z ]+-----|\b(?:bearer|authorization:)\s+[\w.~+/-]{12,}"
    r"|\bXIAOER_[A-Z_]{3,}|\b(?:ANTHROPIC|OPENAI|KUAIDI100)_[A-Z_]*KEY\b|\b(?:api[_ -]?key|secret|password|token|passwort|contrasena|senha|密码|密钥|口令)\s*(?:is|[:=：是为]|es|ist|est)\s*[^\s,.。，]{6,}",
    re.IGNORECASE,
)

# Single digits, as figures or words, one after the other: "1 3 8 …", "one-three-eight", "一三八".
_DIGIT_WORDS = {
    word: str(value)
    for value, words in enumerate(
        """zero oh cero nul null ноль нуль صفر 零 〇 영 공
one uno eins ein un um один واحد 一 幺 일
two dos deux zwei dois два اثنان 二 两 이
three tres trois drei три ثلاثه 三 삼
four cuatro quatre vier quatro четыре اربعه 四 사
five cinco cinq funf пять خمسه 五 오
six seis sechs шесть سته 六 육
seven siete sept sieben sete семь سبعه 七 칠
eight ocho huit acht oito восемь ثمانيه 八 팔
nine nueve neuf neun nove девять تسعه 九 구""".splitlines()
    )
    for word in words.split()
}
_EAST_DIGITS = "零〇一二三四五六七八九幺两"
_ONE = "|".join(sorted((w for w in _DIGIT_WORDS if w not in _EAST_DIGITS), key=len, reverse=True))
_GAP = r"[\s,.;:、·•|/_*-]{0,3}"
_SPELLED = re.compile(
    rf"(?<![\w])(?:(?:\d|{_ONE})(?:[\s,.;:、·•|/_*-]{{1,3}})){{4,}}(?:\d|{_ONE})(?![\w])|[{_EAST_DIGITS}](?:{_GAP}[{_EAST_DIGITS}]){{4,}}"
)
_FIGURES_APART = re.compile(r"(?:(?<!\d)\d[\s,.;:、·•|/_*-]{1,3}){3}")
_WORD = re.compile(r"[^\W\d_]+")
_FEW = 4


def _worded(text: str) -> bool:
    """Five words or signs of digits at least: fewer make no number worth hiding."""
    east = sum(char in _EAST_DIGITS for char in text) if not text.isascii() else 0
    return east > _FEW or sum(word in _DIGIT_WORDS for word in _WORD.findall(text)) > _FEW


_DIGIT = re.compile(rf"\d|{_ONE}|[{_EAST_DIGITS}]")


def codes_in(text: str) -> Iterator[str]:
    """Order, tracking, action and coupon numbers, upper case, without `#`."""
    for match in _CODE.finditer(_without_contacts(text)):
        yield match.group().upper().lstrip("#")


def spelled_in(text: str) -> Iterator[str]:
    """Digits in a row that were said one by one; expects folded text. Dates and prices are no such rows."""
    if not (_FIGURES_APART.search(text) or _worded(text)):
        return
    for match in _SPELLED.finditer(text):
        yield "".join(_DIGIT_WORDS.get(part, part) for part in _DIGIT.findall(match.group()))


def contacts_in(text: str) -> Iterator[str]:
    """E-mail addresses in lower case, phone numbers as digits, also those that are written out."""
    if "@" in text:
        yield from (match.group().lower().rstrip(".") for match in _EMAIL.finditer(text))
    if _SPELLED_AT.search(text):
        for match in _SPELLED_MAIL.finditer(text):
            yield f"{match.group(1)}@{_DOT.sub('.', match.group(2))}".lower().replace(" ", "")
    if len(_FIGURE.findall(text)) < _SHORTEST_PHONE:
        return
    for match in _PHONE.finditer(text):
        yield re.sub(r"\D", "", match.group())


_SPELLED_AT = re.compile(
    r"(?:\(at\)|\[at\]|\{at\}|\sat\s|艾特|圈a|arroba|собака)\s*[\w-]+\s*(?:\.|\(dot\)|\[dot\]|\sdot\s|点|punto|point|punkt|точка)\s*\w",
    re.IGNORECASE,
)


_SHORTEST_PHONE = 8
_FIGURE = re.compile(r"\d")


def addresses_in(text: str) -> Iterator[str]:
    """Postal addresses, as they stand; expects folded text."""
    if _STREET.search(text):
        yield from (match.group() for match in _ADDRESS.finditer(text))


def hosts_in(text: str) -> Iterator[str]:
    for match in _LINK.finditer(text):
        host = (match.group(1) or match.group()).lower()
        yield host.rsplit("@", 1)[-1].split(":")[0]
    bare = _without_contacts(text)
    for match in _BARE_HOST.finditer(bare):
        yield match.group().lower()
    for match in _SPELLED_HOST.finditer(bare):
        yield f"{match.group(1)}.{match.group(2)}".lower()


def has_image(text: str) -> bool:
    return _IMAGE.search(text) is not None


def has_secret(text: str) -> bool:
    return _SECRET_SIGN.search(text.lower()) is not None and _SECRET.search(text) is not None


def _without_contacts(text: str) -> str:
    return _EMAIL.sub(" ", _LINK.sub(" ", text))
