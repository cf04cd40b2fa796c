"""Dates, weekdays and spans of time as ten languages say them, in the plain form of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain

from xiaoer.agent.guard.numbers import HAN_NUMBER, WORDS, han_number

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
_EAST = re.compile(rf"(\d{{1,2}}|{HAN_NUMBER})\s*(?:月|월)\s*(\d{{1,2}}|{HAN_NUMBER})\s*(?:日|号|일)?")
_ISO = re.compile(r"\b\d{4}[-/.](\d{1,2})[-/.](\d{1,2})\b")
_SLASHED = re.compile(r"(?<![\d/.])(\d{1,2})[/.](\d{1,2})(?:[/.](?:20)?\d{2})(?![\d/])|(?<![\d/.$€£¥])(\d{1,2})/(\d{1,2})(?![\d/])")
_ARABIC_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")

_DAYS = """
-2 前天|一昨日|おととい|그저께|anteayer|avant-hier|vorgestern|anteontem|позавчера
-1 \\byesterday\\b|昨天|昨日|昨晚|어제|\\bayer\\b|\\bhier (?:matin|soir|apres)|\\bgestern\\b|\\bontem\\b|вчера|\\bامس\\b|البارحه
1 \\btomorrow\\b|明天|明日|明早|明晚|明儿|내일|(?<!por la )\\bmanana\\b(?! por)|\\bdemain\\b|\\bmorgen\\b(?! fruh geoffnet)|\\bamanha\\b|\\bзавтра\\b|\\bغدا\\b|\\bبكره\\b
2 day after tomorrow|后天|明後日|明后日|あさって|모레|pasado manana|apres-demain|ubermorgen|depois de amanha|послезавтра|بعد غد
"""
_WEEKDAYS = """
monday mondays lunes lundi montag segunda-feira segunda понедельник понедельника الاثنين 周一 星期一 礼拜一 月曜 월요일
tuesday tuesdays martes mardi dienstag terca-feira terca вторник вторника الثلاثاء 周二 星期二 礼拜二 火曜 화요일
wednesday wednesdays miercoles mercredi mittwoch quarta-feira среду среда среды الاربعاء 周三 星期三 礼拜三 水曜 수요일
thursday thursdays jueves jeudi donnerstag quinta-feira четверг четверга الخميس 周四 星期四 礼拜四 木曜 목요일
friday fridays viernes vendredi freitag sexta-feira sexta пятницу пятница пятницы الجمعه 周五 星期五 礼拜五 金曜 금요일
saturday saturdays sabado samedi samstag sonnabend субботу суббота субботы السبت 周六 星期六 礼拜六 土曜 토요일
sunday sundays domingo dimanche sonntag воскресенье воскресенья الاحد 周日 周天 星期日 星期天 礼拜天 日曜 일요일
"""
_UNITS = {
    "minute": (1, r"minutes?\b|mins?\b|minutos?\b|minuten?\b|分钟|分间|분(?! ?께)|минут\w*|دقيقه|دقائق|دقايق"),
    "hour": (60, r"hours?\b|hrs?\b|horas?\b|heures?\b|stunden?\b|小时|个小时|钟头|时间(?=内|以)|시간|час\w*|ساعه|ساعات"),
    "day": (1440, r"(?:business |working |calendar )?days?\b|dias?\b|(?:jours?|journees?)\b|(?:werk)?tag(?:en|e)?\b|arbeitstag\w*|(?:个)?(?:工作日|天|自然日)|日(?=间|以内|内|ほど|程)|営业日|营业日|일(?= ?(?:이내|안|내|후|정도|만))|영업일|(?:рабоч\w+ )?(?:дн\w+|день|суток)\b|ايام|يوما|يومين|يوم(?= عمل)"),
    "week": (10080, r"weeks?\b|semanas?\b|semaines?\b|wochen?\b|(?:个)?(?:星期|礼拜)(?!一|二|三|四|五|六|日|天)|周(?!一|二|三|四|五|六|日|天|末)|週间|주(?= ?(?:이내|안|내|후|일))|주일|недел\w+|اسبوع\w*|اسابيع"),
    "month": (43200, r"months?\b|mes(?:es)?\b|mois\b|monat(?:en?|s)?\b|个月|か月|ヶ月|개월|месяц\w*|شهر\w*|اشهر"),
}  # fmt: skip
_WORDS = "|".join(sorted((word for word in WORDS if len(word) > 1 and WORDS[word] <= 100), key=len, reverse=True))
_COUNT = rf"\d+(?:[.,]\d+)?|{HAN_NUMBER}|\b(?:{_WORDS}|an?)\b"
_RANGE = rf"({_COUNT})(?:\s*(?:-|–|~|to|bis|a|ate|至|到|から|에서|до|الي|или|oder|or|ou|y|或)\s*({_COUNT}))?"
_SPAN = re.compile("|".join(rf"{_RANGE}\s*(?P<{name}>{unit})" for name, (_, unit) in _UNITS.items()))
_NEXT = re.compile(
    r"\b(?:next|this|coming) (?:week|month|weekend)\b|下(?:个)?(?:周|星期|礼拜|月)(?!一|二|三|四|五|六|日|天)|周末|来週(?!の)|来周|다음 ?주|주말|"
    r"\b(?:proxima semana|semana que viene|fin de semana|semaine prochaine|ce week-end|nachste woche|wochenende|proxima semana|semana que vem)\b|"
    r"следующей неделе|выходны\w+|الاسبوع القادم|الاسبوع المقبل"
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
def _offsets() -> tuple[tuple[int, re.Pattern[str]], ...]:
    lines = (line.split(" ", 1) for line in _DAYS.strip().splitlines())
    return tuple((int(days), re.compile(words)) for days, words in lines)


@cache
def _weekdays() -> re.Pattern[str]:
    groups = []
    for number, line in enumerate(_WEEKDAYS.strip().splitlines()):
        words = sorted(line.split(), key=len, reverse=True)
        spaced = "|".join(re.escape(word) for word in words if not _EASTERN.search(word))
        eastern = "|".join(re.escape(word) for word in words if _EASTERN.search(word))
        groups.append(rf"(?P<d{number}>\b(?:{spaced})\b|{eastern})")
    return re.compile("|".join(groups))


_EASTERN = re.compile("[\u3040-\u9fff\uac00-\ud7a3]")
# Without one of these a text names no time; most sentences are let through by this look.
_ANY = re.compile(
    r"\d|[月日天周昨明后週曜월일주]|day|week|month|year|hour|minute|tomorrow|manana|demain|morgen|gestern|ontem|amanha|hier|ayer|semana|lunes|lundi|"
    r"mardi|martes|mi[et]|je|vi|ven|sam|sab|dom|dim|montag|dienstag|donnerstag|freitag|sonn|seg|ter|qua|qui|sex|[а-я]{3}|[\u0621-\u064a]{3}|"
    r"jan|feb|mar|apr|avr|abr|ma[iyo]|jun|jul|aug|ago|aout|sep|set|oct|out|okt|nov|dec|dez|heure|hora|stunde|tag|jour|dia|woche|mois|mes|모레"
)


def times_in(text: str) -> Times:
    """All times that a text names; expects the plain form."""
    text = text.translate(_ARABIC_DIGITS)
    return Times(
        dates=frozenset(dates_in(text)),
        either=frozenset(_either(text)),
        offsets=frozenset(_offsets_in(text)),
        weekdays=frozenset(int(m.lastgroup[1:]) for m in _weekdays().finditer(text) if m.lastgroup),
        spans=frozenset(spans_in(text)),
        vague=_NEXT.search(text) is not None,
    )


def _offsets_in(text: str) -> Iterator[int]:
    for days, words in reversed(_offsets()):
        if words.search(text):
            yield days
            text = words.sub(" ", text)  # "day after tomorrow" is not also "tomorrow"


def dates_in(text: str) -> Iterator[tuple[int, int]]:
    """Months and days, whatever the notation; the year is not compared."""
    for match in _EAST.finditer(text):
        yield from _valid(_number(match.group(1)), _number(match.group(2)))
    for match in _ISO.finditer(text):
        yield from _valid(int(match.group(1)), int(match.group(2)))
    for match in _MONTH_DAY.finditer(text):
        month = _MONTH[match.group(1) or match.group(4)]
        yield from _valid(month, int(match.group(2) or match.group(3)))


def _either(text: str) -> Iterator[tuple[int, int]]:
    for match in _SLASHED.finditer(text):
        first, second = (int(part) for part in (match.group(1) or match.group(3), match.group(2) or match.group(4)))
        yield from _valid(first, second) if first <= 12 else _valid(second, first)


def _valid(month: int, day: int) -> Iterator[tuple[int, int]]:
    if 1 <= month <= 12 and 1 <= day <= 31:
        yield month, day


def _number(text: str) -> int:
    return int(text) if text.isdigit() else han_number(text) or 0


def spans_in(text: str) -> Iterator[int]:
    """Spans in minutes; both ends of a range."""
    for match in _SPAN.finditer(text):
        name = next(unit for unit in _UNITS if match.group(unit))
        counts = [match.group(n) for n in range(1, (match.lastindex or 0) + 1)]
        for count in _counts(counts, match.group(name)):
            yield int(count * _UNITS[name][0])
    if "يومين" in text:
        yield 2 * 1440


def _counts(groups: list[str | None], unit: str) -> Iterator[float]:
    for group in groups:
        if not group or group == unit:
            continue
        if group[0].isdigit():
            yield float(group.replace(",", "."))
        elif group in WORDS:
            yield WORDS[group]
        elif group in ("a", "an"):
            yield 1
        elif all(char in HAN_NUMBER for char in group):
            yield han_number(group) or 0


MONTH_NAMES = frozenset(chain(_MONTH))
