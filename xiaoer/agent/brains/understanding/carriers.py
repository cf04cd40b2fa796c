"""Carriers as customers call them, and the shapes of their numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from xiaoer.agent.brains.understanding.text import simplify

# Name as typed → code (Kuaidi100's codes where it has one). Han names match anywhere, Latin ones as words.
_NAMES: dict[str, tuple[str, ...]] = {
    "shunfeng": ("顺丰", "sf express", "sf-express", "sfexpress", "shunfeng"),
    "zhongtong": ("中通", "zto", "zhongtong"),
    "yuantong": ("圆通", "yto", "yuantong"),
    "shentong": ("申通", "sto express", "shentong"),
    "yunda": ("韵达", "yunda"),
    "jtexpress": ("极兔", "j&t", "jt express", "j&t express"),
    "jd": ("京东快递", "京东物流", "jd logistics"),
    "ems": ("ems", "邮政特快"),
    "youzhengguonei": ("邮政", "china post", "chinapost"),
    "debangkuaidi": ("德邦", "deppon"),
    "cainiao": ("菜鸟", "cainiao"),
    "baishi": ("百世",),
    "danniao": ("丹鸟",),
    "usps": ("usps", "us postal service", "u.s. postal service"),
    "ups": ("ups",),
    "fedex": ("fedex", "fed ex", "联邦快递", "فيديكس", "федекс", "フェデックス", "페덱스"),
    "dhl": ("dhl", "敦豪", "دي اتش ال"),
    "yunexpress": ("yunexpress", "yun express", "云途"),
    "yanwen": ("yanwen", "燕文"),
    "4px": ("4px", "递四方"),
    "royalmail": ("royal mail", "royalmail"),
    "evri": ("evri", "hermes"),
    "dpd": ("dpd",),
    "gls": ("gls",),
    "canadapost": ("canada post", "postes canada"),
    "auspost": ("auspost", "australia post"),
    "ontrac": ("ontrac",),
    "lasership": ("lasership",),
    "amazon": ("amazon logistics", "amzl"),
    "deutschepost": ("deutsche post",),
    "colissimo": ("colissimo", "la poste"),
    "chronopost": ("chronopost",),
    "mondialrelay": ("mondial relay",),
    "correos": ("correos",),
    "seur": ("seur",),
    "correios": ("correios",),
    "ctt": ("ctt",),
    "yamato": ("ヤマト", "クロネコ", "宅急便", "黑貓宅", "黑貓", "yamato"),
    "sagawa": ("佐川", "sagawa"),
    "japanpost": ("日本郵便", "日本郵政", "郵便局", "ゆうパック", "ゆうパケット", "ゆうメール", "japan post"),
    "cjlogistics": ("cj대한통운", "대한통운", "cj logistics"),
    "hanjin": ("한진택배", "한진"),
    "koreapost": ("우체국", "우체국택배", "korea post"),
    "russianpost": (
        "почта россии",
        "почтой россии",
        "почты россии",
        "почте россии",
        "почту россии",
        "russian post",
    ),
    "cdek": ("сдэк", "cdek"),
    "aramex": ("aramex", "ارامكس", "أرامكس"),
    "smsa": ("smsa", "سمسا"),
}
_CODE_OF: dict[str, str] = {simplify(name): code for code, names in _NAMES.items() for name in names}


def _alternative(name: str) -> str:
    quoted = re.escape(name)
    return rf"(?<![a-z0-9]){quoted}(?![a-z0-9])" if name.isascii() else quoted


_ANY_NAME = re.compile("|".join(_alternative(name) for name in sorted(_CODE_OF, key=len, reverse=True)))


def find_carriers(simplified: str) -> list[tuple[int, str]]:
    """(place, code) of every carrier named, in the order of the text."""
    return [(found.start(), _CODE_OF[found[0]]) for found in _ANY_NAME.finditer(simplified.lower())]


def ups_check(number: str) -> bool:
    """https://www.ups.com: letters count (code - 3) mod 10; odd places once, even places twice."""
    body = [int(char) if char.isdigit() else (ord(char) - 63) % 10 for char in number[2:17]]
    total = sum(body[0::2]) + 2 * sum(body[1::2])
    return number[17:].isdigit() and (-total) % 10 == int(number[17])


def usps_check(number: str) -> bool:
    """GS1's modulo 10 over all digits, weights 3 and 1 from the right (USPS Publication 199)."""
    digits = [int(char) for char in number]
    total = 3 * sum(digits[-2::-2]) + sum(digits[-3::-2])
    return (-total) % 10 == digits[-1]


def s10_check(number: str) -> bool:
    """UPU standard S10: weights 8 6 4 2 3 5 9 7, modulo 11."""
    digits = [int(char) for char in number[2:10]]
    rest = 11 - sum(d * w for d, w in zip(digits, (8, 6, 4, 2, 3, 5, 9, 7), strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest) == int(number[10])


def fedex_check(number: str) -> bool:
    """Express, 12 digits: weights 3 1 7, modulo 11, then 10; Ground, 15 digits: GS1's modulo 10.

    As collected at https://github.com/jkeen/tracking_number_data (couriers/fedex.json).
    """
    if len(number) == 15:
        return usps_check(number)
    weighted = sum(int(digit) * (3, 1, 7)[place % 3] for place, digit in enumerate(number[:11]))
    return len(number) == 12 and weighted % 11 % 10 == int(number[11])


def dhl_check(number: str) -> bool:
    """Express, 10 digits (or 11): the last is the rest of the others by 7 (same source, couriers/dhl.json)."""
    return len(number) in (10, 11) and int(number[:-1]) % 7 == int(number[-1])


# Numbers that are only digits: they count where the message names the carrier.
CHECKED: dict[str, Callable[[str], bool]] = {"fedex": fedex_check, "dhl": dhl_check}


def is_number_of(carrier: str, number: str) -> bool:
    return carrier in CHECKED and CHECKED[carrier](number)


def _always(_number: str) -> bool:
    return True


# Shapes that are a tracking number wherever they stand. Where the shape alone could be something else,
# the public check digit must fit too.
SHAPES: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"1Z[0-9A-Z]{16}"), _always),
    (re.compile(r"9[1-5]\d{18}(?:\d\d)?"), _always),
    (re.compile(r"9[1-5]\d{19}"), usps_check),
    (re.compile(r"420\d{5}9[1-5]\d{20}"), _always),
    (re.compile(r"[A-Z]{2}\d{9}[A-Z]{2}"), _always),
    (
        re.compile(r"(?:SF|YT|JT|JD|ZT|YD|ST|DP|YW|LP|TBA|UN|YUN|4PX|KY|EV|DPK|JDV[A-Z]?|CNFR)\d{10,18}"),
        _always,
    ),
    (re.compile(r"7[35678]\d{12,13}"), _always),
)


def is_tracking_shape(number: str) -> bool:
    upper = number.upper()
    return any(shape.fullmatch(upper) and check(upper) for shape, check in SHAPES)
