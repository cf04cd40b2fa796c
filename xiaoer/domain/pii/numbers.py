"""E-mails, bank details, resident ids, cards and phones: shapes first, then the check that each allows."""

from __future__ import annotations

import re

from xiaoer.domain.pii.digits import is_card, is_iban, is_resident_id
from xiaoer.domain.pii.search import Kind, Search

_EMAIL = re.compile(
    r"(?<![\w.+-])[^\W_][\w.+'-]{0,63} ?@ ?[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?){1,5}"
)
_EMAIL_ALONE = re.compile(r"[A-Za-z0-9][\w.+'-]{0,63} ?@ ?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+){1,5}", re.ASCII)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_ID = re.compile(r"(?<![\dA-Za-z])\d(?:[ -]?\d){16}[ -]?[\dXx](?![\dA-Za-z])")
_CARD = re.compile(r"(?<![\dA-Za-z-])\d(?:[ -]?\d){12,18}(?![\dA-Za-z])")

_SEPARATED = r"[ .()/-]{0,2}\d"
_PLUS = re.compile(rf"(?<![A-Za-z0-9+])\+ ?\d(?:{_SEPARATED}){{6,14}}(?!\d)")
_ZERO_ZERO = re.compile(rf"(?<![A-Za-z0-9.+-])00 ?[1-9](?:{_SEPARATED}){{7,14}}(?!\d)")
_CN_MOBILE = re.compile(r"(?<![\dA-Za-z.-])1[ .-]?[3-9](?:[ .-]?\d){9}(?![\dA-Za-z]|[.-]\d)")
_HAN_DIGITS = {char: str(at % 10) for at, char in enumerate("零一二三四五六七八九〇壹贰叁肆伍陆柒捌玖")} | {
    "幺": "1",
    "两": "2",
}
_HAN_MOBILE = re.compile(rf"[{''.join(_HAN_DIGITS)}](?:[ -]?[{''.join(_HAN_DIGITS)}]){{10}}")

_CUE = (
    r"(?:phone|mobile|cell|tel\.?|telephone|whats ?app|call me at|text me at|手机号?码?|手機號?碼?|电话号?码?|電話號?碼?|联系方式|聯繫方式|座机|微信"
    r"|telefon(?:nummer)?|handy(?:nummer)?|rufnummer|tel[eé]fono|m[oó]vil|celular|cel|tel[eé]phone|t[eé]l\.?|portable|fixe|fijo"
    r"|telefone|telem[oó]vel|fixo|zap|電話(?:番号)?|携帯(?:番号)?|連絡先|전화(?:번호)?|연락처|휴대폰|핸드폰|телефон\w*|тел\.?|звоните|вотсап|whatsapp"
    r"|هاتف\w*|جوال\w*|موبايل\w*|واتساب|رقمي|اتصلوا)"
)
_LINK = r"(?:(?: (?:number|n[°ºo]|is|es|est|é|ist|no|nr|de|en|au|al|to|at)|是|为|は|です|는|은|رقم|هو|:|：|=|,|，|\.|-|－|على|في مصر) ?){0,4} ?"
_CUED = re.compile(rf"(?<![A-Za-z]){_CUE}{_LINK}(\(?\d(?:{_SEPARATED}){{6,13}})(?!\d)", re.IGNORECASE)

# Written as people write phones, without any word: blanks, dots or dashes in groups, or a leading zero.
_GROUPED = re.compile(
    r"(?<![A-Za-z0-9.,+/-])(?:\(\d{2,5}\)|\d{1,5})[ ./-]{1,2}(?:\(\d{2,4}\)[ -]?)?\d{2,8}(?:[ .-]\d{2,5}){0,4}(?![A-Za-z0-9]|[.,-]\d)"
)
_PAREN = re.compile(r"(?<![A-Za-z0-9.,+/-])\(\d{2,5}\) ?\d{2,5}(?:[ .-]\d{2,5}){1,3}(?![A-Za-z0-9]|[.,-]\d)")
_LEADING_ZERO = re.compile(r"(?<![A-Za-z0-9.,+-])0[1-9]\d{7,9}(?![\dA-Za-z]|[.-]\d)")
_RU_MOBILE = re.compile(r"(?<![A-Za-z0-9.,+-])89\d{9}(?![\dA-Za-z])")

# How a national number begins where its country is called: the regions to ask for it, in this order.
_BY_HEAD: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"0\d{8,11}"), ("FR", "DE", "GB", "JP", "KR", "CN", "TW", "SA", "EG", "AE", "AT", "CH", "NL", "BE", "AU")),
    (re.compile(r"[2-9]\d{9}"), ("US", "BR", "MX", "RU")),
    (re.compile(r"1[2-9]\d{9}"), ("US", "BR")),
    (re.compile(r"[1-9]\d9\d{8}"), ("BR",)),
    (re.compile(r"[78]\d{10}"), ("RU",)),
    (re.compile(r"[6-9]\d{8}"), ("ES", "PT")),
    (re.compile(r"[2-9]\d{8}"), ("PT", "ES", "PL")),
    (re.compile(r"[2-9]\d{7}"), ("HK", "SG")),
)  # fmt: skip


def take_emails(search: Search) -> None:
    search.each(Kind.EMAIL, _EMAIL_ALONE)
    search.each(Kind.EMAIL, _EMAIL)


def take_accounts(search: Search) -> None:
    """IBANs; a match may have run into the next word, so shorter ends are tried too."""
    for match in list(_IBAN.finditer(search.plain)):
        end = _iban_end(match[0])
        if end:
            search.take(Kind.IBAN, match.start(), match.start() + end)


def _iban_end(text: str) -> int:
    for end in range(len(text), 14, -1):
        if text[end - 1] not in " -" and is_iban(re.sub(r"[ -]", "", text[:end]).upper()):
            return end
    return 0


def take_ids(search: Search) -> None:
    search.each(Kind.ID, _ID, lambda match: is_resident_id(_tight(match[0])))


def take_cards(search: Search) -> None:
    search.each(Kind.CARD, _CARD, lambda match: is_card(_tight(match[0])))


def take_phones(search: Search) -> None:
    """With a country's code, with a word before, or in a shape that some country's plan allows."""
    search.each(Kind.PHONE, _PLUS, lambda match: 8 <= len(_digits(match[0])) <= 15)
    search.each(Kind.PHONE, _HAN_MOBILE, _is_han_mobile)
    search.each(Kind.PHONE, _CUED, group=1)
    search.each(Kind.PHONE, _CN_MOBILE)
    search.each(Kind.PHONE, _ZERO_ZERO, lambda match: _is_phone(f"+{_digits(match[0])[2:]}", ("",)))
    for pattern in (_PAREN, _GROUPED, _LEADING_ZERO, _RU_MOBILE):
        search.each(Kind.PHONE, pattern, lambda match: _is_national(_digits(match[0])))


def _is_han_mobile(match: re.Match[str]) -> bool:
    digits = "".join(_HAN_DIGITS.get(char, "") for char in match[0])
    return digits[0] == "1" and digits[1] in "3456789"


def _is_national(digits: str) -> bool:
    if len(set(digits)) < 3:
        return False
    return any(_is_phone(digits, regions) for head, regions in _BY_HEAD if head.fullmatch(digits))


def _is_phone(digits: str, regions: tuple[str, ...]) -> bool:
    """Google's number plans; imported here because the package takes 50 ms."""
    import phonenumbers

    for region in regions:
        try:
            number = phonenumbers.parse(digits, region or None)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())


def _tight(text: str) -> str:
    return text.replace(" ", "").replace("-", "")
