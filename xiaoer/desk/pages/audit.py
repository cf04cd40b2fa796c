"""What people did, and whose data they looked at: for admins, with filters."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from xiaoer.desk.access import Door
from xiaoer.desk.audit import WHATS
from xiaoer.desk.pages.frame import frame_of
from xiaoer.desk.pages.render import render
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.desk.staff import API_STAFF, colleagues

PAGE = "/desk/audit"
_FILTERS = ("who", "what", "store", "target", "since", "until")


def add_audit(router: APIRouter, services: DeskServices, door: Door) -> None:
    @router.get(PAGE)
    def show(request: Request, person: SignedIn = Depends(door)) -> Response:
        wanted = {name: request.query_params.get(name, "")[:128].strip() for name in _FILTERS}
        entries, following = services.audit.list(
            what=wanted["what"] or None,
            store=wanted["store"] or None,
            target=wanted["target"] or None,
            cursor=request.query_params.get("cursor"),
            who=wanted["who"] or None,
            since=_midnight(wanted["since"]),
            until=_midnight(wanted["until"], days=1),
        )
        kept = {name: value for name, value in wanted.items() if value}
        more = f"{PAGE}?{urlencode({**kept, 'cursor': following})}" if following else ""
        names = [API_STAFF.name, *(one.name for one in colleagues(services.engine))]
        view = {**frame_of(services, person), **wanted, "names": names, "whats": WHATS}
        return render(services, request, "audit.html", person, {**view, "entries": entries, "more_url": more})


def _midnight(day: str, days: int = 0) -> datetime | None:
    """The start of a day in UTC; None for none, and for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), UTC)
    except (ValueError, OverflowError):
        return None
