"""A parcel, its events, and the pure verdict on its health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class ParcelState(StrEnum):
    LABEL_ONLY = "label_only"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    CUSTOMS = "customs"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AT_PICKUP_POINT = "at_pickup_point"
    DELIVERED = "delivered"
    PROBLEM = "problem"
    REFUSED = "refused"
    GOING_BACK = "going_back"
    RETURNED = "returned"
    NUMBER_UNKNOWN = "number_unknown"


class Interception(StrEnum):
    """What has become of the wish to stop a parcel on its way."""

    NONE = "none"
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class Verdict(StrEnum):
    ON_ITS_WAY = "on_its_way"
    OUT_FOR_DELIVERY = "out_for_delivery"
    STUCK = "stuck"
    CUSTOMS_HELD = "customs_held"
    DELIVERED = "delivered"
    AT_PICKUP_POINT = "at_pickup_point"
    PROBLEM = "problem"
    REFUSED = "refused"
    GOING_BACK = "going_back"
    RETURNED = "returned"
    NUMBER_UNKNOWN = "number_unknown"
    LABEL_ONLY = "label_only"
    NO_EVENTS = "no_events"  # shipped, but the record holds no scan at all


@dataclass(frozen=True, slots=True)
class ParcelEvent:
    at: datetime
    state: ParcelState
    text: str  # the carrier's own words: data, never instructions
    place: str = ""


@dataclass(frozen=True, slots=True)
class ParcelLine:
    line_id: str
    title: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    tracking_no: str
    carrier: str  # carrier code
    carrier_name: str
    state: ParcelState | None  # None: the record says nothing
    lines: tuple[ParcelLine, ...] = ()
    events: tuple[ParcelEvent, ...] = ()  # newest first
    supplier: str | None = None
    shipped_at: datetime | None = None
    estimated_at: datetime | None = None
    order_no: str = ""
    interception: Interception = Interception.NONE
    interception_kind: str = ""  # domain.changes.INTERCEPTIONS


@dataclass(frozen=True, slots=True)
class ParcelHealth:
    verdict: Verdict
    since: datetime | None
    quiet_days: int | None  # whole days without a scan


# A parcel that moves is scanned at least this often; longer silence is worth a person's look.
QUIET_LIMIT = timedelta(days=5)

_VERDICTS: dict[ParcelState, Verdict] = {
    ParcelState.LABEL_ONLY: Verdict.LABEL_ONLY,
    ParcelState.PICKED_UP: Verdict.ON_ITS_WAY,
    ParcelState.IN_TRANSIT: Verdict.ON_ITS_WAY,
    ParcelState.CUSTOMS: Verdict.CUSTOMS_HELD,
    ParcelState.OUT_FOR_DELIVERY: Verdict.OUT_FOR_DELIVERY,
    ParcelState.AT_PICKUP_POINT: Verdict.AT_PICKUP_POINT,
    ParcelState.DELIVERED: Verdict.DELIVERED,
    ParcelState.PROBLEM: Verdict.PROBLEM,
    ParcelState.REFUSED: Verdict.REFUSED,
    ParcelState.GOING_BACK: Verdict.GOING_BACK,
    ParcelState.RETURNED: Verdict.RETURNED,
    ParcelState.NUMBER_UNKNOWN: Verdict.NUMBER_UNKNOWN,
}
_MOVING = {ParcelState.PICKED_UP, ParcelState.IN_TRANSIT, ParcelState.OUT_FOR_DELIVERY}


def assess_parcel(parcel: Parcel, now: datetime) -> ParcelHealth:
    """Judge one parcel from its record alone: the verdict, since when, and how long it was quiet."""
    if parcel.state is None:
        return ParcelHealth(Verdict.NO_EVENTS, parcel.shipped_at, None)
    last = parcel.events[0].at if parcel.events else parcel.shipped_at
    quiet = max(0, (now - last).days) if last else None
    if parcel.state in _MOVING and last and now - last > QUIET_LIMIT:
        return ParcelHealth(Verdict.STUCK, last, quiet)
    return ParcelHealth(_VERDICTS[parcel.state], _since(parcel) or last, quiet)


def _since(parcel: Parcel) -> datetime | None:
    """When the present state began: the oldest event of the newest run of that state."""
    since = None
    for event in parcel.events:
        if event.state is not parcel.state:
            break
        since = event.at
    return since
