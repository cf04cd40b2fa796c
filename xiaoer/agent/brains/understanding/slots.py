"""Numbers, addresses, names and carriers in a message, each read as what it most likely is.

A message is cut into candidates first, strongest evidence first; what one detector has taken, no
later one sees. `expecting` is what the dialogue last asked for and decides what bare digits mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from xiaoer.agent.brains.understanding.carriers import CHECKED, find_carriers, is_number_of, is_tracking_shape
from xiaoer.agent.brains.understanding.names import find_people
from xiaoer.agent.brains.understanding.text import fold, simplify
from xiaoer.domain.understanding import Slots

MAX_OF_A_KIND = 20  # a message with more is no message

_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}(?![A-Za-z0-9-])",
    re.ASCII,
)
_LINK = re.compile(r"https?://\S+|www\.\S+")

_NOT_IN_WORD = r"(?<![A-Za-z0-9])"
_END = r"(?![A-Za-z0-9])"
_TRACKING_TOKEN = re.compile(
    rf"{_NOT_IN_WORD}(?:[A-Za-z]{{2,4}}\d{{9,18}}(?:[A-Za-z]{{2}})?|1[Zz][0-9A-Za-z]{{16}}|4[Pp][Xx]\d{{10,18}}|\d{{14,30}}){_END}"
)
_SPACED_LONG = re.compile(
    r"(?<!\d)9[1-5]\d{2}(?:[ -]\d{4}){4}(?:[ -]\d{1,4})?(?!\d)|(?<![A-Za-z0-9])[A-Za-z]{2} ?\d{2,4}(?: ?\d{2,4}){1,3} ?[A-Za-z] ?[A-Za-z](?![A-Za-z0-9])|(?<![A-Za-z0-9])1[Zz](?: ?[0-9A-Za-z]{3}) [0-9A-Za-z]{3} \d{2} \d{4} \d{4}(?!\d)"
)
# A date before a serial number is how marketplaces number orders.
_DATE = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_SHOP_DATED = re.compile(rf"20\d{{2}}{_DATE}\d{{3,12}}|2\d{_DATE}\d{{12}}")

_LINKING = (
    r"[\s:#=,，：()（）]{0,3}(?:(?:is|are|was|no\.?|nr\.?|n[°º]|№|number|numero|número|nummer|num|code|id|es|est|c'est|ist|lautet|é|con|mit|avec|com"
    r"|是|为|号码?|：|は、?|が|番号|номер[а-я]*|под|번호[는은가]?|[는은이가]|رقمه?ا?|هو|هي|:|的|这个|如下|it's|its)[\s:#=]{0,3}){0,3}"
)
_TRACKING_CUE = re.compile(
    r"(?:(?<!订)(?<!订单)(?<!订单的)(?:单号|运单|快递号|物流号|追踪号|跟踪号)|tracking|track|trackingnummer|sendungsnummer|seguimiento|suivi|rastreio|rastreamento|waybill|awb|伝票番号|追跡番号|送り状|송장|운송장|трек\w*|накладн\w+|التتبع|رقم الشحنه?ة?)"
    + _LINKING
    + r"([A-Za-z]{0,4}\d{8,22}[A-Za-z]{0,2})"
    + _END,
    re.IGNORECASE,
)
_CARRIER_CUE = re.compile(
    r"(?:顺丰|中通|圆通|申通|韵达|极兔|邮政|ems|fedex|dhl|ups|usps|快递|物流)"
    + r"[\s:：,，单号快递是]{0,6}"
    + r"(\d{10,22})"
    + _END,
    re.IGNORECASE,
)

_ORDER_WORD = (
    r"(?:order|ordr|oder|订单|单子|订单编号|订单号码|定单|pedido|commande|bestellung|bestellnummer|bestell-?nr|auftrag|"
    r"encomenda|ordem|注文番号|注文|주문번호|주문|заказ[а-я]*|(?:ال|لل)?طلب(?:ي|يتي|ية|يه)?|اوردر|الاوردر|ticket|po|订单号|单号|编号)"
)
_ORDER_CUE = re.compile(
    rf"(?<![A-Za-z]){_ORDER_WORD}s?{_LINKING}((?:[A-Za-z]{{1,3}}-?)?\d{{4,20}}){_END}(?!\s*(?:元|块|人民币|usd|dollars|pcs|pieces))",
    re.IGNORECASE,
)
_HASH = re.compile(rf"(?<![A-Za-z0-9&])#\s?((?:[A-Za-z]{{1,4}}-?)?\d{{3,20}}){_END}")
_LETTERED = re.compile(rf"{_NOT_IN_WORD}([A-Za-z]{{1,3}}-?\d{{6,12}}){_END}")
_AMAZON = re.compile(r"(?<![\d-])(\d{3}-\d{7}-\d{7})(?![\d-])")
_AND_ANOTHER = re.compile(
    r"(?:\s*(?:,|，|、|and|&|/|和|跟|与|还有|y|et|und|e|と|и|و)\s*#?\s?)(\d{4,20})" + _END
)
_TRAILING_ORDER = re.compile(
    r"(?<![\d#])(\d{4,20})\s*(?:那一?个?单|这一?个?单|号?订单|的?单子|号单|这笔|那笔|order\b)", re.IGNORECASE
)
_LONG = re.compile(rf"{_NOT_IN_WORD}(\d{{8,24}}){_END}")
_UNIT = r"(?:\s*(?:元|块|年|美金|美元|刀|人民币|(?:rmb|usd|eur|cny|dollars?|euros?|reais|pesos|руб\w*|р|г|года?|год\w*|bucks|g|kg|ml|mah|w|mm|cm|pcs|km|days?|hours?|tage|jours|dias|días|дней|ريال|درهم|جنيه)(?!\w)|円|원|日間?|時間|时间|日|件|个|個|개|米|公里|万|分钟|天|小时|%|号楼|室|号院|号(?=\d)|年|st\b|street|ave\b|road|rd\b|路|弄))"
_FOUR = re.compile(
    rf"(?<![路街道弄巷\d$¥€£￥#A-Za-z+-])(?<!\d[.,:/])([1-9]\d{{3}})(?![\d%A-Za-z]|[.,:/-]\d|{_UNIT})",
    re.IGNORECASE,
)
_FIVE = re.compile(_FOUR.pattern.replace(r"[1-9]\d{3}", r"[1-9]\d{4}"), re.IGNORECASE)
_HOTLINES = frozenset({"12315", "12345", "12306", "12305", "11185", "95338", "95554", "95546", "95311"})
# Near these five digits are a place, not an order.
_POST_WORD = re.compile(
    r"邮编|邮政|\b(?:zip|postcode|postal|plz|postleitzahl|c[oó]digo postal|code postal|cep|cp|apt|suite)\b|индекс|우편번호|郵便番号|邮便番号|〒|الرمز",
    re.IGNORECASE,
)
_YEAR = re.compile(r"20[0-3]\d")  # 19..: nobody writes of those years to a shop

_CN_MOBILE = re.compile(r"(?<![\dA-Za-z])(?:\+?86[ -]?)?(1[3-9]\d)[ -]?(\d{4})[ -]?(\d{4})(?!\d)")
_FORMATTED_PHONE = re.compile(
    r"(?<![\w#])(?:\+\d{1,3}[ .-]?)?\(?\d{2,4}\)?[ .-]\d{3,4}[ .-](\d{4})(?!\d|[ -]\d)"
)
_PLUS_PHONE = re.compile(r"\+\d{1,3}[\d ().-]{5,16}\d")
_PHONE_CUE = re.compile(
    r"(?:手机号?码?|电话号?码?|下单手机号?|phone(?: number)?|mobile|cell|tel(?:efon|éfono|efone|éphone)?|handy(?:nummer)?|telefonnummer|móvil|celular|電話番号|전화번호|телефон[а]?|هاتف|جوال|رقمي)"
    + _LINKING
    + r"(\d{7,13})(?!\d)",
    re.IGNORECASE,
)
_FOUR_LATIN = r"(?:4|four|cuatro|quatro|quatre|vier)"
_DIGITS_LATIN = r"(?: (?:digits?|numbers?|d[ií]gitos|cifras|n[uú]meros|chiffres|ziffern|stellen))?"
_PHONE_LATIN = (
    r"(?:phone|number|mobile|cell|tel|t[eé]l[eé]fono|m[oó]vil|celular|cel|telem[oó]vel|telefone|fone|zap|whats\w*"
    r"|portable|t[eé]l[eé]phone|num[eé]ro|n[uú]mero|handy(?:nummer)?|telefon(?:nummer)?|nummer)"
)
_ENDS_LATIN = (
    r"(?:ends?|ending|endet|endend|hinten|acaba|termina|terminad[oa]|terminando|acabado|final|finit|finissant|(?:se )?termin(?:e|ant))"
    r"(?: (?:in|with|on|auf|mit|en|con|em|com|por|par|sur))?"
)
_TAIL_WORD = (
    r"(?:尾号|尾数|尾碼|尾码|后四[位码]|后4[位码]|末四[位码]|末4[位码]|最后四[位码]|最后4[位码]|后面四位|末尾四位|(?:电话|手机)(?:号码?)?尾"
    rf"|last {_FOUR_LATIN}{_DIGITS_LATIN}(?: of (?:my |the )?(?:phone|number|mobile|cell)(?: number)?)?"
    rf"|{_PHONE_LATIN}(?: number)? {_ENDS_LATIN}|{_ENDS_LATIN}|tail|terminaci[oó]n|termina[cç][aã]o"
    rf"|(?:los |os |as |las )?[uú]ltim[oa]s {_FOUR_LATIN}{_DIGITS_LATIN}|{_FOUR_LATIN} [uú]ltim[oa]s{_DIGITS_LATIN}"
    rf"|(?:les )?{_FOUR_LATIN} derniers{_DIGITS_LATIN}|(?:die )?letzten? {_FOUR_LATIN}{_DIGITS_LATIN}|endziffern"
    r"|下4桁|下四桁|末尾(?:4桁|四桁)?|下4けた|뒷\s*(?:자리|번호)|뒤\s*(?:4|네)\s*자리|끝\s*(?:4|네)?\s*자리|끝번호|뒷\s*(?:4|네)\s*자리"
    r"|последние (?:четыре|4)(?: цифры)?|(?:заканчивается|кончается|оканчивается)(?: на)?|телефон(?:а)? на|хвост(?:ик)?"
    r"|(?:آخر|اخر)(?:ه|ها)? ?(?:أربعة|اربعة|اربع|أربع|4)?(?: أرقام| ارقام)?|(?:ي|ب?ي)نتهي (?:ب|بـ)|نهايته?ا?)"
)
_TAIL = re.compile(
    rf"{_TAIL_WORD}(?:\s*(?:数|码|数字|是|为|digits?|are|is|son|sont|sind|são|de mon (?:num[eé]ro|t[eé]l\w*)|de mi (?:m[oó]vil|tel\w*|cel\w*)|do (?:meu )?(?:celular|telefone|tel)"
    rf"|(?:meiner? )?(?:telefon|handy|nummer)\w*|телефона?|номера?|(?:ال|من )?(?:جوال|هاتف|رقم|موبايل|تليفون)\w*|が|は|은|는|이|:|：|of my phone|on my phone|my phone|phone|of phone|-|=|号|,|，|\(|ب|هي|هو|على)\s*){{0,4}}\s*(\d{{4}}|\d\d[ .-]\d\d)(?!\d)",
    re.IGNORECASE,
)
_TAIL_AFTER = re.compile(
    rf"(?<!\d)(\d{{4}})\s*(?:是|为|are|is|as)?\s*(?:我的?|my|the|我手机|手机|电话)*\s*{_TAIL_WORD}",
    re.IGNORECASE,
)
_CARD_BEFORE = re.compile(
    r"(?:card|visa|mastercard|amex|卡|tarjeta|carte|karte|cartão)\W{0,3}(?:\w+\W{1,2}){0,2}$", re.IGNORECASE
)
_ORDER_AND_TAIL = re.compile(r"(?<![\d/.:-])(\d{4,6})\s?[/|]\s?(\d{4})(?=\s?[/|,，]|\s*$)")
_BARE_FOUR = re.compile(r"(?<![\d#$¥€£A-Za-z.])(\d{4})(?![\dA-Za-z])")
_BARE_ANY = re.compile(r"(?<![\d$¥€£A-Za-z.])((?:[A-Za-z]{1,3}-?)?\d{3,20})(?![\dA-Za-z%])")
_ONLY_NUMBERS = re.compile(r"[\s\d#,，、和与and&.。:：;/-]*")


@dataclass(slots=True)
class _Search:
    """The text with the parts already explained blanked out, and what was found where."""

    text: str
    expecting: str | None
    typed: str = ""  # the same characters before they were simplified
    found: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def take(self, kind: str, start: int, end: int, value: str) -> None:
        self.found.setdefault(kind, []).append((start, value))
        self.blank(start, end)

    def blank(self, start: int, end: int) -> None:
        self.text = f"{self.text[:start]}{' ' * (end - start)}{self.text[end:]}"

    def each(
        self, pattern: re.Pattern[str], kind: str, group: int = 1, fits: Callable[[str], bool] = bool
    ) -> None:
        for match in list(pattern.finditer(self.text)):
            if fits(match[group]):
                self.take(kind, match.start(group), match.end(group), match[group])

    def values(self, kind: str) -> tuple[str, ...]:
        ordered = [value for _, value in sorted(self.found.get(kind, []))]
        return tuple(dict.fromkeys(ordered))[:MAX_OF_A_KIND]


def find_slots(text: str, expecting: str | None = None) -> Slots:
    """Every slot of a message; order numbers without their #, carriers by code."""
    plain = fold(text)
    simplified = simplify(plain)  # one character for one: places stay
    search = _Search(_LINK.sub(lambda link: " " * len(link[0]), simplified), expecting, typed=plain)
    for carrier_at, code in find_carriers(search.text):
        search.found.setdefault("carrier", []).append((carrier_at, code))
    for step in _STEPS:
        step(search)
    return Slots(
        order_no=search.values("order_no"),
        tracking_no=search.values("tracking_no"),
        phone_tail=search.values("phone_tail"),
        email=search.values("email"),
        carrier=search.values("carrier"),
        name=search.values("name"),
        postcode=search.values("postcode"),
    )


