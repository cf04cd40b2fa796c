"""The queue of requests, one request with everything needed to decide, the decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from xiaoer.approvals.desk import Decision
from xiaoer.approvals.listing import ActionDetail
from xiaoer.channels.errors import Problem, problem_of
from xiaoer.desk.access import Door
from xiaoer.desk.acts import Acts
from xiaoer.desk.guesses import confirm
from xiaoer.desk.pages.door import read_form, text_of
from xiaoer.desk.pages.frame import Flash, flash_of, frame_of, money_paused, say_over
from xiaoer.desk.pages.render import as_money, page_language, render, words
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.money import Money
from xiaoer.domain.refusals import Refusal
from xiaoer.domain.stores import pick
from xiaoer.inbox import views
from xiaoer.inbox.tables import NOTE

_DECISIONS = ("approve", "reject", "edit")
# Beside amount, destination, items, proof and state, which have places of their own.
_SHOWN_FACTS = ("reason", "days_since_delivery", "parcel", "final_sale", "coupons_90d")
_WORDED = {"reason": "reasons", "parcel": "verdicts", "order_state": "order_states"}
_EXCERPT = 8


def add_approvals(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    @router.get("/desk/approvals")
    def queue(request: Request, store: str = "", person: SignedIn = Depends(door)) -> Response:
        return _page(services, request, person, store, None)

    @router.get("/desk/approvals/{action_id}")
    def show(request: Request, action_id: str, store: str = "", person: SignedIn = Depends(door)) -> Response:
        return _page(services, request, person, store, action_id)

    @router.post("/desk/approvals/{action_id}/decision")
    async def decide(
        request: Request, action_id: str, store: str = "", person: SignedIn = Depends(door)
    ) -> Response:
        form = await read_form(request, person)
        t = words(page_language(request))
        status = 200
        try:
            person = await _confirmed(services, request, person, form)
            action_id, flash = await _decide(acts, person, action_id, form, t)
        except Refusal as refusal:
            status, flash = problem_of(refusal).status_code, flash_of(refusal, t)
        return await asyncio.to_thread(
            _page, services, request, person, store, action_id, flash=flash, status=status
        )

    _add_settling(router, services, acts, door)


def _add_settling(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    """What nobody knows: another look in the shop, or two people's word."""

    @router.post("/desk/approvals/{action_id}/look")
    async def look(
        request: Request, action_id: str, store: str = "", person: SignedIn = Depends(door)
    ) -> Response:
        await read_form(request, person)
        act = partial(acts.look_again, person, action_id)
        return await _settle(services, request, person, store, action_id, act)

    @router.post("/desk/approvals/{action_id}/close")
    async def close(
        request: Request, action_id: str, store: str = "", person: SignedIn = Depends(door)
    ) -> Response:
        form = await read_form(request, person)
        given = [text_of(form, name) for name in ("outcome", "reference", "note")]

        async def say() -> ActionView:
            confirmed = await _confirmed(services, request, person, form)
            return await asyncio.to_thread(acts.close_unknown, confirmed, action_id, *given)

        return await _settle(services, request, person, store, action_id, say)


async def _settle(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    store: str,
    action_id: str,
    act: Callable[[], Any],
) -> Response:
    t, status = words(page_language(request)), 200
    try:
        done = await act() if iscoroutinefunction(act) else await asyncio.to_thread(act)
        flash = Flash("good", t["approvals"]["settled"][done.status.value])
    except Refusal as refusal:
        status, flash = problem_of(refusal).status_code, flash_of(refusal, t)
    return await asyncio.to_thread(
        _page, services, request, person, store, action_id, flash=flash, status=status
    )


async def _confirmed(services: DeskServices, request: Request, person: SignedIn, form: FormData) -> SignedIn:
    """The person, with the password that came with the decision checked; raises WrongPassword."""
    password = text_of(form, "password")
    if not password or person.session_id is None:
        return person
    await confirm(services, request, person, password)
    return replace(person, staff=replace(person.staff, proven=True))


