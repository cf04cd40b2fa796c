"""Tables of the local shop. Every row carries its store, and every key begins with it, so that a
row of one store can never hang on a row of another."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    UniqueConstraint,
)
from sqlmodel import Field

from xiaoer.storage.columns import BigKey, Json, UtcDateTime
from xiaoer.storage.metadata import ShopTable, shop_metadata


def _belongs(parent: str, *columns: str) -> ForeignKeyConstraint:
    """A foreign key whose first part is the store."""
    return ForeignKeyConstraint(["store", *columns], [f"{parent}.store", *(f"{parent}.{c}" for c in columns)])


_ORDER = "shop_orders"


class CustomerRow(ShopTable, table=True):
    __tablename__ = "shop_customers"
    __table_args__ = (
        UniqueConstraint("store", "external_id"),
        Index(None, "store", "email"),
    )
    store: str = Field(primary_key=True)
    customer_ref: str = Field(primary_key=True)  # opaque; never leaves the servers
    external_id: str | None = None  # the customer's id in the shop's own log-in
    name: str
    email: str = ""
    phone: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    # A code is only ever sent to a contact that stood here before the conversation began.
    contact_changed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ProductRow(ShopTable, table=True):
    __tablename__ = "shop_products"
    store: str = Field(primary_key=True)
    product_id: str = Field(primary_key=True)
    title: str
    description: str = ""
    supplier: str | None = None
    final_sale: bool = False
    search: str = ""  # title, description and options, folded for searching


class VariantRow(ShopTable, table=True):
    __tablename__ = "shop_variants"
    __table_args__ = (_belongs("shop_products", "product_id"), Index(None, "store", "product_id"))
    store: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    product_id: str
    options: list[Any] = Field(sa_column=Column(Json, nullable=False))  # [[name, value], …]
    price_minor: int = Field(sa_type=BigInteger)
    currency: str
    available: bool = True
    stock: int | None = None  # None: the shop does not count this one
    position: int = 0


class OrderRow(ShopTable, table=True):
    __tablename__ = _ORDER
    __table_args__ = (
        _belongs("shop_customers", "customer_ref"),
        Index(None, "store", "customer_ref"),
        CheckConstraint("refunded_minor >= 0 AND refunded_minor <= captured_minor", name="refunds_captured"),
        CheckConstraint("version >= 1", name="version"),
    )
    store: str = Field(primary_key=True)
    order_key: str = Field(primary_key=True)  # domain.orders.order_key of the number
    order_no: str  # as the shop writes it: "#1001"
    customer_ref: str
    currency: str
    total_minor: int = Field(sa_type=BigInteger)
    shipping_minor: int = Field(default=0, sa_type=BigInteger)
    captured_minor: int = Field(default=0, sa_type=BigInteger)  # the sum of the payments
    refunded_minor: int = Field(default=0, sa_type=BigInteger)  # the sum of the refunds that did not fail
    version: int = 1
    placed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ship_by: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cancelled: bool = False
    cancelled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ship_name: str = ""
    ship_phone: str = ""
    ship_street: str = ""
    ship_city: str = ""
    ship_region: str = ""
    ship_postcode: str = ""
    ship_country: str = ""
    source_digest: str = ""  # of the record it was imported from
    touched_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # last change made here


class LineRow(ShopTable, table=True):
    __tablename__ = "shop_lines"
    __table_args__ = (
        _belongs(_ORDER, "order_key"),
        CheckConstraint("quantity >= 1 AND unit_price_minor >= 0", name="amounts"),
        CheckConstraint("shipped_quantity >= 0 AND shipped_quantity <= quantity", name="shipped"),
        CheckConstraint("refunded_quantity >= 0 AND refunded_quantity <= quantity", name="refunded"),
        CheckConstraint("cancelled_quantity >= 0 AND cancelled_quantity <= quantity", name="cancelled"),
        CheckConstraint(
            "returning_quantity >= 0 AND returned_quantity >= 0 "
            "AND returning_quantity + returned_quantity <= shipped_quantity",
            name="returned",
        ),
    )
    store: str = Field(primary_key=True)
    order_key: str = Field(primary_key=True)
    line_id: str = Field(primary_key=True)
    position: int = 0
    sku: str  # no foreign key: an order outlives the catalogue it was bought from
    product_id: str = ""
    title: str
    options: list[Any] = Field(sa_column=Column(Json, nullable=False))
    quantity: int
    unit_price_minor: int = Field(sa_type=BigInteger)
    supplier: str | None = None
    final_sale: bool = False
    shipped_quantity: int = 0
    refunded_quantity: int = 0
    returning_quantity: int = 0
    returned_quantity: int = 0  # arrived back
    cancelled_quantity: int = 0
    # Given for something else: neither refundable nor returnable any more.
    exchanged_quantity: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class PaymentRow(ShopTable, table=True):
    __tablename__ = "shop_payments"
    __table_args__ = (_belongs(_ORDER, "order_key"), CheckConstraint("amount_minor > 0", name="amount"))
    store: str = Field(primary_key=True)
    order_key: str = Field(primary_key=True)
    payment_id: str = Field(primary_key=True)
    method: str  # what the customer reads: "Visa ···· 4242"
    amount_minor: int = Field(sa_type=BigInteger)
    paid_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class FulfilmentRow(ShopTable, table=True):
    """What one supplier sends of an order; it may travel in several parcels."""

    __tablename__ = "shop_fulfilments"
    __table_args__ = (_belongs(_ORDER, "order_key"), Index(None, "store", "order_key"))
    store: str = Field(primary_key=True)
    fulfilment_id: str = Field(primary_key=True)
    order_key: str
    supplier: str | None = None


class ParcelRow(ShopTable, table=True):
    __tablename__ = "shop_parcels"
    __table_args__ = (
        _belongs(_ORDER, "order_key"),
        _belongs("shop_fulfilments", "fulfilment_id"),
        UniqueConstraint("store", "order_key", "tracking_key"),
        Index(None, "store", "tracking_key"),
    )
    store: str = Field(primary_key=True)
    parcel_id: str = Field(primary_key=True)
    fulfilment_id: str
    order_key: str
    position: int = 0
    tracking_no: str
    tracking_key: str  # upper case, letters and digits only
    carrier: str = ""
    carrier_name: str = ""
    state: str | None = None  # None: shipped, and the record says nothing more
    # What the carrier was asked to do with it on its way, and what it says: see domain.parcels.
    interception: str = Field(default="none", sa_column_kwargs={"server_default": "none"})
    interception_kind: str = Field(default="", sa_column_kwargs={"server_default": ""})
    interception_id: str | None = None
    shipped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    estimated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ParcelLineRow(ShopTable, table=True):
    __tablename__ = "shop_parcel_lines"
    __table_args__ = (
        _belongs("shop_parcels", "parcel_id"),
        _belongs("shop_lines", "order_key", "line_id"),
        Index(None, "store", "order_key"),
        CheckConstraint("quantity >= 1", name="quantity"),
    )
    store: str = Field(primary_key=True)
    parcel_id: str = Field(primary_key=True)
    line_id: str = Field(primary_key=True)
    order_key: str
    quantity: int


class TrackingEventRow(ShopTable, table=True):
    __tablename__ = "shop_tracking_events"
    __table_args__ = (
        _belongs("shop_parcels", "parcel_id"),
        UniqueConstraint("store", "parcel_id", "at", "state", "text"),
        Index(None, "store", "order_key"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    store: str
    parcel_id: str
    order_key: str
    at: datetime = Field(sa_type=UtcDateTime)
    state: str
    text: str
    place: str = ""


class ReturnRow(ShopTable, table=True):
    __tablename__ = "shop_returns"
    __table_args__ = (
        _belongs(_ORDER, "order_key"),
        Index(None, "store", "order_key"),
        UniqueConstraint("store", "action_id"),
    )
    store: str = Field(primary_key=True)
    return_id: str = Field(primary_key=True)
    order_key: str
    status: str  # domain.orders.Return.status
    kind: str = Field(default="refund", sa_column_kwargs={"server_default": "refund"})
    pickup: str = Field(default="", sa_column_kwargs={"server_default": ""})  # day and hours of the courier
    pickup_id: str | None = None
    label_url: str | None = None
    tracking_no: str | None = None
    reason: str = ""
    created_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    received_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    action_id: str | None = None


class ReturnLineRow(ShopTable, table=True):
    __tablename__ = "shop_return_lines"
    __table_args__ = (
        _belongs("shop_returns", "return_id"),
        CheckConstraint("quantity >= 1", name="quantity"),
    )
    store: str = Field(primary_key=True)
    return_id: str = Field(primary_key=True)
    line_id: str = Field(primary_key=True)
    quantity: int


class RefundRow(ShopTable, table=True):
    __tablename__ = "shop_refunds"
    __table_args__ = (
        _belongs(_ORDER, "order_key"),
        Index(None, "store", "order_key"),
        UniqueConstraint("store", "action_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
    )
    store: str = Field(primary_key=True)
    refund_id: str = Field(primary_key=True)
    order_key: str
    amount_minor: int = Field(sa_type=BigInteger)
    status: str  # domain.orders.Refund.status
    destination: str
    reason: str = ""
    created_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    action_id: str | None = None


class RefundLineRow(ShopTable, table=True):
    __tablename__ = "shop_refund_lines"
    __table_args__ = (
        _belongs("shop_refunds", "refund_id"),
        CheckConstraint("quantity >= 1", name="quantity"),
    )
    store: str = Field(primary_key=True)
    refund_id: str = Field(primary_key=True)
    line_id: str = Field(primary_key=True)
    quantity: int


class CouponRow(ShopTable, table=True):
    __tablename__ = "shop_coupons"
    __table_args__ = (
        _belongs("shop_customers", "customer_ref"),
        Index(None, "store", "customer_ref", "created_at"),
        UniqueConstraint("store", "action_id"),
    )
    store: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    customer_ref: str
    order_key: str
    value_minor: int = Field(sa_type=BigInteger)
    currency: str
    reason: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    valid_until: datetime = Field(sa_type=UtcDateTime)
    action_id: str | None = None


class PaymentRequestRow(ShopTable, table=True):
    """Money that the customer still owes for an order, because it was changed to something dearer."""

    __tablename__ = "shop_payment_requests"
    __table_args__ = (
        _belongs(_ORDER, "order_key"),
        Index(None, "store", "order_key"),
        UniqueConstraint("store", "action_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
    )
    store: str = Field(primary_key=True)
    request_id: str = Field(primary_key=True)
    order_key: str
    amount_minor: int = Field(sa_type=BigInteger)
    status: str  # "open" | "paid"
    created_at: datetime = Field(sa_type=UtcDateTime)
    action_id: str | None = None


class NoteRow(ShopTable, table=True):
    __tablename__ = "shop_notes"
    __table_args__ = (
        _belongs(_ORDER, "order_key"),
        Index(None, "store", "order_key"),
        UniqueConstraint("store", "key"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    store: str
    order_key: str
    text: str
    key: str  # idempotency key of the write
    created_at: datetime = Field(sa_type=UtcDateTime)


class SubscriptionRow(ShopTable, table=True):
    """A customer wants to hear of a parcel."""

    __tablename__ = "shop_subscriptions"
    __table_args__ = (_belongs("shop_customers", "customer_ref"),)
    store: str = Field(primary_key=True)
    tracking_key: str = Field(primary_key=True)
    customer_ref: str = Field(primary_key=True)
    key: str
    created_at: datetime = Field(sa_type=UtcDateTime)


class EffectRow(ShopTable, table=True):
    """What was done under an action's id: written with the effect itself, so it is there or it is not."""

    __tablename__ = "shop_effects"
    store: str = Field(primary_key=True)
    action_id: str = Field(primary_key=True)
    tool: str
    order_key: str
    receipt: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    at: datetime = Field(sa_type=UtcDateTime)


def _table(row: type[ShopTable]) -> Table:
    return shop_metadata.tables[str(row.__tablename__)]


customers = _table(CustomerRow)
products = _table(ProductRow)
variants = _table(VariantRow)
orders = _table(OrderRow)
lines = _table(LineRow)
payments = _table(PaymentRow)
fulfilments = _table(FulfilmentRow)
parcels = _table(ParcelRow)
parcel_lines = _table(ParcelLineRow)
events = _table(TrackingEventRow)
returns = _table(ReturnRow)
return_lines = _table(ReturnLineRow)
refunds = _table(RefundRow)
refund_lines = _table(RefundLineRow)
coupons = _table(CouponRow)
payment_requests = _table(PaymentRequestRow)
notes = _table(NoteRow)
subscriptions = _table(SubscriptionRow)
effects = _table(EffectRow)
