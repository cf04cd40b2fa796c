"""What may be asked of an order beyond refund, return and cancellation: parsed once, told as old → new.

The arguments of these tools come from a brain, and with it from a customer. Here they are read into
frozen words or refused with the sentence that says what is wrong; what comes out is the one form
that is quoted, shown to the person who decides, digested, granted and executed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from xiaoer.domain.orders import order_key
from xiaoer.domain.refusals import BadInput
from xiaoer.domain.text import clean_text

Args = dict[str, Any]

INTERCEPTIONS = ("return", "redirect", "hold")  # back to us, to another address, at a pickup point
_MOST_LINES = 50
_MOST_STREETS = 3
_LENGTHS = {"recipient": 80, "city": 80, "region": 80, "postcode": 16, "country": 2, "phone": 24}
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_PHONE = re.compile(r"\+?[\d\s().-]{6,24}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
# Where the form of a postcode is certain; elsewhere anything short with a letter or digit is taken.
_POSTCODES: Mapping[str, str] = {
    "US": r"\d{5}(-\d{4})?",
    "CN": r"\d{6}",
    "DE": r"\d{5}",
    "FR": r"\d{5}",
    "ES": r"\d{5}",
    "IT": r"\d{5}",
    "KR": r"\d{5}",
    "JP": r"\d{3}-?\d{4}",
    "BR": r"\d{5}-?\d{3}",
    "RU": r"\d{6}",
    "CA": r"[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d",
    "GB": r"[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}",
}
# Countries as older records write them.
_COUNTRY_NAMES = {
    "USA": "US",
    "UNITED STATES": "US",
    "UNITED STATES OF AMERICA": "US",
    "CHINA": "CN",
    "中国": "CN",
    "PRC": "CN",
    "UK": "GB",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an action alters, as the person who decides reads it."""

    what: str  # "recipient", "street", "item:L1", "payment", …
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ShipTo:
    """Where and to whom goods are sent."""

    recipient: str
    street: str
    city: str
    region: str
    postcode: str
    country: str
    phone: str

    def line(self) -> str:
        """On one line, as destination of an action."""
        parts = (self.recipient, self.street, self.city, f"{self.region} {self.postcode}".strip())
        return ", ".join(part for part in (*parts, self.country, self.phone) if part)

    def changes_to(self, new: ShipTo) -> tuple[Change, ...]:
        pairs = ((name, getattr(self, name), getattr(new, name)) for name in self.__slots__)
        return tuple(Change(name, old, now) for name, old, now in pairs if old != now)


@dataclass(frozen=True, slots=True)
class ItemChange:
    """Another variant, another quantity, or both, of one line; 0 takes the line out."""

    line_id: str
    sku: str | None
    quantity: int | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """So many of a line come back, as many of this variant go out."""

    line_id: str
    quantity: int
    sku: str


@dataclass(frozen=True, slots=True)
class Window:
    """When a courier may come, in the store's time zone."""

    day: date
    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.day.isoformat()} {self.start:%H:%M}-{self.end:%H:%M}"


def country_key(country: str) -> str:
    """One form of a country, so that "USA" and "us" are the same."""
    plain = country.strip().upper()
    return _COUNTRY_NAMES.get(plain, plain)


def new_address(asked: Mapping[str, Any], record: ShipTo) -> ShipTo:
    """The asked address; recipient, phone and country are the record's where they were not named.

    Raises BadInput when the postcode has not the form of its country.
    """
    new = ShipTo(
        recipient=asked.get("recipient") or record.recipient,
        street=", ".join(asked["lines"]),
        city=asked["city"],
        region=asked.get("region", ""),
        postcode=asked["postcode"],
        country=_same_country(asked.get("country"), record.country),
        phone=asked.get("phone") or record.phone,
    )
    form = _POSTCODES.get(country_key(new.country))
    if form and not re.fullmatch(form, new.postcode):
        raise BadInput(f"The postcode {new.postcode} has not the form of {country_key(new.country)}.")
    return new


