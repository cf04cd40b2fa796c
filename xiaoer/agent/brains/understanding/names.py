"""A person's name and postcode, and only where the message leaves no doubt that they are that."""

from __future__ import annotations

import re

Found = tuple[str, int, int, str]  # kind, start, end, value

_UK = r"[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}"
_CA = r"[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d"
_POSTCODE = rf"(?:\d{{5}}-\d{{3,4}}|\d{{3}}-\d{{4}}|{_UK}|{_CA}|\d{{6}}|\d{{5}})"
_END = r"(?![\dA-Za-z])"
_LATIN_WORD = r"[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿß]+(?:['’-][A-ZÀ-ÖØ-Þ]?[a-zà-öø-ÿß]+)*"
_INITIAL = r"(?:[A-Z]\.?)"
_LATIN_NAME = (
    rf"{_LATIN_WORD}(?: {_INITIAL})?(?: (?:de|da|di|van|von|del|la|el|al|bin)(?= ))?(?: {_LATIN_WORD}){{1,2}}"
)
_CYRILLIC_NAME = r"[А-ЯЁ][а-яё]+(?: [А-ЯЁ][а-яё]+){1,2}"
# The hundred surnames of nearly all customers.
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
    "張劉陳楊趙黃吳孫馬羅鄭謝韓馮蕭鄧許呂蘇盧蔣賈葉閻鐘譚鄒陸顧錢湯賀賴龔"
)
_HAN = r"\u3400-\u9fff"
_HAN_NAME = rf"[{_SURNAMES}][{_HAN}]{{1,2}}"
_SEPARATOR = r"(?:\s*[,，、;；/|]\s*|\s+)"

_NAME_CUE = (
    r"(?:my (?:full )?name(?:'s| is)?|name on (?:the )?(?:order|account)(?: is)?|(?:full )?name|me llamo|mi nombre es|nombre|je m'appelle|mon nom est|nom|"
    r"mein name ist|ich heiße|ich heisse|name ist|meu nome é|meu nome e|nome|меня зовут|имя)\s*[:=-]?\s*"
)
_BY_NAME_CUE = re.compile(rf"(?i:{_NAME_CUE})({_LATIN_NAME}|{_CYRILLIC_NAME})")
_LOWER_NAME = re.compile(
    r"(?i:\bmy name(?:'s| is)|\bname\s*:)\s*([a-z]{2,20} [a-z]{2,20})\b(?=\s*(?:$|[,.;\n]|and\b|\d))"
)
_I_AM = re.compile(rf"\b(?i:i'?m|i am|this is|it's|ich bin|soy|je suis|sou)\s+({_LATIN_NAME})(?=\W|$)")
_HAN_CUE = re.compile(
    rf"(?:我叫|我的名字[是叫]|名字[是叫:：]*|姓名[是:：]*|收[件货]人[是叫:：]*\s*(?!改|写|换|电话|手机|地址)|本人)\s*({_HAN_NAME})(?![{_HAN}])"
    rf"|(?:我叫|姓名[是:：]+)\s*([{_HAN}]{{2,4}})(?=\s|$|[,，。.;；、\d])"
)
_HAN_I_AM = re.compile(rf"我是\s*({_HAN_NAME})(?=\s*(?:$|[,，。.;；、\d]|邮编))")
_BESIDE = re.compile(
    rf"(?<![\w])({_LATIN_NAME}|{_CYRILLIC_NAME}){_SEPARATOR}(?:(?i:zip(?: code)?|postcode|plz)\s*:?\s*)?({_POSTCODE}){_END}"
)
_BESIDE_REVERSED = re.compile(rf"(?<![\w#])({_POSTCODE}){_SEPARATOR}({_LATIN_NAME})(?=\W*$)")
_HAN_BESIDE = re.compile(rf"(?<![{_HAN}])({_HAN_NAME}){_SEPARATOR}?(?:邮编\s*[:：是]?\s*)?(\d{{6}}){_END}")
_LOWER_BESIDE = re.compile(rf"^\s*([a-z]{{2,20}} [a-z]{{2,20}})\s*[,，;/]\s*({_POSTCODE}){_END}")
_ALONE = re.compile(rf"^\s*({_LATIN_NAME}|{_CYRILLIC_NAME}|{_HAN_NAME})\s*[.。!]?\s*$")
_CODE_CUE = re.compile(
    rf"(?:邮政?编码?|邮编|郵遞區號|郵編|郵便番号|〒|우편번호|zip(?: ?code)?|post(?:al)? ?code|plz|postleitzahl|code postal|código postal|codigo postal|cp|cep|индекс|الرمز البريدي)"
    rf"[\s:：#是为は]*(?:(?:is|es|est|ist|é)\s*)?({_POSTCODE}){_END}",
    re.IGNORECASE,
)
_SHAPED = re.compile(rf"(?<![A-Za-z0-9])([A-Z]{{1,2}}\d[A-Z\d]? \d[A-Z]{{2}}|[A-Z]\d[A-Z] \d[A-Z]\d){_END}")
_BARE = re.compile(rf"(?<![\w#$¥€£.])({_POSTCODE}){_END}(?!\s*(?:元|块|days?|天))")

