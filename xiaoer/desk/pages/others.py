"""Questions to suppliers, the history, and the pause buttons."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from xiaoer.channels.errors import Problem
from xiaoer.desk.access import Door
from xiaoer.desk.acts import Acts
from xiaoer.desk.pages.door import local_path, read_form, text_of
from xiaoer.desk.pages.frame import Flash, all_inquiries, frame_of
from xiaoer.desk.pages.render import render
from xiaoer.desk.services import DeskServices, Inquiry
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.actions import ActionStatus
from xiaoer.inbox.pause import PAUSABLE


def add_suppliers(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    @router.get("/desk/suppliers")
    def show(request: Request, store: str = "", person: SignedIn = Depends(door)) -> Response:
        return _suppliers(services, request, person, store)

    @router.post("/desk/suppliers/{inquiry_id}/answer")
    async def answer(request: Request, inquiry_id: str, person: SignedIn = Depends(door)) -> Response:
        form = await read_form(request, person)
        text = text_of(form, "text").strip()
        if not 1 <= len(text) <= 4_000:
            raise Problem(422, "An answer has 1 to 4,000 characters.")
        try:
            await asyncio.to_thread(acts.answer_supplier, person, inquiry_id, text)
        except Problem as problem:
            flash = Flash("bad", problem.sentence)
            return await asyncio.to_thread(
                _suppliers, services, request, person, "", flash, problem.status_code
            )
        return RedirectResponse("/desk/suppliers", 303)


def add_history(router: APIRouter, services: DeskServices, door: Door) -> None:
    @router.get("/desk/history")
    def history(
        request: Request,
        store: str = "",
        status: str = "",
        cursor: str = "",
        person: SignedIn = Depends(door),
    ) -> Response:
        wanted = {"store": store, "status": status}
        known = ActionStatus(status) if status in set(ActionStatus) else None
        page = services.approvals.list_actions(known, store or None, cursor or None, 50)
        ids = [item.action.action_id for item in page.items]
        services.looks.note(person.staff, "actions", store or None, ids=ids)
        following = urlencode({**wanted, "cursor": page.next_cursor})
        more = f"/desk/history?{following}" if page.next_cursor else ""
        view = {**frame_of(services, person), **wanted, "entries": page.items, "more_url": more}
        return render(services, request, "history.html", person, view)


def add_switches(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    @router.post("/desk/switch")
    async def switch(request: Request, person: SignedIn = Depends(door)) -> Response:
        form = await read_form(request, person)
        what, store = text_of(form, "what"), text_of(form, "store") or None
        if what not in PAUSABLE:
            raise Problem(422, "Only answers and money can be paused.")
        act = acts.resume if text_of(form, "on") == "1" else acts.pause
        await asyncio.to_thread(act, person, what, store)
        return RedirectResponse(local_path(text_of(form, "next")), 303)


def _suppliers(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    store: str,
    flash: Flash | None = None,
    status: int = 200,
) -> Response:
    rows = sorted(all_inquiries(services, store), key=lambda row: (row.status != "open", _due(row)))
    services.looks.note(person.staff, "inquiries", store or None, ids=[row.inquiry_id for row in rows])
    view = {
        **frame_of(services, person),
        "store": store,
        "flash": flash,
        "here": f"/desk/suppliers?{urlencode({'store': store})}",
        "inquiries": [_inquiry_view(services, row) for row in rows],
    }
    return render(services, request, "suppliers.html", person, view, status)


def _due(row: Inquiry) -> float:
    """Open ones by their clock, the most overdue first; answered ones newest first."""
    if row.status == "open":
        return (row.expected_by or row.asked_at).timestamp()
    return -(row.answered_at or row.asked_at).timestamp()


def _inquiry_view(services: DeskServices, row: Inquiry) -> SimpleNamespace:
    store = services.stores.get(row.store)
    supplier = store.supplier(row.supplier) if store and row.supplier else None
    return SimpleNamespace(
        row=row, status=row.status, supplier_name=supplier.name if supplier else row.supplier or ""
    )
