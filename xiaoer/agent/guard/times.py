"""Dates, weekdays and spans of time as ten languages say them, in the plain form of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from xiaoer.agent.guard.gate import Gated, Words, gated, words_of
from xiaoer.agent.guard.numbers import HAN_NUMBER, WORDS, han_number
from xiaoer.domain.claims.lexicon import START

# Months, one line each: every language's words, as far as a short form stands alone.
_MONTHS = """
january jan enero janvier januar janeiro января январь يناير
february feb febrero fevrier februar fevereiro февраля февраль فبراير
march mar marzo mars marz marco марта март مارس
april apr abril avril апреля апрель ابريل
may mayo mai maio мая май مايو
june jun junio juin juni junho июня июнь يونيو
july jul julio juillet juli julho июля июль يوليو
august aug agosto aout августа август اغسطس
september sept sep septiembre septembre setembro сентября сентябрь سبتمبر
october oct octubre octobre oktober okt outubro октября октябрь اكتوبر
november nov noviembre novembre novembro ноября ноябрь نوفمبر
december dec diciembre decembre dezember dez dezembro декабря декабрь ديسمبر
"""
_MONTH: dict[str, int] = {
    word: number for number, line in enumerate(_MONTHS.strip().splitlines(), 1) for word in line.split()
}
_NAMES = "|".join(sorted(_MONTH, key=len, reverse=True))
_MONTH_DAY = re.compile(
    rf"\b({_NAMES})\b\.?\s+(?:the )?(\d{{1,2}})(?:st|nd|rd|th)?\b(?!:\d)"
    rf"|\b(\d{{1,2}})(?:st|nd|rd|th|er|o|º|ª|\.)?\s+(?:of |de |d')?({_NAMES})\b"
)
_MONTH_STARTS = frozenset(name[:START] for name in _MONTH)
_EAST = re.compile(rf"(\d{{1,2}}|{HAN_NUMBER})\s*(?:月|월)\s*(\d{{1,2}}|{HAN_NUMBER})\s*(?:日|号|일)?")
_ISO = re.compile(r"\b\d{4}[-/.](\d{1,2})[-/.](\d{1,2})\b")
_SLASHED = re.compile(
    r"(?<![\d/.])(\d{1,2})[/.](\d{1,2})(?:[/.](?:20)?\d{2})(?![\d/])|(?<![\d/.$€£¥])(\d{1,2})/(\d{1,2})(?![\d/])"
)
_ARABIC_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")

_DAYS = """
-2 前天|一昨日|おととい|그저께|anteayer|avant-hier|vorgestern|anteontem|позавчера
-1 \\byesterday\\b|昨天|昨日|昨晚|어제|\\bayer\\b|\\bhier (?:matin|soir|apres)|\\bgestern\\b|\\bontem\\b|вчера|\\bامس\\b|البارحه
1 \\btomorrow\\b|明天|明日|明早|明晚|明儿|내일|(?<!por la )\\bmanana\\b(?! por)|\\bdemain\\b|\\bmorgen\\b(?! fruh geoffnet)|\\bamanha\\b|\\bзавтра\\b|\\bغدا\\b|\\bبكره\\b
2 day after tomorrow|后天|明後日|明后日|あさって|모레|pasado manana|apres-demain|ubermorgen|depois de amanha|послезавтра|بعد غد
"""
_WEEKDAYS = """
monday mondays lunes lundi montag segunda-feira segunda понедельник понедельника понедельнику الاثنين 周一 星期一 礼拜一 月曜 월요일
tuesday tuesdays martes mardi dienstag terca-feira terca вторник вторника вторнику الثلاثاء 周二 星期二 礼拜二 火曜 화요일
wednesday wednesdays miercoles mercredi mittwoch quarta-feira среду среда среды среде الاربعاء 周三 星期三 礼拜三 水曜 수요일
thursday thursdays jueves jeudi donnerstag quinta-feira четверг четверга четвергу الخميس 周四 星期四 礼拜四 木曜 목요일
friday fridays viernes vendredi freitag sexta-feira sexta пятницу пятница пятницы пятнице الجمعه 周五 星期五 礼拜五 金曜 금요일
saturday saturdays sabado samedi samstag sonnabend субботу суббота субботы субботе السبت 周六 星期六 礼拜六 土曜 토요일
sunday sundays domingo dimanche sonntag воскресенье воскресенья воскресенью الاحد 周日 周天 星期日 星期天 礼拜天 日曜 일요일
"""


def _lines(words: str) -> Iterator[str]:
    """Alternatives that stand in one script each, so that the others are not tried on a text without it."""
    east: list[str] = []
    west: list[str] = []
    for word in _ALTERNATIVE.findall(words):
        (east if _EASTERN.search(word) else west).append(word)
    yield rf"(?<![^\W\d_])(?:{'|'.join(west)})"
    yield "|".join(east)


_EASTERN = re.compile("[\u3040-\u9fff\uac00-\ud7a3]")
_ALTERNATIVE = re.compile(r"(?:[^|()\[\]]|\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\])+")
_UNITS = {
    "minute": (1, r"minutes?\b|mins?\b|minutos?\b|minuten?\b|分钟|分间|분(?! ?께)|минут\w*|دقيقه|دقائق|دقايق"),
    "hour": (60, r"hours?\b|hrs?\b|horas?\b|heures?\b|stunden?\b|小时|个小时|钟头|时间(?=内|以)|시간|час\w*|ساعه|ساعات"),
    "day": (1440, r"(?:business |working |calendar )?days?\b|dias?\b|(?:jours?|journees?)\b|(?:werk)?tag(?:en|e)?\b|arbeitstag\w*|(?:个)?(?:工作日|天|自然日)|日(?=间|以内|内|ほど|程)|営业日|营业日|일(?= ?(?:이내|안|내|후|정도|만))|영업일|(?:рабоч\w+ )?(?:дн\w+|день|суток)\b|ايام|يوما|يومين|يوم(?= عمل)"),
    "week": (10080, r"weeks?\b|semanas?\b|semaines?\b|wochen?\b|(?:个)?(?:星期|礼拜)(?!一|二|三|四|五|六|日|天)|周(?!一|二|三|四|五|六|日|天|末)|週间|주(?= ?(?:이내|안|내|후|일))|주일|недел\w+|اسبوع\w*|اسابيع"),
    "month": (43200, r"months?\b|mes(?:es)?\b|mois\b|monat(?:en?|s)?\b|个月|か月|ヶ月|개월|месяц\w*|شهر\w*|اشهر"),
}  # fmt: skip
_WORDS = "|".join(
    sorted((word for word in WORDS if len(word) > 1 and WORDS[word] <= 100), key=len, reverse=True)
)
_COUNT = rf"\d+(?:[.,]\d+)?|(?<![\uac00-\ud7a3]){HAN_NUMBER}|\b(?:{_WORDS}|an?)\b"
_TO = r"\s*(?:-|–|~|to|bis|a|ate|至|到|から|에서|до|الي|или|oder|or|ou|y|或)\s*"
_COUNTED = re.compile(rf"({_COUNT})(?:{_TO}({_COUNT}))?\s*$")
_UNIT_LINES = tuple((minutes, gated("\n".join(_lines(words)))) for minutes, words in _UNITS.values())
_LOOK_BACK = 40
_NEXT = gated(
    r"""