def _emails(search: _Search) -> None:
    for match in list(_EMAIL.finditer(search.text)):
        search.take("email", match.start(), match.end(), match[0].rstrip(".").lower())


def _shop_dated(number: str) -> bool:
    return bool(_SHOP_DATED.fullmatch(number))


def _tracking(search: _Search) -> None:
    for match in list(_SPACED_LONG.finditer(search.text)):
        number = re.sub(r"[ -]", "", match[0]).upper()
        if is_tracking_shape(number):
            search.take("tracking_no", match.start(), match.end(), number)
    for match in list(_TRACKING_TOKEN.finditer(search.text)):
        if (
            is_tracking_shape(match[0])
            and not _shop_dated(match[0])
            and not _follows_order(search.text, match.start())
        ):
            search.take("tracking_no", match.start(), match.end(), match[0].upper())


_ORDER_JUST_BEFORE = re.compile(rf"(?:{_ORDER_WORD.replace('|单号', '')}{_LINKING}|#\s?)$", re.IGNORECASE)


def _follows_order(text: str, start: int) -> bool:
    return bool(_ORDER_JUST_BEFORE.search(text[max(0, start - 30) : start]))


def _tracking_by_check(search: _Search) -> None:
    """Digits that could be anything are the named carrier's when its check digit fits."""
    named = {code for _, code in search.found.get("carrier", ())}
    for match in list(_LONG.finditer(search.text)) if named & CHECKED.keys() else ():
        if any(is_number_of(code, match[1]) for code in named) and not _follows_order(
            search.text, match.start()
        ):
            search.take("tracking_no", match.start(1), match.end(1), match[1])


