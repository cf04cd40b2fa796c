"""What follows from the parts of an order: its state, its delivery date, what is still to ship."""

from __future__ import annotations

from datetime import datetime

from xiaoer.domain.orders import Line, OrderState
from xiaoer.domain.parcels import Parcel, ParcelState

_BACKWARDS = frozenset({ParcelState.GOING_BACK, ParcelState.RETURNED, ParcelState.REFUSED})


def order_state(cancelled: bool, lines: tuple[Line, ...], parcels: tuple[Parcel, ...]) -> OrderState:
    if cancelled:
        return OrderState.CANCELLED
    if not any(line.shipped_quantity for line in lines):
        return OrderState.UNSHIPPED
    if any(quantity_to_ship(line) for line in lines):
        return OrderState.PARTLY_SHIPPED
    states = {parcel.state for parcel in parcels}
    if states == {ParcelState.DELIVERED}:
        return OrderState.DELIVERED
    if states & _BACKWARDS and states <= _BACKWARDS | {ParcelState.DELIVERED}:
        return OrderState.GOING_BACK
    return OrderState.SHIPPED


def quantity_to_ship(line: Line) -> int:
    """What the customer still waits to be sent. Refunded units count as shipped ones first: who
    gets money for a broken one of three, one of them shipped, is still sent the other two."""
    if line.cancelled_quantity:
        return 0
    return line.quantity - max(line.shipped_quantity, line.refunded_quantity)


def delivered_at(parcels: tuple[Parcel, ...]) -> datetime | None:
    """When the last parcel arrived; None while one is under way or its date is not on record."""
    dates = [_arrival(parcel) for parcel in parcels]
    known = [date for date in dates if date is not None]
    return max(known) if known and len(known) == len(dates) else None


def _arrival(parcel: Parcel) -> datetime | None:
    if parcel.state is not ParcelState.DELIVERED:
        return None
    return next((e.at for e in parcel.events if e.state is ParcelState.DELIVERED), None)
