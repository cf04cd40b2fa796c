"""Address lines by the words that streets have in each language, and postcodes where something says so.

An address needs a street and a number (or a box): a street alone is a place, not somebody's home.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from xiaoer.domain.pii.search import Kind, Search

# A word of a name: capitals are not asked for, people type as they like.
_W = r"[^\W\d_][\w'’.-]{0,24}"  # bounded: hostile text must not make a search square
_NUM = r"\d{1,5} ?(?:bis|ter|quater|[a-zA-Z](?![\w]))?"
_CITY = rf"(?:, ?| )(?:{_W}(?: {_W}){{0,3}})"

_EN_TYPES = r"street|st|avenue|ave|road|rd|drive|dr|lane|ln|boulevard|blvd|court|ct|terrace|place|pl|square|sq|highway|hwy|parkway|pkwy|way|close|crescent|circle|cir|row|mews|trail"
# Between number and street type stand names, not the small words of a sentence.
_EN_WORD = r"(?!(?:the|a|an|in|on|of|to|at|and|or|down|up|is|are|was|days?|minutes?|items?|pcs|pieces|hours?|weeks?|for|my|your|street|road)\b)[a-z][\w'.-]{0,24}"
_EN_UNIT = r"(?:,? (?:apt|apartment|suite|ste|unit|flat|floor|fl|#) ?\.?#?[\w-]{1,6})"
_EN = (
    rf"(?<![\w.,-])(?:(?:flat|unit|apt\.?) \w{{1,4}}, ?)?\d{{1,5}}[a-z]?(?: (?:n|s|e|w|north|south|east|west)\.?)?(?: {_EN_WORD}){{1,3}} (?:{_EN_TYPES})\b\.?{_EN_UNIT}?"
    r"(?:, ?[a-z][a-z .'-]{2,25}?(?:,? (?:[A-Z]{2}) \d{5}(?:-\d{4})?|,? [A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b|(?=[.,;!?)]|$)))?"
)
_EN_BOX = r"\bp\.? ?o\.? box \d{1,6}(?:, ?[a-z .'-]{2,25}?,? [A-Z]{2} \d{5}(?:-\d{4})?)?"

_DE_CITY = rf"(?:, [^,;\n]{{1,15}})?,? (?:D-|A-|CH-)?\d{{4,5}} {_W}(?: (?:am|an der|im|in|bei|ob der) {_W})?"
_DE = (
    rf"(?<![\w-])(?:(?-i:(?:[A-ZÄÖÜ][\w.-]{{0,24}}[ -]){{0,2}}){_W}(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|markt|chaussee|stieg|graben|hof)"
    rf"|(?-i:[A-ZÄÖÜ][\w.-]{{0,24}} )?(?:straße|allee|weg|platz|ring|damm|chaussee)(?: des| der)?|(?:am|an der|an den|auf dem|auf der|im|unter den|zum|zur|in der) {_W}(?: {_W})?)"
    rf" ?\d{{1,4}} ?[a-z]?(?![\w%]|[.,:]\d)(?:{_DE_CITY})?"
)
_FR_TYPES = r"rue|avenue|av\.|boulevard|bd|blvd|place|chemin|allée|allee|impasse|quai|route|cours|square|passage|sentier|faubourg|esplanade"
_FR_CITY = rf"(?:,? [^,;\n\d]{{1,20}}| ?,? \d{{1,2}}e étage)?,? (?:F-)?\d{{5}} {_W}(?:[ -]{_W}){{0,3}}"
_FR = (
    rf"(?<![\w.,])\d{{1,4}}(?: ?(?:bis|ter|quater))?,? (?:{_FR_TYPES}) (?:d(?:e la|e l['’]|u|es|e)? ?|l['’])?(?:d['’]|l['’])?"
    rf"(?:{_W}(?: {_W}){{0,2}}?(?:{_FR_CITY}|(?=[.,;:!?)\n\x00]|$))|{_W})"
)
_ES_TYPES = (
    r"calle|c/|avenida|avda\.?|av\.|plaza|pza\.?|paseo|p\.º|camino|carretera|ctra\.?|ronda|travesía|calzada|carrera|cra\.?|rua|r\.|travessa"
    r"|tv\.|praça|alameda|estrada|rodovia|largo|via|viale|piazza|corso"
)
_ES_CITY = rf"(?:, ?[^,;\n\d]{{2,20}})?,? (?:CEP |C\.?P\.? ?)?(?:\d{{5}}-\d{{3}}|\d{{4}}-\d{{3}}|\d{{5}})(?: {_W}(?: (?:de |del )?{_W}){{0,2}})?"
_ES_FLOOR = r"(?:, ?(?:\d{1,2} ?[ºª°](?: ?[A-Za-z]{1,3}\b)?|(?:apto|apt|piso|bajo|ático|bloco|casa|depto|int)\.?(?: ?\w+){0,2}))*"
_ES = (
    rf"(?<![\w])(?:{_ES_TYPES}) ?(?:(?:de la |de los |de las |del |de |da |do |das |dos |della )?{_W}(?: {_W}){{0,4}}?|\d{{1,3}}[A-Za-z]?),?"
    rf" ?(?:n[º°.o]\.? ?|núm\.? ?|# ?)?\d{{1,5}}(?:-\d{{1,4}})?(?![\w%]|[.:]\d){_ES_FLOOR}(?:{_ES_CITY}|, ?(?-i:[A-ZÁÉÍÓÚ])\w+(?: (?:d[aeo]s? |del )?(?-i:[A-ZÁÉÍÓÚ])\w+){{0,2}}(?=[.,;!?)]|$))?"
)
_RU_TYPES = r"ул\.?|улица|улице|пр-т|пр\.|проспект|просп\.|пер\.?|переулок|шоссе|ш\.|бульвар|б-р|наб\.?|набережная|площадь|пл\.|проезд|аллея|тупик"
_RU_TAIL = (
    r"(?:,? ?(?:д\.?|дом) ?)?,? ?\d{1,4}[а-я]?(?:/\d+)?(?:,? ?(?:к\.?|корп\.?|корпус|стр\.?|строение) ?\d+)?"
    r"(?:,? ?(?:кв\.?|квартира|офис|оф\.) ?\d+)?(?![\w]|[.:]\d)"
)
_RU = (
    rf"(?:(?:\d{{6}},? ?)?(?:г\.? ?)?[А-ЯЁ][\w-]+(?: [А-ЯЁ][\w-]+)?, ?)?(?<![\w])(?:(?:{_RU_TYPES}) (?:\d{{1,2}}-\w{{1,3}} )?{_W}(?: {_W}){{0,2}}?"
    rf"|[А-ЯЁ][\w-]+ (?:{_RU_TYPES})){_RU_TAIL}"
)
_AR_TYPES = r"شارع|طريق|حي|ميدان|جادة|ش\."
_AR_WORD = r"[\u0621-\u064a]+"
_AR_NUM = r"(?:[،, ]+(?:رقم|مبنى|بناية|عمارة|شقة|فيلا|منزل|بيت) ?)?[ ،,]?\d{1,5}(?![\d.:/-])"
_AR_MORE = rf"(?:[،,] ?(?:الدور|شقة|مبنى|عمارة) ?\w+)*(?:، ?{_AR_WORD}(?=[\s.،؟!]*$|[،,.]))?"
_AR = (
    rf"(?:\d{{1,4}} (?:{_AR_TYPES})(?: {_AR_WORD}){{1,3}}(?:، ?{_AR_WORD})?"
    rf"|(?:حي {_AR_WORD}(?: {_AR_WORD})?، ?)?(?:{_AR_TYPES})(?: {_AR_WORD}){{1,3}}?{_AR_NUM}{_AR_MORE})"
)

_HAN = r"[\u3400-\u9fff]"
_ZH_PLACE = (
    r"(?:北京|上海|天津|重庆|重慶|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海"
    r"|台湾|臺灣|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|臺北|台北|高雄|新北|臺中|台中|深圳|广州|杭州|南京|成都|武汉|西安|苏州|宁波|青岛|郑州|长沙|厦门|大连|沈阳|佛山|东莞|无锡|合肥|福州|济南)"
)
_ZH_STREET = r"(?:路|街|大道|大街|巷|弄|胡同|里|道|段|园路|村|小区|小區|新村|花园|公寓|广场)"
_ZH_NO = r"(?:[东西南北中][一二三四五六]?段|[一二三四五六七八九十]段)? ?\d{1,5} ?(?:-\d{1,4})?(?:号院?|號|弄|栋|棟|幢|巷)(?:之\d+)?"
_ZH_REST = r"(?: ?(?:\d{1,4}|[A-Za-z])[ -]?(?:号楼|号|號|栋|棟|幢|座|单元|單元|楼|樓|层|室|房|户|弄)|\d{3,4}(?!\d|元))*"
_ZH = rf"{_HAN}{{2,30}}?{_ZH_STREET}{_ZH_NO}{_ZH_REST}"
_JA_PREF = r"(?:東京都|北海道|(?:京都|大阪)府|(?:神奈川|和歌山|鹿児島|[\u4e00-\u9fff]{2})県)"
_JA_BODY = r"[\u3040-\u30ff\u3400-\u9fffヶケー]{2,25}?"
_JA_NO = r"\d{1,4}(?: ?(?:丁目|番地?|号|条))?(?:-?\d{1,4}(?: ?(?:丁目|番地?|号))?){0,3}(?![\d:])"
_JA_REST = r"(?: ?[\u3040-\u30ffA-Za-z\u4e00-\u9fff]{2,20}? ?\d{2,4}号室?)?"
_JA = rf"(?:〒? ?\d{{3}}-\d{{4}} ?)?(?:{_JA_PREF}{_JA_BODY}|[\u3400-\u9fff]{{2,6}}市[\u3400-\u9fff]{{1,6}}区{_JA_BODY}){_JA_NO}{_JA_REST}"
_KO = (
    r"(?:(?:[가-힣]{2,5}(?:특별자치시|특별자치도|특별시|광역시|시|도)"
    r"|서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주) )?(?:[가-힣]{1,5}시 )?[가-힣]{1,4}[구군시읍면] (?:[가-힣]{1,5}[읍면동] )?"
    r"[가-힣\d]{1,12}(?:대로|로|길)(?: ?\d{1,4}번?길)? ?\d{1,5}(?:-\d{1,4})?(?!\d|[.:]\d)(?:,? ?\d{1,4}동)?(?:,? ?\d{1,5}호)?"
)

_FORMS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(form, re.IGNORECASE) for form in (_ZH, _JA, _KO, _RU, _AR, _FR, _EN, _EN_BOX, _DE, _ES)
)

# "address: …" up to the end of the line or sentence, when there is a number in it.
_CUE = (
    r"(?:(?:shipping|delivery|new|my|the)? ?address|ship to|deliver to|收货地址|收貨地址|地址|住址|住所(?:変更)?|送り先|お届け先|주소(?: 변경)?|배송지"
    r"|dirección|direccion|domicilio|endereço|morada|adresse|lieferadresse|anschrift|адрес(?: доставки)?|العنوان|عنواني)"
)
_CUED = re.compile(rf"(?<![A-Za-z]){_CUE} ?[:：] ?([^\n;；。!?！？\x00]{{4,120}})", re.IGNORECASE)
_STOP = re.compile(
    r"[,，、 ]+(?:电话|電話|手机|邮编|郵便|우편|전화|tel\b|phone|telefon|teléfono|tél|plz\b|zip\b|postcode|thanks|please|svp|bitte|por favor|obrigad).*$",
    re.IGNORECASE,
)

_POST_CUE = (
    r"(?:zip(?: ?code)?|post ?codes?|postal(?: code)?|邮编|郵遞區號|邮政编码|plz|postleitzahl|c[oó]digo postal|c\.? ?p\.?|cep|code postal"
    r"|郵便番号|우편번호|индекс|الرمز البريدي)"
)
_POST_LINK = r"(?: (?:is|ist|es|est|é|no|number))?(?:是|为|は|는|은)?[ :：=]{0,3}"
_POST_CODE = r"(〒? ?\d{3}-\d{4}|\d{5}-\d{3,4}|\d{4}-\d{3}|\d{4,6}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2})(?![A-Za-z0-9]|[.-]\d)"
_POSTCODE = re.compile(rf"(?<![A-Za-z]){_POST_CUE}{_POST_LINK}{_POST_CODE}", re.IGNORECASE)
_POST_MARK = re.compile(r"〒 ?\d{3}-\d{4}")


# What a sentence says before it comes to the place; Chinese has no blanks to end it.
_ZH_LEAD = re.compile(
    r".*(?:[寄送发發换換搬][到回往去]|寄|地址|住址|门牌|門牌|改[成到为為]|住在?|[是为為到在])"
)
_ZH_NAMED = re.compile(_ZH_PLACE)


def take_addresses(search: Search) -> None:
    if not any(char.isdecimal() for char in search.plain):
        return
    for form in _FORMS:
        for match in list(form.finditer(search.plain)):
            search.take(Kind.ADDRESS, match.start() + _lead(match[0]), match.end())


def take_named_addresses(search: Search) -> None:
    """What stands behind "address:", in whatever form; phones have been taken out of it before."""
    for match in list(_CUED.finditer(search.plain)):
        start, end = match.span(1)
        end = start + len(_STOP.sub("", match[1]).rstrip(" ,.，"))
        if any(char.isdecimal() for char in search.plain[start:end]):
            search.take(Kind.ADDRESS, start, end)


def _lead(text: str) -> int:
    """How much of a match is still the sentence before the place."""
    if not re.match(_HAN, text):
        return 0
    named = _ZH_NAMED.search(text)
    if named:
        return named.start()
    lead = _ZH_LEAD.match(text)
    return lead.end() if lead else 0


def take_postcodes(search: Search) -> None:
    search.each(Kind.POSTCODE, _POSTCODE, group=1)
    search.each(Kind.POSTCODE, _POST_MARK)


def forms() -> Iterator[str]:
    """For tests: every form as written."""
    return (form.pattern for form in _FORMS)
