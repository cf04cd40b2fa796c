"""The arguments of all tools, with their limits and the words that a model reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from xiaoer.domain.changes import INTERCEPTIONS
from xiaoer.domain.policy import REASONS
from xiaoer.mcp_servers.shapes import LineRef, Shape


class AddressIn(Shape):
    """A postal address. What is left out of recipient, country and phone stays as the order has it."""

    recipient: Annotated[str | None, Field(max_length=80, description="Who receives it.")] = None
    lines: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=120)]],
        Field(min_length=1, max_length=3, description="Street and number, then flat or building."),
    ]
    city: Annotated[str, Field(min_length=1, max_length=80)]
    region: Annotated[str | None, Field(max_length=80, description="State or province.")] = None
    postcode: Annotated[str, Field(min_length=1, max_length=16)]
    country: Annotated[str | None, Field(max_length=2, description="Two letters, like US, CN, DE.")] = None
    phone: Annotated[str | None, Field(max_length=24)] = None


class ItemChangeIn(Shape):
    """Another variant (sku), another quantity, or both, of one line; quantity 0 takes the line out."""

    line_id: Annotated[str, Field(min_length=1, max_length=64)]
    sku: Annotated[str | None, Field(max_length=64, description="A variant's sku, from get_product.")] = None
    quantity: Annotated[int | None, Field(ge=0, le=999)] = None


class ExchangeIn(Shape):
    """So many of a line come back, as many of the variant `sku` go out."""

    line_id: Annotated[str, Field(min_length=1, max_length=64)]
    quantity: Annotated[int, Field(ge=1, le=999)]
    sku: Annotated[str, Field(min_length=1, max_length=64, description="A variant's sku, from get_product.")]


class WindowIn(Shape):
    """When the courier may come, in the shop's time zone."""

    date: Annotated[str, Field(min_length=10, max_length=10, description="Day, like 2026-11-24.")]
    start: Annotated[str, Field(min_length=5, max_length=5, description="From, like 09:00.")]
    end: Annotated[str, Field(min_length=5, max_length=5, description="To, like 13:00.")]


OrderNo = Annotated[
    str,
    Field(min_length=1, max_length=40, description="Order number as the customer writes it, like #1001."),
]
Lines = Annotated[
    list[LineRef],
    Field(min_length=1, max_length=50, description="Which lines of the order, and how many of each."),
]
Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description=f"One of: {', '.join(REASONS)}. Anything else counts as other.",
    ),
]
TrackingNo = Annotated[str, Field(min_length=4, max_length=60, description="Tracking number of one parcel.")]
Carrier = Annotated[str, Field(min_length=1, max_length=40, description="Carrier code, when it is known.")]
Query = Annotated[str, Field(min_length=1, max_length=300, description="A few words to search for.")]
Question = Annotated[
    str, Field(min_length=3, max_length=1000, description="The question, complete, without personal data.")
]
NoteText = Annotated[str, Field(min_length=1, max_length=1000, description="What colleagues should know.")]
Sku = Annotated[str, Field(min_length=1, max_length=64, description="SKU of the article in question.")]
Id = Annotated[str, Field(min_length=1, max_length=80)]
ActionId = Annotated[str, Field(min_length=1, max_length=64)]
Code = Annotated[str, Field(min_length=4, max_length=20, description="The code as the customer typed it.")]
Email = Annotated[str, Field(min_length=3, max_length=254, description="E-mail address on the order.")]
PhoneTail = Annotated[
    str, Field(min_length=4, max_length=30, description="Last four digits of the phone on the order.")
]
PersonName = Annotated[
    str, Field(min_length=1, max_length=120, description="Full name on the order; only with the postcode.")
]
Postcode = Annotated[
    str, Field(min_length=2, max_length=16, description="Postcode on the order; only with the name.")
]


Address = Annotated[AddressIn, Field(description="The new address, complete.")]
Changes = Annotated[
    list[ItemChangeIn], Field(min_length=1, max_length=50, description="What each line becomes.")
]
Exchanges = Annotated[
    list[ExchangeIn],
    Field(min_length=1, max_length=50, description="Which lines come back, and what goes out for them."),
]
PaymentMethodId = Annotated[
    str,
    Field(min_length=1, max_length=80, description="payment_id of one of the customer's payments."),
]
PickupWindow = Annotated[WindowIn, Field(description="When the courier may come.")]
InterceptionKind = Annotated[
    str,
    Field(
        min_length=1,
        max_length=20,
        description=f"One of: {', '.join(INTERCEPTIONS)} (back to the shop, to another address, at a pickup point).",
    ),
]


def line_pairs(lines: list[LineRef]) -> tuple[tuple[str, int], ...]:
    return tuple((line.line_id, line.quantity) for line in lines)


def as_args(**values: object) -> dict[str, object]:
    """The arguments as they travelled, for comparison with a grant; what was left out stays out."""
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_none=True)
    return [_plain(item) for item in value] if isinstance(value, list) else value