def _tracking_by_cue(search: _Search) -> None:
    for pattern in (_TRACKING_CUE, _CARRIER_CUE):
        for match in list(pattern.finditer(search.text)):
            number = match[1]
            if (
                not _shop_dated(number)
                and sum(char.isdigit() for char in number) >= 8
                and not _is_short_order(number)
            ):
                search.take("tracking_no", match.start(1), match.end(1), number.upper())


def _is_short_order(number: str) -> bool:
    """W2378156: a letter and few digits is a shop's own number, whatever stands before it."""
    return len(number) <= 9 and number[0].isalpha()


def _amazon_orders(search: _Search) -> None:
    search.each(_AMAZON, "order_no")


def _tails(search: _Search) -> None:
    for pattern in (_TAIL, _TAIL_AFTER):
        for match in list(pattern.finditer(search.text)):
            if _CARD_BEFORE.search(search.text[max(0, match.start() - 24) : match.start()]):
                search.blank(match.start(), match.end())  # a card's last four are nobody's proof
            else:
                search.take("phone_tail", match.start(), match.end(), re.sub(r"\D", "", match[1]))


def _order_with_tail(search: _Search) -> None:
    """ "10811/3058": a number and its proof, as people fill in what they are asked for every time."""
    for match in list(_ORDER_AND_TAIL.finditer(search.text)):
        search.take("order_no", match.start(1), match.end(1), match[1])
        search.take("phone_tail", match.start(2), match.end(2), match[2])


