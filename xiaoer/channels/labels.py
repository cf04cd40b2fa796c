"""Return slips as a page to print: `/labels/{id}`. Whoever knows the path may open it; it is not to be guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Protocol

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from xiaoer.channels.errors import Problem
from xiaoer.channels.headers import new_nonce, page_headers
from xiaoer.domain.stores import Store, pick

_WORDS = {
    "en": {
        "title": "Return slip",
        "to": "Send to",
        "number": "Return number",
        "order": "Order",
        "items": "In the parcel",
        "how": "Print this page and put it into the parcel, or write the return number on the outside. Keep the receipt of the post office until the money is back.",
    },
    "zh": {
        "title": "退货单",
        "to": "寄往",
        "number": "退货编号",
        "order": "订单",
        "items": "包裹内商品",
        "how": "请打印本页放入包裹，或把退货编号写在包裹外面。退款到账前请保留寄件凭证。",
    },
}


class Label(Protocol):
    @property
    def store(self) -> str: ...
    @property
    def order_no(self) -> str: ...
    @property
    def return_id(self) -> str: ...
    @property
    def tracking_no(self) -> str: ...
    @property
    def created_at(self) -> datetime | None: ...
    @property
    def items(self) -> Sequence[tuple[str, int]]: ...


@cache
def _page() -> Environment:
    folder = Path(__file__).parent / "templates"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)


def build_label_router(stores: Mapping[str, Store], find_label: Callable[[str], Label | None]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/labels/{label_id}")
    def label(label_id: str, request: Request) -> HTMLResponse:
        found = find_label(f"/labels/{label_id}")
        store = stores.get(found.store) if found else None
        if found is None or store is None:
            raise Problem(404, "There is no return slip at this address.", "not_found")
        lang = request.query_params.get("lang") or store.languages[0]
        words = _WORDS.get(lang.split("-")[0], _WORDS["en"])
        nonce = new_nonce()
        html = (
            _page()
            .get_template("label.html")
            .render(
                label=found,
                words=words,
                lang=lang,
                nonce=nonce,
                shop=pick(store.name, lang),
                address=store.return_address,
            )
        )
        return HTMLResponse(html, headers=page_headers(nonce))

    return router
