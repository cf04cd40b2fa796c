"""The shape of the demo stores' YAML, and the numbers that carriers would print."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from xiaoer.domain.parcels import ParcelState

DEMO_DIR = Path(__file__).parent / "demo"

When = tuple[int, str]  # days before the day of seeding, local time
Counted = tuple[int, int]  # position of the line, counted from one; quantity
Scan = tuple[int, ParcelState, str, str]  # hours before the last scan, state, words, place


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(_Strict):
    id: str = ""
    name: str
    email: str
    phone: str
    street: str
    city: str
    region: str
    postcode: str


class DemoVariant(_Strict):
    sku: str
    options: dict[str, str]
    price: Decimal
    available: bool = True
    stock: int | None = None  # None: not counted


class DemoProduct(_Strict):
    id: str
    title: str
    description: str
    supplier: str
    final_sale: bool = False
    variants: tuple[DemoVariant, ...]


class DemoParcel(_Strict):
    carrier: str
    supplier: str
    lines: tuple[Counted, ...]
    journey: str | None = None
    last: When | None = None
    state: ParcelState | None = None  # where there is no journey
    shipped: When | None = None
    eta: int | None = None  # days ahead


class DemoRefund(_Strict):
    lines: tuple[Counted, ...]
    at: When
    shipping: bool = False


class DemoOrder(_Strict):
    n: int
    who: str
    placed: When
    method: str
    shipping: Decimal
    lines: tuple[tuple[str, int], ...]  # (sku, quantity)
    ship_by: int | None = None  # days ahead
    cancelled: When | None = None
    parcels: tuple[DemoParcel, ...] = ()
    refunds: tuple[DemoRefund, ...] = ()


class Carrier(_Strict):
    name: str


class Route(_Strict):
    carrier: str
    delivered: str
    moving: str


class Ordinary(_Strict):
    first: int
    last: int


class DemoStore(_Strict):
    store: str
    currency: str
    timezone: str
    country: str
    number: str
    shipping: tuple[Decimal, ...]
    methods: tuple[str, ...]
    carriers: dict[str, Carrier]
    routes: dict[str, Route]
    journeys: dict[str, tuple[Scan, ...]]
    people: dict[str, Person]
    others: tuple[Person, ...]
    products: tuple[DemoProduct, ...]
    orders: tuple[DemoOrder, ...]
    ordinary: Ordinary

    def variant(self, sku: str) -> tuple[DemoProduct, DemoVariant]:
        return next((p, v) for p in self.products for v in p.variants if v.sku == sku)

    def person(self, key: str) -> Person:
        return self.people.get(key) or next(person for person in self.others if person.id == key)


@cache
def load_demo(store: str) -> DemoStore:
    """The demo contents of a store; raises KeyError when there are none."""
    path = DEMO_DIR / f"{store}.yaml"
    if store not in demo_stores():
        raise KeyError(f"there is no demo data for store {store}")
    return DemoStore.model_validate(yaml.safe_load(path.read_text("utf-8")))


def demo_stores() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in DEMO_DIR.glob("*.yaml")))


def tracking_no(carrier: str, seed: str) -> str:
    """A number of the carrier's own form, check digit included; the same seed gives the same number."""
    return _NUMBERS[carrier](random.Random(f"tracking:{seed}"))


def _digits(rng: random.Random, count: int) -> str:
    return "".join(str(rng.randrange(10)) for _ in range(count))


def _usps(rng: random.Random) -> str:
    # Check digit of USPS Publication 199: weights 3 and 1 from the right, modulo ten.
    body = "94001118" + _digits(rng, 13)
    weighted = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(body)))
    return f"{body}{-weighted % 10}"


def _ups(rng: random.Random) -> str:
    # 1Z, shipper, service, package, check digit: letters count as (code − 63) mod 10, even places double.
    body = "DEM0" + _digits(rng, 11)
    values = [int(char) if char.isdigit() else (ord(char) - 63) % 10 for char in body]
    return f"1Z{body}{-(sum(values[::2]) + 2 * sum(values[1::2])) % 10}"


_NUMBERS: dict[str, Callable[[random.Random], str]] = {
    "usps": _usps,
    "ups": _ups,
    "yunexpress": lambda rng: "YT" + _digits(rng, 16),
    "shunfeng": lambda rng: "SF" + _digits(rng, 13),
    "zhongtong": lambda rng: "7" + _digits(rng, 13),
    "yuantong": lambda rng: "YT" + _digits(rng, 13),
}
