"""Which carrier a tracking number could belong to, by its form: a table, and check digits where known.

Forms: UPS 1Z (https://www.ups.com/us/en/support/tracking-support/tracking-number), USPS Publication
199, UPU S10 (https://www.upu.int/en/postal-solutions/technical-solutions/standards).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Carrier:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Form:
    carrier: Carrier
    pattern: re.Pattern[str]
    sure: float
    check: Callable[[str], bool] | None = None  # when it fails the number is not of this form


@dataclass(frozen=True, slots=True)
class Guess:
    code: str
    name: str
    sure: float


def ups_check(number: str) -> bool:
    """1Z numbers: odd places once, even places twice; letters count (code - 63) mod 10."""
    values = [int(char) if char.isdigit() else (ord(char) - 63) % 10 for char in number[2:]]
    total = sum(value * (2 if place % 2 else 1) for place, value in enumerate(values[:-1]))
    return (10 - total % 10) % 10 == values[-1]


def usps_check(number: str) -> bool:
    """Mod 10 with weights 3 and 1 from the right, over all digits but the last."""
    digits = [int(char) for char in reversed(number[:-1])]
    total = sum(digit * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return (10 - total % 10) % 10 == int(number[-1])


def s10_check(number: str) -> bool:
    """UPU S10: eight digits weighted 8 6 4 2 3 5 9 7, mod 11."""
    weights = (8, 6, 4, 2, 3, 5, 9, 7)
    rest = 11 - sum(w * int(d) for w, d in zip(weights, number[2:10], strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest) == int(number[10])


def _form(
    code: str, name: str, pattern: str, sure: float, check: Callable[[str], bool] | None = None
) -> Form:
    return Form(Carrier(code, name), re.compile(pattern), sure, check)


FORMS: tuple[Form, ...] = (
    _form("ups", "UPS", r"1Z[0-9A-Z]{16}", 0.99, ups_check),
    _form("usps", "USPS", r"(94|93|92|95)\d{20}", 0.97, usps_check),
    _form("usps", "USPS", r"420\d{5}(94|93|92|95)\d{20}", 0.95),
    _form("usps", "USPS", r"[A-Z]{2}\d{9}US", 0.95, s10_check),
    _form("shunfeng", "顺丰速运", r"SF\d{12,15}", 0.99),
    _form("yuantong", "圆通速递", r"YT\d{13,15}", 0.98),
    _form("yunexpress", "YunExpress", r"YT\d{16}", 0.98),
    _form("zhongtong", "中通快递", r"(7[3-9]|68|10)\d{12}", 0.8),
    _form("zhongtong", "中通快递", r"ZTO\d{9,13}", 0.95),
    _form("yunda", "韵达快递", r"(43|46|31|32|39|50)\d{11,13}", 0.7),
    _form("shentong", "申通快递", r"(77|88|66|55|33|22)\d{11,13}", 0.6),
    _form("jd", "京东物流", r"JD[A-Z]{0,2}\d{11,15}", 0.97),
    _form("jitu", "极兔速递", r"JT\d{13}", 0.97),
    _form("ems", "EMS", r"[A-Z]{2}\d{9}CN", 0.95, s10_check),
    _form("fedex", "FedEx", r"\d{12}", 0.6),
    _form("fedex", "FedEx", r"\d{15}", 0.6),
    _form("fedex", "FedEx", r"96\d{20}", 0.8),
    _form("dhl", "DHL", r"\d{10}", 0.5),
    _form("dhl", "DHL", r"JJD\d{16,18}", 0.97),
    _form("dhl", "DHL eCommerce", r"(GM|LX|RX)\d{16,18}", 0.8),
    _form("royalmail", "Royal Mail", r"[A-Z]{2}\d{9}GB", 0.95, s10_check),
    _form("deutschepost", "Deutsche Post", r"[A-Z]{2}\d{9}DE", 0.95, s10_check),
    _form("upu", "Postal service", r"[A-Z]{2}\d{9}[A-Z]{2}", 0.4, s10_check),
    _form("cainiao", "Cainiao", r"LP\d{14}", 0.9),
)


def guess_carriers(tracking_no: str) -> list[Guess]:
    """Every carrier whose form fits, the likeliest first; empty when none does."""
    number = _plain(tracking_no)
    best: dict[str, Guess] = {}
    for form in FORMS:
        if not form.pattern.fullmatch(number) or (form.check and not form.check(number)):
            continue
        known = best.get(form.carrier.code)
        if known is None or known.sure < form.sure:
            best[form.carrier.code] = Guess(form.carrier.code, form.carrier.name, form.sure)
    return sorted(best.values(), key=lambda guess: -guess.sure)


def _plain(tracking_no: str) -> str:
    folded = unicodedata.normalize("NFKC", tracking_no).upper()
    return "".join(char for char in folded if char.isascii() and char.isalnum())
