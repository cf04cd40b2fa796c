"""How amounts, numbers, dates, contacts, links and claims look in a reply, in zh and en."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

_NUMBER = r"\d{1,3}(?:[,，]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_LONGEST_PLAIN = 20
_AMOUNT = re.compile(
    rf"(?:US\$|R\$|[$¥￥€£₩]|USD|CNY|RMB|EUR|GBP)\s*({_NUMBER})"
    rf"|({_NUMBER})\s*(?:元|块钱|块|美元|美金|dollars?\b|bucks\b|USD\b|CNY\b|RMB\b|EUR\b|euros?\b)",
    re.IGNORECASE,
)
# Numbers that name something: orders, parcels, actions, coupons. Eight characters with three digits in
# a row, an id of ours (A-…), or #1001. Chinese glues them to words, so \b would not do.
_CODE = re.compile(
    r"#[A-Za-z]?\d{3,}"
    r"|(?<![A-Za-z0-9])[A-Z]{1,4}-[0-9A-Z]{8,16}(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9-])(?!\d{4}-\d{2}-\d{2}(?!\d))(?=[A-Za-z0-9-]*\d{3})[A-Za-z0-9][A-Za-z0-9-]{6,40}[A-Za-z0-9](?![A-Za-z0-9-])"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_PHONE = re.compile(
    r"(?<![\w#.-])(?:\+?\d{1,3}[\s-]?)?(?:1[3-9]\d{9}|\(?\d{3}\)?[\s-]\d{3}[\s-]\d{4})(?![\w-])"
)
# A host ends where a browser ends it: `https://evil.example?@ours.example` leads to evil.example.
_LINK = re.compile(r"(?:https?:)?//([^\s/?#\\\"'<>)\]]+)|\bwww\.[^\s/?#\\\"'<>)\]]+", re.IGNORECASE)
# An address without its scheme can be typed as well as clicked.
_BARE_HOST = re.compile(
    r"(?<![A-Za-z0-9_@.-])(?:[a-z0-9-]+\.)+"
    r"(?:com|net|org|cn|io|co|me|cc|vip|shop|store|top|xyz|site|online|app|link|click|info|biz)"
    r"(?![A-Za-z0-9@-]|\.[A-Za-z0-9])",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"!\[[^\]]*\]\(|<\s*img\b", re.IGNORECASE)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE_ZH = re.compile(r"(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]")
_DATE_EN = re.compile(rf"\b({'|'.join(_MONTHS)})[a-z]*\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b", re.IGNORECASE)
_DATE_EN_DAY_FIRST = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({'|'.join(_MONTHS)})[a-z]*\b", re.IGNORECASE
)
_DATE_ISO = re.compile(r"\b\d{4}-(\d{2})-(\d{2})\b")

# A claim says that something has happened. Wishes, rules and announcements are not claims:
# "once it is refunded", "will be refunded", "退款后", "确认后会退款" must not match.
# A condition reaches over a comma; a "not" or "will" does not: "没问题，已为您退款" is a claim.
_NOT_CLAIM = re.compile(
    r"(?:(?:\b(?:once|when|after|until|if|unless|before)\b|(?<!久)等(?!久)|待|(?<!售)后|如果|若|一旦|之前)[^.。!！?？;；\n]{0,24}"
    r"|(?:\b(?:will|would|can(?! (?:confirm|see|tell))|could|to be|not|isn't|hasn't|haven't|cannot|can't|been asked|be)\b"
    r"|会(?!员)|可以|能|未|没(?!问题|关系|事)|不(?!好意思)|尚|申请|(?<!刚)才|请求)[^.。!！?？;；,，\n]{0,24})$",
    re.IGNORECASE,
)
_CLAIMS: dict[str, re.Pattern[str]] = {
    "refund": re.compile(
        r"\b(?:refunded|refund(?: of [^!?\n]{1,30})? (?:is|was|has been) (?:now )?(?:done|complete[d]?|issued|processed|sent|made|approved))\b"
        r"|\b(?:issued|processed|completed|sent|approved) (?:you )?(?:a|your|the) (?:full |partial )?refund\b"
        r"|\bmoney (?:is|has been|was) (?:sent|returned|back)\b|\brefund (?:has )?(?:gone|went) through\b"
        r"|\bback (?:on|in) your (?:card|account)\b"
        r"|已(?:经)?(?:为您|帮您|给您|给亲|帮亲)?(?:全额|部分)?(?:办理)?退款|退款(?:已|已经)?(?:成功|完成|到账|办好|办理完|通过|批准)|退款[^。！？；，\n]{0,24}已(?:经)?(?:到账|完成|成功|退)|退款已|(?:钱|款项|款)(?:已经|已)(?:给您|为您|帮您|给亲)?退"
        r"|已(?:经)?把(?:钱|款项?)[^。！？；，\n]{0,6}退|退好了",
        re.IGNORECASE,
    ),
    "cancellation": re.compile(
        r"\b(?:order(?: #?\w+)?|it)(?:['’]s| is| was| has)(?: now)?(?: been)?(?: now)? cancel[l]?ed\b|\bcancel[l]?ed (?:your|the) order\b"
        r"|(?:\b(?:I|we)(?:['’]ve| have)?|\band) cancel[l]?ed (?:it|this|that|order|#)"
        r"|已(?:经)?(?:被|为您|帮您|给您)?取消(?!的)|已(?:经)?(?:为您|帮您|给您)?(?:把|将)[^。！？；，\n]{0,16}取消|(?:订单)?取消(?:成功|完成|好了)",
        re.IGNORECASE,
    ),
    # The return label; a parcel's own shipping label is a matter of tracking.
    "label": re.compile(
        r"\b(?:return (?:shipping )?|your )label(?: for [^!?\n]{1,40})? (?:is|was|has been) (?:now )?(?:ready|created|made|sent|issued|attached)\b"
        r"|\bhere(?:'s| is) your (?:return )?label\b|\b(?:emailed|sent) (?:you )?(?:a|your|the) (?:return )?label\b"
        r"|(?:退货|寄回|退件)面单[^。！？；，\n]{0,12}(?:已|已经)(?:生成|发|好)|已(?:经)?(?:生成|发送|发)(?:了)?退货面单",
        re.IGNORECASE,
    ),
    "coupon": re.compile(
        r"\bcoupon(?: of [^!?\n]{1,30})? (?:is|was|has been) (?:issued|sent|added|created)\b|\b(?:issued|sent|added|applied|given) (?:you )?a (?:[^\s.!?]{1,8} )?coupon\b"
        r"|优惠券(?:已|已经)(?:发|到账|生成)|已(?:经)?(?:给您|为您|给亲)?(?:发|补偿)(?:放|了)?.{0,6}优惠券",
        re.IGNORECASE,
    ),
    "delivered": re.compile(
        r"\b(?:was|been|is|shows?(?: as)?|marked(?: as)?) delivered\b|\bdelivered it\b|\b(?:parcel|package|order) (?:has )?arrived\b"
        r"|已(?:经)?(?:由[^。！？；，\n]{1,8})?(?:签收|送达|妥投)(?!的)|显示签收",
        re.IGNORECASE,
    ),
    "approval": re.compile(
        r"\b(?:manager|supervisor|boss|colleague|team|we|I)(?: has| have|['’]ve|['’]s)?(?: already)? approved\b"
        r"|\b(?:is|was|has been) (?:already )?approved\b"
        r"|(?:主管|经理|领导|老板|同事|财务)[^。！？；，\n]{0,4}(?:已经|已)[^。！？；，\n]{0,4}(?:同意|批准|通过)|申请(?:已经|已)(?:批准|通过)",
        re.IGNORECASE,
    ),
}


def amounts_in(text: str) -> Iterator[str]:
    """Every amount of money as normalised digits: `$1,272.30` and `1272.3元` both give `1272.3`."""
    for match in _AMOUNT.finditer(text):
        digits = plain_number(match.group(1) or match.group(2))
        if digits:
            yield digits


def plain_number(text: str) -> str:
    if text.isascii() and text.isdigit() and len(text) < _LONGEST_PLAIN:
        return str(int(text))  # most numbers of a record; a Decimal takes ten times as long
    try:
        value = Decimal(text.replace(",", "").replace("，", "")).normalize()
    except InvalidOperation:
        return ""
    return format(value, "f")


def codes_in(text: str) -> Iterator[str]:
    for match in _CODE.finditer(_without_contacts(text)):
        yield match.group().upper().lstrip("#")


def contacts_in(text: str) -> Iterator[str]:
    for match in _EMAIL.finditer(text):
        yield match.group().lower()
    for match in _PHONE.finditer(text):
        yield re.sub(r"\D", "", match.group())


def dates_in(text: str) -> Iterator[tuple[int, int]]:
    """Months and days, whatever the notation; the year is not compared."""
    for match in _DATE_ZH.finditer(text):
        yield int(match.group(1)), int(match.group(2))
    for match in _DATE_ISO.finditer(text):
        yield int(match.group(1)), int(match.group(2))
    for match in _DATE_EN.finditer(text):
        yield _MONTHS.index(match.group(1).lower()) + 1, int(match.group(2))
    for match in _DATE_EN_DAY_FIRST.finditer(text):
        yield _MONTHS.index(match.group(2).lower()) + 1, int(match.group(1))


def hosts_in(text: str) -> Iterator[str]:
    for match in _LINK.finditer(text):
        host = (match.group(1) or match.group()).lower()
        yield host.rsplit("@", 1)[-1].split(":")[0]
    for match in _BARE_HOST.finditer(_without_contacts(text)):
        yield match.group().lower()


def has_image(text: str) -> bool:
    return _IMAGE.search(text) is not None


def claims_in(text: str) -> Iterator[str]:
    """What a text claims to have happened: refund, cancellation, label, coupon, delivered, approval."""
    for kind, pattern in _CLAIMS.items():
        for match in pattern.finditer(text):
            if not _NOT_CLAIM.search(text[: match.start()][-40:]):
                yield kind
                break


def _without_contacts(text: str) -> str:
    return _EMAIL.sub(" ", _LINK.sub(" ", text))