def _orders_by_cue(search: _Search) -> None:
    for pattern in (_HASH, _ORDER_CUE):
        for match in list(pattern.finditer(search.text)):
            search.take("order_no", match.start(1), match.end(1), _order(match[1]))
            _take_following(search, match.end(1))
    search.each(_TRAILING_ORDER, "order_no")


def _take_following(search: _Search, end: int) -> None:
    """ "orders 1001, 1002 and 1003": the word counts for the whole row."""
    while match := _AND_ANOTHER.match(search.text, end):
        if len(match[1]) in (5, 6) or (len(match[1]) == 4 and match[1][0] == "0"):
            return
        search.take("order_no", match.start(1), match.end(1), match[1])
        end = match.end(1)


def _order(number: str) -> str:
    return number.upper()


def _phones(search: _Search) -> None:
    for pattern in (_CN_MOBILE, _PHONE_CUE, _FORMATTED_PHONE, _PLUS_PHONE):
        for match in list(pattern.finditer(search.text)):
            digits = re.sub(r"\D", "", match[0])
            search.take("phone_tail", match.start(), match.end(), digits[-4:])


def _lettered_orders(search: _Search) -> None:
    for match in list(_LETTERED.finditer(search.text)):
        search.take("order_no", match.start(1), match.end(1), _order(match[1]))


