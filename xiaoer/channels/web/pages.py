"""The chat page and the widget: a server-rendered shell, the rest are static modules."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from xiaoer.channels.assets import Assets
from xiaoer.channels.headers import new_nonce, page_headers
from xiaoer.channels.services import WebServices
from xiaoer.domain.stores import Store, pick
from xiaoer.domain.understanding import LANGUAGES

_HERE = Path(__file__).parent
PAGE_LANGS = LANGUAGES
# How browsers name what we call by its script.
_HTML_LANGS = {"zh": "zh-CN", "zh-Hant": "zh-TW"}
_TRADITIONAL = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")
_RIGHT_TO_LEFT = frozenset({"ar"})
ASSETS = Assets.load(_HERE / "static", "/assets/web")


@cache
def _strings() -> dict[str, dict[str, Any]]:
    folder = _HERE / "strings"
    return {lang: yaml.safe_load((folder / f"{lang}.yaml").read_text("utf-8")) for lang in PAGE_LANGS}


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )


def render_chat(services: WebServices, store: Store, request: Request) -> HTMLResponse:
    """The chat page in the language asked for, else in the browser's, else in the store's own."""
    lang = page_language(store, request)
    embed = request.query_params.get("embed") == "1"
    nonce = new_nonce()
    page = _templates().get_template("chat.html").render(_view(store, lang, embed, nonce))
    ancestors = services.frame_ancestors if embed else ("'none'",)
    return HTMLResponse(page, headers=page_headers(nonce, ancestors))


def serve_widget() -> Response:
    """The script that a shop puts on its own pages."""
    return Response(
        ASSETS.files["widget.js"],
        media_type="text/javascript; charset=utf-8",
        headers={
            "Cache-Control": "public, max-age=300",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


def page_language(store: Store, request: Request) -> str:
    asked = request.query_params.get("lang", "")
    if asked in PAGE_LANGS:
        return asked
    wishes = (part.partition(";")[0] for part in request.headers.get("accept-language", "").split(","))
    return next(filter(None, map(_known, wishes)), store.languages[0])


def _known(wish: str) -> str | None:
    """Our name of a browser's language; None for one that the page is not written in."""
    wish = wish.strip().lower()
    if wish.startswith(_TRADITIONAL):
        return "zh-Hant"
    base = wish.partition("-")[0]
    return base if base in PAGE_LANGS else None


def _choices(store: Store) -> list[tuple[str, str]]:
    """(language, its own name), the store's languages first."""
    order = dict.fromkeys((*store.languages, *PAGE_LANGS))
    return [(lang, _strings()[lang]["name"]) for lang in order if lang in PAGE_LANGS]


def _view(store: Store, lang: str, embed: bool, nonce: str) -> dict[str, Any]:
    words = _strings()[lang]
    persona = pick(store.persona.name, lang)
    name = pick(store.name, lang)
    initial = (persona or name)[:1]
    boot = {
        "store": store.id,
        "store_name": name,
        "persona": persona,
        "initial": initial,
        "lang": _HTML_LANGS.get(lang, lang),
        "zone": store.timezone,
        "embed": embed,
        "allowed_links": list(store.web.allowed_links),
        "strings": words,
    }
    accent = _accent(store.web.accent)
    return {
        "store_name": name,
        "persona": persona,
        "initial": initial,
        "greeting": pick(store.web.greeting, lang) or words["greeting"],
        "page_lang": _HTML_LANGS.get(lang, lang),
        "direction": "rtl" if lang in _RIGHT_TO_LEFT else "ltr",
        "lang": lang,
        "choices": _choices(store),
        "accent": accent,
        # Where a rule may approve, the page does not promise that a person does.
        "rules_may_approve": store.rules_may_approve,
        "on_accent": _ink_on(accent),
        "embed": embed,
        "nonce": nonce,
        "t": words,
        "css": ASSETS.url("chat.css"),
        "js": ASSETS.url("chat.js"),
        "icon": ASSETS.url("icon.svg"),
        "boot": json_block(boot),
    }


def json_block(value: Any) -> Markup:
    """JSON that may stand inside a script element: no `<` can end it."""
    text = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
    return Markup(text)  # noqa: S704 - no markup character is left in it


def _accent(colour: str) -> str:
    return colour if re.fullmatch(r"#[0-9a-fA-F]{6}", colour) else "#1f6f5c"


def _ink_on(colour: str) -> str:
    """White or near-black, whichever reads better (WCAG relative luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#fff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.06 else "#1b1a17"