# Capitalised words that begin a sentence about parcels, not a person.
_NO_NAME = re.compile(
    r"\b(?:Still|Not|Very|Really|Just|So|Waiting|Looking|Trying|Order|Tracking|My|The|Your|Where|When|What|Why|How|Can|Could"
    r"|Please|Hi|Hello|Hey|Thanks?|Good|Dear|Black|Friday|Christmas|Number|Phone|Email|Zip|Code|Refund|Return|Cancel"
    r"|Delivered|United|States|New|York|Los|Angeles|San|Customer|Service|Street|Avenue|Monday|Tuesday|Wednesday|Thursday"
    r"|Saturday|Sunday|It|This|That|Yes|No|Ok|Okay|Here|And|But|Also|Shipping|Express|Apple|Pay|Size|Large|Medium|Small)\b"
)


def find_people(text: str, expecting: str | None) -> list[Found]:
    """Names and postcodes with their places; a bare postcode only where proof was asked for."""
    found: list[Found] = []
    for pattern, first_is_code in ((_BESIDE, False), (_HAN_BESIDE, False), (_BESIDE_REVERSED, True)):
        for match in pattern.finditer(text):
            _add_pair(found, match, first_is_code)
    if expecting == "proof" or not found:
        for match in _LOWER_BESIDE.finditer(text):
            _add_pair(found, match, False)
    for pattern in (_BY_NAME_CUE, _LOWER_NAME, _I_AM, _HAN_CUE, _HAN_I_AM):
        for match in pattern.finditer(text):
            _add_name(found, match)
    if expecting == "proof":
        for match in _ALONE.finditer(text):
            _add_name(found, match)
    _add_codes(found, text, expecting)
    return found


def _add_pair(found: list[Found], match: re.Match[str], first_is_code: bool) -> None:
    name, code = (2, 1) if first_is_code else (1, 2)
    if _is_name(match[name]) and _free(found, match.start(name), match.end(name)):
        found.append(("name", match.start(name), match.end(name), match[name]))
        found.append(("postcode", match.start(code), match.end(code), _tidy(match[code])))


def _add_name(found: list[Found], match: re.Match[str]) -> None:
    group = 1 if match[1] else 2
    if _is_name(match[group]) and _free(found, match.start(group), match.end(group)):
        found.append(("name", match.start(group), match.end(group), match[group]))


def _add_codes(found: list[Found], text: str, expecting: str | None) -> None:
    named = any(kind == "name" for kind, *_ in found)
    patterns = [_CODE_CUE, _SHAPED]
    if expecting == "proof" or named:
        patterns.append(_BARE)
    for pattern in patterns:
        for match in pattern.finditer(text):
            if _free(found, match.start(1), match.end(1)):
                found.append(("postcode", match.start(1), match.end(1), _tidy(match[1])))


def _is_name(value: str) -> bool:
    return _NO_NAME.search(value) is None


def _free(found: list[Found], start: int, end: int) -> bool:
    return all(end <= other_start or start >= other_end for _, other_start, other_end, _ in found)


def _tidy(code: str) -> str:
    return code.upper()