def _people(search: _Search) -> None:
    people = find_people(search.text, search.expecting)
    for kind, start, end, value in people:
        search.take(kind, start, end, search.typed[start:end] if kind == "name" else value)


def _long_numbers(search: _Search) -> None:
    for match in list(_LONG.finditer(search.text)):
        number = match[1]
        if _is_date(number) and search.expecting != "order_no":
            continue
        ten_digit_phone = search.expecting == "proof" and len(number) in (10, 11)
        if ten_digit_phone:
            search.take("phone_tail", match.start(1), match.end(1), number[-4:])
        else:
            search.take("order_no", match.start(1), match.end(1), number)


def _is_date(number: str) -> bool:
    return len(number) == 8 and bool(re.fullmatch(r"20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", number))


def _bare_numbers(search: _Search) -> None:
    if search.expecting == "proof":
        search.each(_BARE_FOUR, "phone_tail")
    elif search.expecting == "order_no":
        beside = bool(search.found.get("order_no"))  # the number came by its own sign: four more are a proof
        search.each(_BARE_FOUR, "phone_tail", fits=lambda number: beside or number[0] == "0")
        search.each(_BARE_ANY, "order_no")
    elif search.found.get("order_no") or not _ONLY_NUMBERS.fullmatch(search.text):
        _four_in_words(search)
    else:
        search.each(_BARE_FOUR, "order_no", fits=lambda number: number[0] != "0")
    search.each(_BARE_FOUR, "phone_tail", fits=lambda number: number[0] == "0")


def _four_in_words(search: _Search) -> None:
    """ "#1032, 7752" carries its proof; "帮我看下1032到哪了" carries an order."""
    if search.expecting == "lines":
        return
    has_order = bool(search.found.get("order_no"))
    rest = re.sub(r"[\W\d_]", "", search.text)
    kind = "phone_tail" if has_order and len(rest) <= 2 else "order_no"
    if kind == "order_no" and not _POST_WORD.search(search.text):
        search.each(_FIVE, "order_no", fits=lambda number: number not in _HOTLINES)
    search.each(_FOUR, kind, fits=lambda number: not _YEAR.fullmatch(number))


_STEPS: Iterable[Callable[[_Search], None]] = (
    _emails,
    _amazon_orders,
    _order_with_tail,
    _tails,
    _tracking,
    _tracking_by_check,
    _tracking_by_cue,
    _orders_by_cue,
    _phones,
    _lettered_orders,
    _people,
    _long_numbers,
    _bare_numbers,
)