def _same_country(asked: str | None, recorded: str) -> str:
    """As the record writes it where it is the same one."""
    if asked is None or country_key(asked) == country_key(recorded):
        return recorded
    return asked


def item_changes(args: Mapping[str, Any]) -> tuple[ItemChange, ...]:
    return tuple(ItemChange(c["line_id"], c.get("sku"), c.get("quantity")) for c in args["changes"])


def exchanges(args: Mapping[str, Any]) -> tuple[Exchange, ...]:
    return tuple(Exchange(e["line_id"], e["quantity"], e["sku"]) for e in args["exchanges"])


def window_of(asked: Mapping[str, Any]) -> Window:
    """Raises BadInput for a day that does not exist and an end before the beginning."""
    try:
        day = date.fromisoformat(asked["date"])
    except ValueError as error:
        raise BadInput(f"{asked['date']} is not a day such as 2026-11-24.") from error
    start, end = time.fromisoformat(asked["start"]), time.fromisoformat(asked["end"])
    if start >= end:
        raise BadInput("The window ends before it begins.")
    return Window(day, start, end)


def canonical_args(tool: str, args: Mapping[str, Any]) -> Args:
    """The arguments of one of these tools in their one form; raises BadInput with what is wrong.

    Whatever the tool does not take is refused, not dropped: an approver must see all that was asked.
    """
    parsers = _ARGUMENTS[tool]
    strange = sorted(set(args) - set(parsers))
    if strange:
        raise BadInput(f"{tool} does not take {strange[0][:40]}.")
    found: Args = {}
    for name, (needed, parse) in parsers.items():
        if args.get(name) is None:
            if needed:
                raise BadInput(f"{tool} needs {name}.")
            continue
        found[name] = parse(args[name])
    if tool == "intercept_parcel":
        _require_address_where_redirected(found)
    return found


def subjects_of(args: Mapping[str, Any]) -> frozenset[str]:
    """What of an order an action speaks for: lines, a parcel, a return, or ("*") the whole of it."""
    named = [*args.get("lines", ()), *args.get("changes", ()), *args.get("exchanges", ())]
    if named:
        return frozenset(str(line["line_id"]) for line in named)
    if "tracking_no" in args:
        return frozenset({f"parcel:{tracking_form(args['tracking_no'])}"})
    if "return_id" in args:
        return frozenset({f"return:{str(args['return_id']).upper()}"})
    return frozenset({"*"})


def tracking_form(number: str) -> str:
    plain = unicodedata.normalize("NFKC", str(number)).upper()
    return "".join(char for char in plain if char.isalnum())


def _require_address_where_redirected(args: Args) -> None:
    redirected = args["kind"] == "redirect"
    if redirected != ("address" in args):
        raise BadInput("redirect needs the new address, and only redirect takes one.")


def _text(name: str, longest: int) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not isinstance(value, str):
            raise BadInput(f"{name} is a text.")
        said = " ".join(clean_text(value).text.split())
        if not said or len(said) > longest or not any(char.isalnum() for char in said):
            raise BadInput(f"{name} is a text of 1 to {longest} characters.")
        return said

    return parse


