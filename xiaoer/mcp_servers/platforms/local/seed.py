"""The demo stores: about sixty orders each, placed relative to the day of seeding."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select

from xiaoer.domain.money import Money
from xiaoer.domain.orders import order_key
from xiaoer.domain.parcels import ParcelState
from xiaoer.mcp_servers.platforms.local import tables as t
from xiaoer.mcp_servers.platforms.local.demo_data import (
    DemoOrder,
    DemoParcel,
    DemoProduct,
    DemoRefund,
    DemoStore,
    Person,
    When,
    load_demo,
    tracking_no,
)
from xiaoer.mcp_servers.platforms.local.records import (
    Address,
    CustomerRecord,
    EventRecord,
    LineRecord,
    OrderRecord,
    ParcelRecord,
    PaymentRecord,
    ProductRecord,
    RefundRecord,
    VariantRecord,
)
from xiaoer.mcp_servers.platforms.local.writes import write_customers, write_orders, write_products
from xiaoer.storage.engine import transaction


def seed_demo(engine: Engine, store_id: str, now: datetime) -> int:
    """Fill a demo store; returns how many orders are new. What stands there already is left as it is.

    Raises KeyError for a store without demo data.
    """
    demo = load_demo(store_id)
    with transaction(engine) as session:
        conn = session.connection()
        known = _known_keys(conn, store_id)
        specs = [spec for spec in _all_orders(demo) if order_key(_number(demo, spec)) not in known]
        if not specs:
            return 0
        records = [_Placing(demo, now).order(spec) for spec in specs]
        write_products(conn, store_id, [_product(demo, product) for product in demo.products])
        write_customers(conn, store_id, [record.customer for record in records], now)
        write_orders(conn, store_id, records, now)
    return len(records)


def _known_keys(conn: Connection, store: str) -> set[str]:
    return set(conn.execute(select(t.orders.c.order_key).where(t.orders.c.store == store)).scalars())


def _number(demo: DemoStore, spec: DemoOrder) -> str:
    return demo.number.format(n=spec.n)


def _all_orders(demo: DemoStore) -> Iterator[DemoOrder]:
    yield from demo.orders
    told = {spec.n for spec in demo.orders}
    for n in range(demo.ordinary.first, demo.ordinary.last + 1):
        if n not in told:
            yield _ordinary_order(demo, n)


def _ordinary_order(demo: DemoStore, n: int) -> DemoOrder:
    """What an ordinary order is follows from its number alone."""
    rng = random.Random(f"{demo.store}:{n}")
    supplier = rng.choice(sorted(demo.routes))
    basket = _basket(demo, supplier, rng)
    fate = rng.choices(("delivered", "moving", "unshipped", "cancelled"), weights=(55, 25, 14, 6))[0]
    age = {"delivered": rng.randint(3, 60), "moving": rng.randint(0, 2)}.get(fate, 0)
    placed = {"delivered": age + 8, "moving": age + 7, "unshipped": 1, "cancelled": rng.randint(4, 40)}[fate]
    held = tuple((at + 1, count) for at, (_, count) in enumerate(basket))
    shipped = fate in ("delivered", "moving")
    cancelled = (placed - 1, _o_clock(rng)) if fate == "cancelled" else None
    return DemoOrder(
        n=n,
        who=rng.choice(demo.others).id,
        placed=(placed, _o_clock(rng)),
        method=rng.choice(demo.methods),
        shipping=rng.choice(demo.shipping),
        lines=basket,
        ship_by=rng.randint(1, 3) if fate == "unshipped" else None,
        cancelled=cancelled,
        parcels=(_ordinary_parcel(demo, supplier, fate, held, (age, _o_clock(rng))),) if shipped else (),
        refunds=(DemoRefund(lines=held, at=cancelled, shipping=True),) if cancelled else (),
    )


def _basket(demo: DemoStore, supplier: str, rng: random.Random) -> tuple[tuple[str, int], ...]:
    own = [product for product in demo.products if product.supplier == supplier]
    chosen = rng.sample(own, k=rng.choice((1, 1, 2, 2, 3)))
    kinds = [rng.choice([v for v in product.variants if v.available]) for product in chosen]
    return tuple((kind.sku, rng.choice((1, 1, 1, 2))) for kind in kinds)


def _ordinary_parcel(
    demo: DemoStore, supplier: str, fate: str, held: tuple[tuple[int, int], ...], last: When
) -> DemoParcel:
    route = demo.routes[supplier]
    moving = fate == "moving"
    return DemoParcel(
        carrier=route.carrier,
        supplier=supplier,
        lines=held,
        journey=route.moving if moving else route.delivered,
        last=last,
        eta=2 if moving else None,
    )


def _o_clock(rng: random.Random) -> str:
    return f"{rng.randint(7, 21):02d}:{rng.randint(0, 59):02d}"


def _minor(price: Decimal, currency: str) -> int:
    return Money.parse(price, currency).amount_minor


def _product(demo: DemoStore, product: DemoProduct) -> ProductRecord:
    return ProductRecord(
        product_id=product.id,
        title=product.title,
        currency=demo.currency,
        description=product.description,
        supplier=product.supplier,
        final_sale=product.final_sale,
        variants=tuple(
            VariantRecord(
                v.sku, tuple(v.options.items()), _minor(v.price, demo.currency), v.available, v.stock
            )
            for v in product.variants
        ),
    )


class _Placing:
    """Turns what the YAML tells relative to a day into records with moments."""

    def __init__(self, demo: DemoStore, now: datetime) -> None:
        self._demo = demo
        self._now = now
        self._zone = ZoneInfo(demo.timezone)

    def order(self, spec: DemoOrder) -> OrderRecord:
        demo, number = self._demo, _number(self._demo, spec)
        person = demo.person(spec.who)
        address = Address(person.street, person.city, person.region, person.postcode, demo.country)
        lines = tuple(self._line(at, sku, count) for at, (sku, count) in enumerate(spec.lines))
        shipping = _minor(spec.shipping, demo.currency)
        total = sum(line.unit_price_minor * line.quantity for line in lines) + shipping
        placed = self._before(spec.placed)
        key = order_key(number)
        return OrderRecord(
            order_no=number,
            customer=self._customer(spec.who, person, address),
            currency=demo.currency,
            lines=lines,
            payments=(PaymentRecord(f"PAY-{key}", spec.method, total, placed),),
            parcels=tuple(
                self._parcel(key, at, parcel, person.city) for at, parcel in enumerate(spec.parcels)
            ),
            refunds=tuple(
                self._refund(f"RF-{key}-{at + 1}", refund, spec, lines)
                for at, refund in enumerate(spec.refunds)
            ),
            shipping_minor=shipping,
            placed_at=placed,
            ship_by=None if spec.ship_by is None else self._ahead(spec.ship_by),
            cancelled=spec.cancelled is not None,
            cancelled_at=self._before(spec.cancelled) if spec.cancelled else None,
            ship_to=address,
        )

    def _customer(self, key: str, person: Person, address: Address) -> CustomerRecord:
        return CustomerRecord(person.name, key, person.email, person.phone, address)

    def _line(self, at: int, sku: str, count: int) -> LineRecord:
        product, variant = self._demo.variant(sku)
        return LineRecord(
            line_id=f"L{at + 1}",
            sku=sku,
            title=product.title,
            quantity=count,
            unit_price_minor=_minor(variant.price, self._demo.currency),
            product_id=product.id,
            options=tuple(variant.options.items()),
            supplier=product.supplier,
            final_sale=product.final_sale,
        )

    def _parcel(self, key: str, at: int, parcel: DemoParcel, city: str) -> ParcelRecord:
        scans = self._scans(parcel, city)
        shipped = self._before(parcel.shipped) if parcel.shipped else scans[-1].at
        return ParcelRecord(
            tracking_no=tracking_no(parcel.carrier, f"{self._demo.store}:{key}:{at}"),
            carrier=parcel.carrier,
            carrier_name=self._demo.carriers[parcel.carrier].name,
            state=scans[0].state if scans else parcel.state,
            supplier=parcel.supplier,
            lines=tuple((f"L{position}", count) for position, count in parcel.lines),
            shipped_at=shipped,
            estimated_at=None if parcel.eta is None else self._ahead(parcel.eta),
            events=scans,
        )

    def _scans(self, parcel: DemoParcel, city: str) -> tuple[EventRecord, ...]:
        """Newest first, as the journey is told."""
        if parcel.journey is None or parcel.last is None:
            return ()
        last = self._before(parcel.last)
        return tuple(
            EventRecord(
                last - timedelta(hours=hours),
                ParcelState(state),
                text.format(city=city),
                place.format(city=city),
            )
            for hours, state, text, place in self._demo.journeys[parcel.journey]
        )

    def _refund(
        self, refund_id: str, refund: DemoRefund, spec: DemoOrder, lines: tuple[LineRecord, ...]
    ) -> RefundRecord:
        amount = sum(lines[position - 1].unit_price_minor * count for position, count in refund.lines)
        if refund.shipping:
            amount += _minor(spec.shipping, self._demo.currency)
        held = tuple((f"L{position}", count) for position, count in refund.lines)
        return RefundRecord(refund_id, amount, spec.method, held, self._before(refund.at))

    def _before(self, when: When) -> datetime:
        """That time of day so many calendar days ago, but never less than as many times 24 hours."""
        days, clock = when
        local = self._now.astimezone(self._zone).date() - timedelta(days=days)
        moment = datetime.combine(local, time.fromisoformat(clock), self._zone)
        return min(moment, self._now - timedelta(days=days))

    def _ahead(self, days: int) -> datetime:
        """The evening of that day."""
        local = self._now.astimezone(self._zone).date() + timedelta(days=days)
        return datetime.combine(local, time(20, 0), self._zone)
