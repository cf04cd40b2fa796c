"""What looks like personal data and is none: order and tracking numbers, prices, dates, ids of ours.

They are put under guard before phones, cards and ids are looked for; a number that its writer calls
an order is one, whatever its digits would allow.
"""

from __future__ import annotations

import re

from xiaoer.domain.pii.search import Search

_ORDER = (
    r"order|ordr|pedido|encomenda|commande|bestell(?:ung|nummer|-?nr\.?)|auftrag(?:snummer)?|rechnung(?:snummer)?"
    r"|invoice|factura|facture|nota fiscal|fatura|заказ\w*|счет\w*|注文(?:番号)?|주문(?:번호)?|订单(?:编号|号码|号)?|訂單(?:編號|號碼|號)?"
    r"|单号|編號|编号|(?:ال|لل)?طلب(?:ي|يتي|ية|يه)?|ticket|case|refund|return|reference|referencia|référence|referência|ref\.?"
)
_TRACKING = (
    r"tracking|track|waybill|awb|sendungs?(?:nummer|verfolgung)?|paket(?:nummer)?|seguimiento|envío|suivi|colis|rastre(?:io|amento)"
    r"|(?:运|運|快递|快遞|物流|追踪|跟踪)(?:单|單)?号?|伝票(?:番号)?|追跡(?:番号)?|送り状(?:番号)?|송장(?:번호)?|운송장(?:번호)?"
    r"|трек\w*|накладн\w+|посылк\w+|(?:ال)?تتبع|(?:ال)?شحنة|usps|ups|fedex|dhl|dpd|gls|hermes|顺丰|中通|圆通|申通|韵达|极兔|京东|邮政"
)
_GOODS = (
    r"sku|ean|isbn|upc|item|article|artículo|articulo|artigo|artikel(?:nummer)?|produkt|product|producto|produit|produto"
    r"|型号|货号|商品(?:番号)?|型番|상품(?:번호)?|артикул|товар|модель|model|serial(?: number)?|série|серийный|(?:ال)?منتج|التسلسلي"
)
_LINK = (
    r"[\s:#=,，：()（）«\"'.\x00-]{0,3}(?:(?:is|are|was|no|nr|n[°ºo]|№|number|numbers|numero|número|numéro|nummer|номер|code|código|de|do|del"
    r"|id|es|est|ist|lautet|é|是|为|號碼?|号码?|番号|は|が|번호|는|은|رقم|هو)[\s:#=.：]{0,3}){0,3}"
)
_TOKEN = r"(?:[A-Za-z]{0,5}-?)?\d(?:[ -]?[\dA-Za-z]){2,27}"  # noqa: S105 - no secret
_BARE = r"[A-Za-z]{0,5}-?\d[\dA-Za-z-]{2,27}"
_NOT_IN_WORD = r"(?<![A-Za-z0-9])"

# The word comes first and the number follows at once: a phone behind "order 1001, phone …" is untouched.
_NAMED = re.compile(rf"{_NOT_IN_WORD}(?:{_ORDER}|{_TRACKING}|{_GOODS}){_LINK}({_BARE})", re.IGNORECASE)
_NAMED_SPACED = re.compile(
    rf"{_NOT_IN_WORD}(?:{_TRACKING}){_LINK}(\d{{2,5}}(?:[ -]\d{{2,5}}){{2,6}})(?!\d)", re.IGNORECASE
)
_NAMED_AFTER = re.compile(
    r"(?<!\d)(\d{4,22})\s*(?:这个|这|的|那个|号)?(?:订单|訂單|单子|单号|order\b|pedido|заказ)", re.IGNORECASE
)

_SHAPES: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        r"<[a-z]+:\d+>",  # a token of ours
        r"(?<![A-Za-z0-9])#\s?[A-Za-z]{0,4}-?\d{3,20}(?!\d)",
        r"(?<![\d-])\d{3}-\d{7}-\d{7}(?![\d-])",  # Amazon
        r"(?<![A-Za-z0-9])1[Zz][0-9A-Za-z]{16}(?![A-Za-z0-9])",  # UPS
        r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{9}[A-Za-z]{2}(?![A-Za-z0-9])",  # UPU S10
        r"(?<![A-Za-z0-9])[A-Za-z]{1,5}-?\d{6,}[A-Za-z]{0,3}(?![A-Za-z0-9])",  # SF123…, W2378156, SN2026…
        r"(?<![\d])9[1-5]\d{2}(?:[ ]?\d{4}){4}(?:[ ]?\d{1,4})?(?!\d)",  # USPS
        r"(?<!\d)003\d{17}(?!\d)",  # SSCC, as DHL prints it
        r"(?i)(?<![a-z0-9+])(?:sha256:)?(?=\d{0,31}[a-f])[0-9a-f]{8}(?:[0-9a-f]{4,}|-[0-9a-f]{4}-[0-9a-f-]{9,})(?![a-z0-9])",
        r"(?<![A-Za-z0-9])[A-Z]{1,4}-[0-9A-HJKMNP-TV-Z]{10,16}(?![A-Za-z0-9])",  # domain.ids
        r"(?<![A-Za-z0-9])[A-Za-z]{2,}(?:-[A-Za-z]{2,})*[-_]\d{3,}(?![A-Za-z0-9])",  # paypal_3024827, kb-0042
        r"(?<!\d)(?:19|20)\d{2}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}日?(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?(?!\d)",
        r"(?<!\d)(?<!\d[-/.])\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d{2}(?!\d|[-/.]\d)",
        r"(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d)",
        r"(?<!\d)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{0,12}(?!\d)",  # dates with serials
        r"(?<!\d)\d+(?:[.,]\d+)?\s?[x×*]\s?\d+(?:[.,]\d+)?(?:\s?[x×*]\s?\d+(?:[.,]\d+)?)?",
        r"(?i)(?:[$€£¥￥₩₽]|r\$|usd|eur|rmb|cny|us\$)\s?\d[\d.,  ]*\d|(?i:[$€£¥￥₩₽])\s?\d",
    )
)  # fmt: skip
_PRICED = re.compile(
    r"(?<![\d-])\d{1,3}(?:[., ]\d{3})*(?:[.,]\d{1,2})?\s?(?:元|块|円|원|₽|€|\$|£|руб\w*|euros?|eur\b|usd\b|reais|pesos|dollars?|ريال|درهم|جنيه"
    r"|mah\b|毫安|g\b|kg\b|г\b|ml\b|积分|puntos|points)",
    re.IGNORECASE,
)


def guard_numbers(search: Search) -> None:
    """Put everything under guard that is surely no personal data."""
    for pattern in (_NAMED_SPACED, _NAMED, _NAMED_AFTER):
        for match in list(pattern.finditer(search.plain)):
            search.guard(*match.span(1))
    for pattern in (*_SHAPES, _PRICED):
        for match in list(pattern.finditer(search.plain)):
            search.guard(*match.span())
