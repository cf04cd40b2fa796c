"""Conversations: the list, one thread with what the assistant did, and what people do in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from xiaoer.channels.errors import problem_of
from xiaoer.desk.access import Door
from xiaoer.desk.acts import CONVERSATION_STEPS, Acts, Step
from xiaoer.desk.pages.door import read_form, text_of
from xiaoer.desk.pages.frame import Flash, flash_of, frame_of
from xiaoer.desk.pages.render import page_language, render, words
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn
from xiaoer.domain.refusals import Refusal
from xiaoer.inbox import views
from xiaoer.inbox.tables import NOTE, Status

_ROWS = 50
_SHOWN_TURNS = 30
# A turn that an older version or a script has written may lack some of these.
_BLANK_TURN: dict[str, Any] = {
    "brain": "",
    "ms": 0,
    "intents": [],
    "slots": {},
    "tool_calls": [],
    "model_calls": [],
    "guard": [],
}


def add_conversations(router: APIRouter, services: DeskServices, acts: Acts, door: Door) -> None:
    @router.get("/desk/conversations")
    def show_list(request: Request, person: SignedIn = Depends(door)) -> Response:
        return _page(services, request, person, None)

    @router.get("/desk/conversations/{conversation_id}")
    def show(request: Request, conversation_id: str, person: SignedIn = Depends(door)) -> Response:
        return _page(services, request, person, conversation_id)

    @router.post("/desk/conversations/{conversation_id}/messages")
    async def write(request: Request, conversation_id: str, person: SignedIn = Depends(door)) -> Response:
        form = await read_form(request, person)
        text = text_of(form, "text")
        return await _done(
            services, request, person, conversation_id, lambda: acts.write(person, conversation_id, text)
        )

    for name, step in CONVERSATION_STEPS.items():
        _add_step(router, services, acts, door, name, step)


def _add_step(
    router: APIRouter, services: DeskServices, acts: Acts, door: Door, name: str, step: Step
) -> None:
    @router.post(f"/desk/conversations/{{conversation_id}}/{name}", name=f"desk {name}")
    async def change(request: Request, conversation_id: str, person: SignedIn = Depends(door)) -> Response:
        await read_form(request, person)
        return await _done(
            services, request, person, conversation_id, lambda: step(acts, person, conversation_id)
        )


async def _done(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    conversation_id: str,
    act: Callable[[], object],
) -> Response:
    """Do it, then show the conversation as it is now, with the reason if it could not be done."""
    flash, status = None, 200
    try:
        await asyncio.to_thread(act)
    except Refusal as refusal:
        flash = flash_of(refusal, words(page_language(request)))
        status = problem_of(refusal).status_code
    return await asyncio.to_thread(_page, services, request, person, conversation_id, flash, status)


def _page(
    services: DeskServices,
    request: Request,
    person: SignedIn,
    conversation_id: str | None,
    flash: Flash | None = None,
    status: int = 200,
) -> Response:
    wanted = {name: request.query_params.get(name, "") for name in ("store", "status", "q")}
    query = f"?{urlencode({k: v for k, v in wanted.items() if v})}" if any(wanted.values()) else ""
    here = f"/desk/conversations{f'/{conversation_id}' if conversation_id else ''}{query}"
    view = {
        **frame_of(services, person),
        **_list_view(services, wanted, request.query_params.get("cursor")),
        **wanted,
        "query": query,
        "here": here,
        "list_url": here,
        "flash": flash,
        "row": None,
    }
    if conversation_id:
        view |= _thread_view(services, conversation_id)
        services.looks.note(person.staff, conversation_id, view["row"].store)
    else:
        ids = [row.id for row in view["rows"]]
        services.looks.note(person.staff, "conversations", wanted["store"] or None, ids=ids)
    return render(services, request, "conversations.html", person, view, status)


def _list_view(services: DeskServices, wanted: dict[str, str], cursor: str | None) -> dict[str, Any]:
    status = wanted["status"] if wanted["status"] in set(Status) else None
    needle = wanted["q"].strip().casefold()
    page = views.list_conversations(
        services.engine, wanted["store"] or None, status, cursor, views.MOST if needle else _ROWS
    )
    rows = [row for row in page.rows if _fits(row, needle)] if needle else list(page.rows)
    if status is None and not cursor and not needle:
        rows = _people_first(services, rows, wanted["store"])
    following = urlencode({**{k: v for k, v in wanted.items() if v}, "cursor": page.cursor or ""})
    return {"rows": rows, "cursor": page.cursor, "more_url": f"/desk/conversations?{following}"}


def _people_first(
    services: DeskServices, rows: list[views.ConversationRow], store: str
) -> list[views.ConversationRow]:
    """Whoever waits for a person stands on top, urgent first, then the longest wait."""
    waiting = views.waiting(services.engine, store or None)
    ids = {row.id for row in waiting}
    return [*waiting, *(row for row in rows if row.id not in ids)]


def _fits(row: views.ConversationRow, needle: str) -> bool:
    return any(needle in text.casefold() for text in (row.customer_name, row.last_text, row.id))


def _thread_view(services: DeskServices, conversation_id: str) -> dict[str, Any]:
    row = views.get_conversation(services.engine, conversation_id)
    turns = views.trace(services.engine, conversation_id)["turns"]
    numbered = [{**_BLANK_TURN, **turn, "number": number} for number, turn in enumerate(turns, start=1)]
    items = views.thread(services.engine, conversation_id)
    return {
        "row": row,
        "items": items,
        "note_kind": NOTE,
        "turns": list(reversed(numbered))[:_SHOWN_TURNS],
        "actions": services.approvals.actions_of(conversation_id),
        "follow_ups": services.follow_ups.list(conversation_id=conversation_id, state=None),
        "rating": services.follow_ups.rating(conversation_id),
    }
