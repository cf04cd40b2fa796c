"""Facts as customers read them: dates in the store's zone, items, parcels, opening hours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from xiaoer.agent.brains.embedded.records import LineRecord, Mention, ParcelRecord, ProductRecord
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.domain.stores import pick
from xiaoer.domain.text import excerpt
from xiaoer.prompts.template import fill

PLACE_LENGTH = 60
VARIANTS_SHOWN = 6


def date_text(turn: Turn, moment: datetime | None) -> str:
    """ "Nov 20" or "11月20日" in the store's zone, with the year when it is another one."""
    if moment is None:
        return ""
    local = moment.astimezone(turn.view.store.zone)
    months = _names(turn.playbooks.words.months, turn.view.lang)
    this_year = turn.view.now.astimezone(turn.view.store.zone).year
    return turn.piece(
        "date" if local.year == this_year else "date_year",
        month=months[local.month - 1],
        day=str(local.day),
        year=str(local.year),
    )


def joined(turn: Turn, items: Iterable[str]) -> str:
    return turn.piece("comma").join(items)


def next_opening(turn: Turn) -> str:
    """When people are at the desk again; empty while they are, or when no hours are known."""
    store = turn.view.store
    local = turn.view.now.astimezone(store.zone)
    if store.hours.open_at(local):
        return ""
    for ahead in range(8):
        day = local + timedelta(days=ahead)
        span = store.hours.days.get(day.weekday())
        if span and (ahead or local.time() < span[0]):
            names = _names(turn.playbooks.words.weekdays, turn.view.lang)
            return turn.piece("opening", weekday=names[day.weekday()], time=span[0].strftime("%H:%M"))
    return ""


_PRONOUNS = {"", "您", "你"}  # an address that is a pronoun is not called out


def addressed(turn: Turn, text: str) -> str:
    """The shop's way of calling its customer, once a reply: 亲，…"""
    address = pick(turn.view.store.persona.address, turn.view.lang)
    if address in _PRONOUNS or not text:
        return text
    return turn.piece("address", address=address) + text


def item_text(turn: Turn, title: str, quantity: int, options: Sequence[str] = ()) -> str:
    count = str(quantity) if quantity > 1 else ""
    return turn.piece("item", title=excerpt(title, 80), quantity=count, options=joined(turn, options))


def mentions_text(turn: Turn, mentions: Iterable[Mention]) -> str:
    return joined(turn, (item_text(turn, m.title, m.quantity) for m in mentions))


def line_label(turn: Turn, line: LineRecord) -> str:
    title = line.title.lower()
    options = [value for value in line.options.values() if value.lower() not in title]
    return item_text(turn, line.title, line.quantity, options[:3])


def line_words(line: LineRecord) -> str:
    """What a customer may call this line by."""
    return " ".join((line.title, *line.options.values()))


def parcels_text(turn: Turn, parcels: Sequence[ParcelRecord], *, contents: bool) -> str:
    """Every parcel on a line of its own; with several, numbered and with contents."""
    if len(parcels) == 1 and not contents:
        parcel = parcels[0]
        return turn.piece("parcel", **_head(parcel), line=_parcel_line(turn, parcel))
    return "\n".join(
        turn.piece(
            "parcel_of_several",
            n=str(n),
            **_head(parcel),
            items=mentions_text(turn, parcel.lines),
            line=_parcel_line(turn, parcel),
        )
        for n, parcel in enumerate(parcels, start=1)
    )


def _head(parcel: ParcelRecord) -> dict[str, str]:
    return {"carrier": parcel.carrier_name or parcel.carrier, "tracking_no": parcel.tracking_no}


def _parcel_line(turn: Turn, parcel: ParcelRecord) -> str:
    verdict = turn.playbooks.words.verdicts.get(parcel.verdict)
    if verdict is None:  # a verdict of a newer server: its plain word is still true
        return parcel.verdict.replace("_", " ")
    newest = parcel.newest
    # The carrier's place is free text; a draft that was refused is rewritten without it.
    place = newest.place if newest and not turn.view.guard_notes else ""
    values = {
        "since": date_text(turn, parcel.since),
        "last": date_text(turn, newest.at if newest else parcel.since),
        "place": excerpt(place, PLACE_LENGTH),
        "days": str(parcel.quiet_days) if parcel.quiet_days else "",
        "eta": date_text(turn, parcel.estimated_at),
        "shipped": date_text(turn, parcel.shipped_at),
    }
    return fill(pick(verdict.line, turn.view.lang), lambda blank: values.get(blank, ""))


def product_text(turn: Turn, product: ProductRecord) -> str:
    """Name, description, and the first variants with price and availability."""
    rows = [
        turn.piece(
            "variant",
            options=joined(turn, v.options.values()),
            price=str(v.price.money),
            stock=turn.piece("in_stock" if v.available else "out_of_stock"),
        ).strip()
        for v in product.variants[:VARIANTS_SHOWN]
    ]
    parts = [product.title, excerpt(product.description, 300), joined(turn, rows)]
    return "\n".join(part for part in parts if part)


def _names(names: dict[str, tuple[str, ...]], lang: str) -> tuple[str, ...]:
    return names.get(lang) or names.get(lang.split("-")[0]) or names["en"]