def _number(name: str, least: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 999:
            raise BadInput(f"{name} is a whole number from {least} to 999.")
        return value

    return parse


def _clock(name: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not isinstance(value, str) or not _CLOCK.fullmatch(value):
            raise BadInput(f"{name} is a time such as 14:00.")
        return value

    return parse


_Fields = Mapping[str, tuple[bool, Callable[[Any], Any]]]


def _record(name: str, fields: _Fields) -> Callable[[Any], Args]:
    def parse(value: Any) -> Args:
        if not isinstance(value, Mapping):
            raise BadInput(f"{name} has the fields {', '.join(fields)}.")
        strange = sorted(str(key) for key in set(value) - set(fields))
        missing = [key for key, (needed, _) in fields.items() if needed and value.get(key) is None]
        if strange or missing:
            wrong = f"lacks {missing[0]}" if missing else f"does not take {strange[0][:40]}"
            raise BadInput(f"{name} {wrong}; its fields are {', '.join(fields)}.")
        return {key: read(value[key]) for key, (_, read) in fields.items() if value.get(key) is not None}

    return parse


def _list(name: str, read: Callable[[Any], Any], most: int) -> Callable[[Any], list[Any]]:
    def parse(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
            raise BadInput(f"{name} is a list of 1 to {most}.")
        return [read(item) for item in value]

    return parse


def _once(name: str, parse: Callable[[Any], list[Args]]) -> Callable[[Any], list[Args]]:
    """Each line at most once: two wishes for one line have no sum."""

    def checked(value: Any) -> list[Args]:
        found = parse(value)
        if len({item["line_id"] for item in found}) != len(found):
            raise BadInput(f"{name} names a line twice.")
        return sorted(found, key=lambda item: str(item["line_id"]))

    return checked


def _country(value: Any) -> str:
    if not isinstance(value, str) or not _COUNTRY.fullmatch(country_key(value)):
        raise BadInput("country is a code of two letters such as US, CN or DE.")
    return country_key(value)


def _phone(value: Any) -> str:
    said = str(value).strip() if isinstance(value, str) else ""
    if not _PHONE.fullmatch(said) or sum(char.isdigit() for char in said) < 6:
        raise BadInput("phone is a number such as +1 415 555 0147.")
    return " ".join(said.split())


def _kind(value: Any) -> str:
    if value not in INTERCEPTIONS:
        raise BadInput(f"kind is one of {', '.join(INTERCEPTIONS)}.")
    return str(value)


def _order_no(value: Any) -> str:
    said = _text("order_no", 40)(value)
    if not order_key(said):
        raise BadInput("order_no is an order's number.")
    return said


def _item(value: Any) -> Args:
    found = _record("a change", _ITEM)(value)
    if len(found) < 2:
        raise BadInput("A change names the new sku, the new quantity, or both.")
    return found


_ADDRESS: _Fields = {
    "recipient": (False, _text("recipient", _LENGTHS["recipient"])),
    "lines": (True, _list("lines", _text("a line of the address", 120), _MOST_STREETS)),
    "city": (True, _text("city", _LENGTHS["city"])),
    "region": (False, _text("region", _LENGTHS["region"])),
    "postcode": (True, _text("postcode", _LENGTHS["postcode"])),
    "country": (False, _country),
    "phone": (False, _phone),
}
_ITEM: _Fields = {
    "line_id": (True, _text("line_id", 64)),
    "sku": (False, _text("sku", 64)),
    "quantity": (False, _number("quantity", 0)),
}
_EXCHANGE: _Fields = {
    "line_id": (True, _text("line_id", 64)),
    "quantity": (True, _number("quantity", 1)),
    "sku": (True, _text("sku", 64)),
}
_WINDOW: _Fields = {
    "date": (True, _text("date", 10)),
    "start": (True, _clock("start")),
    "end": (True, _clock("end")),
}
_address = _record("address", _ADDRESS)
_ARGUMENTS: Mapping[str, _Fields] = {
    "change_address": {"order_no": (True, _order_no), "address": (True, _address)},
    "change_items": {
        "order_no": (True, _order_no),
        "changes": (True, _once("changes", _list("changes", _item, _MOST_LINES))),
    },
    "change_payment": {
        "order_no": (True, _order_no),
        "payment_method_id": (True, _text("payment_method_id", 80)),
    },
    "exchange_items": {
        "order_no": (True, _order_no),
        "exchanges": (
            True,
            _once("exchanges", _list("exchanges", _record("an exchange", _EXCHANGE), _MOST_LINES)),
        ),
        "reason": (False, _text("reason", 200)),
    },
    "book_pickup": {
        "return_id": (True, _text("return_id", 80)),
        "window": (True, _record("window", _WINDOW)),
    },
    "intercept_parcel": {
        "tracking_no": (True, _text("tracking_no", 60)),
        "kind": (True, _kind),
        "address": (False, _address),
    },
}
CHANGING_TOOLS = frozenset(_ARGUMENTS)
ARGS_DIGEST = "args_digest"  # under which a receipt names the arguments that were carried out