async def _decide(acts: Acts, person: SignedIn, action_id: str, form: FormData, t: Any) -> tuple[str, Flash]:
    decision = text_of(form, "decision")
    if decision not in _DECISIONS:
        raise Problem(422, "A decision is approve, reject or edit.")
    edits = {"lines": _lines(form)} if decision == "edit" else None
    action = await acts.decide(
        person, action_id, cast("Decision", decision), text_of(form, "digest"), text_of(form, "note"), edits
    )
    done = "agreed" if action.status is ActionStatus.PENDING else decision
    return action.action_id, Flash("good", t["approvals"]["done"][done])


def _lines(form: FormData) -> list[dict[str, Any]]:
    """`line:<id> = quantity` fields; a line set to zero is left out."""
    counts = {name[5:]: text_of(form, name) for name in form if name.startswith("line:")}
    if not all(count.isdecimal() and len(count) < 4 for count in counts.values()):
        raise Problem(422, "A quantity is a whole number.")
    return [{"line_id": line, "quantity": int(count)} for line, count in counts.items() if int(count)]


def _page(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    store: str,
    action_id: str | None,
    *,
    flash: Flash | None = None,
    status: int = 200,
) -> Response:
    queue = services.approvals.list_actions(ActionStatus.PENDING, store or None, limit=200).items
    detail = services.approvals.describe(action_id, person.staff) if action_id else None
    shown = [detail.summary.action.action_id] if detail else [item.action.action_id for item in queue]
    target = shown[0] if detail else "actions"
    services.looks.note(person.staff, target, detail.summary.store if detail else store or None, ids=shown)
    query = f"?{urlencode({'store': store})}" if store else ""
    frame = frame_of(services, person)
    view = {"queue": queue, "store": store, "query": query, "detail": detail, "flash": flash}
    # After a post the address is the decision's; refreshes go to the page that shows the action.
    here = f"/desk/approvals{f'/{action_id}' if action_id else ''}{query}"
    more = _detail_view(services, request, person, detail, frame) if detail else {}
    everything = {**frame, **view, **more, "list_url": here, "here": here}
    return render(services, request, "approvals.html", person, everything, status)


def _detail_view(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    detail: ActionDetail,
    frame: dict[str, Any],
) -> dict[str, Any]:
    lang = page_language(request)
    t, summary = words(lang), detail.summary
    evidence = {str(item.get("tool")): item.get("data", {}) for item in detail.evidence}
    thread = views.thread(services.engine, summary.conversation_id, limit=40)
    said = [item for item in thread if item.kind != NOTE]
    order = evidence.get("get_order")
    return {
        "order": order if order and order.get("total") else None,
        "parcels": evidence.get("track_order", {}).get("parcels", []),
        "clause_text": pick(detail.quote.clause_text, lang),
        "shown_facts": _SHOWN_FACTS,
        "fact": lambda name, value: _say_fact(t, name, value, detail),
        "excerpt": said[-_EXCERPT:],
        "editable": bool(detail.quote.lines) and "lines" in summary.action.args,
        "money_paused": money_paused(frame["paused"], summary.store),
        "over": say_over(detail.over, t) if detail.over else "",
        "has_agreed": person.staff.name in detail.agreed,
        # Asked for in the form itself, so that nobody has to start again.
        "ask_password": detail.step_up and not person.staff.proven,
        "my_word": next((word for word in detail.words if word.staff_id == person.staff.id), None),
        "other_words": [word for word in detail.words if word.staff_id != person.staff.id],
    }


def _say_fact(t: Any, name: str, value: Any, detail: ActionDetail) -> str:
    if value is None:
        return str(t["unknown"])
    if isinstance(value, bool):
        return str(t["yes_word"] if value else t["no_word"])
    if name in _WORDED:
        return str(t[_WORDED[name]].get(value, value))
    amount = detail.summary.action.amount
    if name == "amount_minor" and amount is not None:
        return as_money(Money(int(value), amount.currency))
    return str(value)