\b(?:next|this|coming) (?:week|month|weekend)\b
下(?:个)?(?:周|星期|礼拜|月)(?!一|二|三|四|五|六|日|天)|周末|来週(?!の)|来周|다음 ?주|주말
\b(?:proxima semana|semana que viene|fin de semana|semaine prochaine|ce week-end|nachste woche|wochenende|semana que vem)\b
следующей неделе|выходны\w+
الاسبوع القادم|الاسبوع المقبل
"""
)


@dataclass(frozen=True, slots=True)
class Times:
    """What a text names of time, relative to the day it is said on."""

    dates: frozenset[tuple[int, int]]  # (month, day)
    either: frozenset[tuple[int, int]]  # "3/11": one of the two readings
    offsets: frozenset[int]  # days from today: tomorrow is 1
    weekdays: frozenset[int]  # Monday is 0
    spans: frozenset[int]  # minutes: "within 3 days"
    vague: bool  # "next week"

    def __bool__(self) -> bool:
        return any((self.dates, self.either, self.offsets, self.weekdays, self.spans, self.vague))


@cache
def _offsets() -> dict[int, Gated]:
    lines = (line.split(" ", 1) for line in _DAYS.strip().splitlines())
    return {int(days): gated("\n".join(_lines(words))) for days, words in lines}


@cache
def _weekdays() -> tuple[tuple[int, Gated], ...]:
    lines = enumerate(_WEEKDAYS.strip().splitlines())
    return tuple((day, gated("\n".join(_names_of(line)))) for day, line in lines)


def _names_of(line: str) -> Iterator[str]:
    words = sorted(line.split(), key=len, reverse=True)
    yield rf"\b(?:{'|'.join(word for word in words if not _EASTERN.search(word))})\b"
    yield "|".join(word for word in words if _EASTERN.search(word))


def times_in(text: str) -> Times:
    """All times that a text names; expects the plain form."""
    text = text.translate(_ARABIC_DIGITS) if not text.isascii() else text
    words = words_of(text)
    return Times(
        dates=frozenset(dates_in(text)),
        either=frozenset(_either(text)) if _PARTED.search(text) else frozenset(),
        offsets=frozenset(_offsets_in(text)),
        weekdays=frozenset(day for day, names in _weekdays() if next(names.finditer(text, words), None)),
        spans=frozenset(spans_in(text)),
        vague=next(_NEXT.finditer(text, words), None) is not None,
    )


_PARTED = re.compile(r"\d[/.]\d")


def _offsets_in(text: str) -> Iterator[int]:
    words = words_of(text)
    far = {days for days in (2, -2) if _said(days, text, words)}
    yield from far
    for days in (1, -1):
        # "day after tomorrow" is not also "tomorrow"
        if _said(days, text if 2 * days not in far else _without(2 * days, text), words):
            yield days


def _said(days: int, text: str, words: Words) -> bool:
    return next(_offsets()[days].finditer(text, words), None) is not None


def _without(days: int, text: str) -> str:
    for _, pattern in _offsets()[days].lines:
        text = pattern.sub(" ", text)
    return text


def dates_in(text: str) -> Iterator[tuple[int, int]]:
    """Months and days, whatever the notation; the year is not compared."""
    if "月" in text or "월" in text:
        yield from _eastern(text)
    for match in _ISO.finditer(text):
        yield from _valid(int(match.group(1)), int(match.group(2)))
    if _MONTH_STARTS.isdisjoint(words_of(text).starts):
        return
    for match in _MONTH_DAY.finditer(text):
        month = _MONTH[match.group(1) or match.group(4)]
        yield from _valid(month, int(match.group(2) or match.group(3)))


def _eastern(text: str) -> Iterator[tuple[int, int]]:
    for match in _EAST.finditer(text):
        yield from _valid(_number(match.group(1)), _number(match.group(2)))


def _either(text: str) -> Iterator[tuple[int, int]]:
    for match in _SLASHED.finditer(text):
        first, second = (
            int(part) for part in (match.group(1) or match.group(3), match.group(2) or match.group(4))
        )
        yield from _valid(first, second) if first <= 12 else _valid(second, first)


def _valid(month: int, day: int) -> Iterator[tuple[int, int]]:
    if 1 <= month <= 12 and 1 <= day <= 31:
        yield month, day


def _number(text: str) -> int:
    return int(text) if text.isdigit() else han_number(text) or 0


def spans_in(text: str) -> Iterator[int]:
    """Spans in minutes; both ends of a range."""
    words = words_of(text)
    for minutes, units in _UNIT_LINES:
        for unit in units.finditer(text, words):
            counted = _COUNTED.search(text[max(0, unit.start() - _LOOK_BACK) : unit.start()])
            for count in _counts(counted.groups() if counted else ()):
                if count:
                    yield int(count * minutes)
    if "يومين" in text:
        yield 2 * 1440


def _counts(groups: Sequence[str | None]) -> Iterator[float]:
    for group in groups:
        if not group:
            continue
        if group[0].isdigit():
            yield float(group.replace(",", "."))
        elif group in WORDS:
            yield WORDS[group]
        elif group in ("a", "an"):
            yield 1
        elif all(char in HAN_NUMBER for char in group):
            yield han_number(group) or 0
