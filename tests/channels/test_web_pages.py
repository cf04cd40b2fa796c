"""The chat page and the widget: strict policies, both languages, nothing that could become markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from support.web import STORES, Web

from xiaoer.channels.web.pages import _ink_on, _strings, json_block
from xiaoer.domain.understanding import LANGUAGES


class Reader(HTMLParser):
    """The tags of a page, and whatever a strict policy would forbid."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.handlers: list[str] = []
        self.styles: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append(f"{tag}.{name}")
            if name == "style":
                self.styles.append(value or "")
            if name in ("src", "href"):
                self.links.append(value or "")


@pytest.mark.parametrize(("store", "lang"), [("demo-us", "en"), ("demo-cn", "zh-CN")])
async def test_the_page_speaks_the_stores_language(web: Web, store: str, lang: str) -> None:
    page = (await web.http.get(f"/chat/{store}")).text
    assert f'<html lang="{lang}"' in page


async def test_the_language_can_be_chosen(web: Web) -> None:
    assert '<html lang="zh-CN"' in (await web.http.get("/chat/demo-us?lang=zh")).text
    assert '<html lang="en"' in (await web.http.get("/chat/demo-cn?lang=en")).text
    assert '<html lang="en"' in (await web.http.get("/chat/demo-us?lang=xx")).text


async def test_the_page_has_a_strict_policy_and_no_inline_handlers(web: Web) -> None:
    answer = await web.http.get("/chat/demo-us")
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce and f'nonce="{nonce[1]}"' in answer.text
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy and answer.headers["x-frame-options"] == "DENY"
    page = Reader(answer.text)
    assert (page.handlers, page.styles) == ([], [])
    # Nothing is fetched from anywhere else.
    assert all(link.startswith(("/", "?")) for link in page.links)


async def test_every_answer_has_a_nonce_of_its_own(web: Web) -> None:
    policies = {(await web.http.get("/chat/demo-us")).headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


async def test_only_the_embedded_page_may_stand_in_a_frame(web: Web) -> None:
    answer = await web.http.get("/chat/demo-us?embed=1")
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert "x-frame-options" not in answer.headers


async def test_assets_are_cached_for_ever_under_their_content(web: Web) -> None:
    page = (await web.http.get("/chat/demo-us")).text
    script = re.search(r'src="(/assets/web/[0-9a-f]+/chat\.js)"', page)
    assert script
    answer = await web.http.get(script[1])
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    stale = await web.http.get("/assets/web/000000000000/chat.js")
    assert (stale.status_code, stale.headers["cache-control"]) == (200, "no-store")
    for name in ("nothing.js", "%2e%2e%2frouter.py"):
        assert (await web.http.get(f"/assets/web/x/{name}")).status_code == 404


async def test_the_widget_is_one_small_script_for_other_sites(web: Web) -> None:
    answer = await web.http.get("/widget.js")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert len(answer.content) < 8_000
    assert b"innerHTML" not in answer.content


async def test_an_unknown_store_is_a_page_for_people_and_json_for_programs(web: Web) -> None:
    page = await web.http.get("/chat/nowhere", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"][:9]) == (404, "text/html")
    assert (await web.http.get("/chat/nowhere")).json()["code"] == "unknown_store"


async def test_a_stores_own_words_cannot_become_markup(web: Web) -> None:
    evil = "</script><script>alert(1)</script>"
    hostile = replace(STORES["demo-us"], name={"en": evil}, id="hostile")
    web.services.stores["hostile"] = hostile  # type: ignore[index]  # a plain dict in tests
    try:
        page = (await web.http.get("/chat/hostile")).text
    finally:
        del web.services.stores["hostile"]  # type: ignore[attr-defined]  # as above
    assert "<script>alert" not in page
    boot = re.search(r'id="boot">(.*?)</script>', page, re.S)
    assert boot and json.loads(boot[1])["store_name"] == evil


async def test_no_person_is_promised_where_a_rule_may_approve(web: Web) -> None:
    assert "confirmed by a person first" in (await web.http.get("/chat/demo-us")).text
    web.services.stores["loose"] = replace(STORES["demo-us"], rules_may_approve=True, id="loose")  # type: ignore[index]  # a plain dict in tests
    try:
        page = (await web.http.get("/chat/loose")).text
    finally:
        del web.services.stores["loose"]  # type: ignore[attr-defined]  # as above
    shown = page.partition('<main class="scroll"')[2].partition("</main>")[0]
    assert "AI assistant" in shown and "confirmed by a person" not in shown


def test_json_in_a_page_holds_no_markup() -> None:
    assert "<" not in json_block({"a": "</script><!--"})


@pytest.mark.parametrize(
    ("colour", "ink"), [("#1f6f5c", "#fff"), ("#ffe066", "#1b1a17"), ("#c2410c", "#fff")]
)
def test_text_on_the_accent_can_be_read(colour: str, ink: str) -> None:
    assert _ink_on(colour) == ink


def test_all_languages_have_the_same_words() -> None:
    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(item) for key, item in value.items()}
        return len(value) if isinstance(value, list) else type(value).__name__

    strings = _strings()
    assert set(strings) == set(LANGUAGES)
    assert {lang for lang, words in strings.items() if shape(words) != shape(strings["en"])} == set()


@pytest.mark.parametrize(
    ("wish", "lang"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("zh-TW,zh;q=0.9", "zh-Hant"),
        ("zh-Hans-CN", "zh"),
        ("pt-BR,en", "pt"),
        ("tlh, ar-EG;q=0.7", "ar"),
        ("tlh", "en"),
        ("", "en"),
        (";;,,q=1", "en"),
    ],
)
async def test_the_page_speaks_the_language_of_the_browser_where_it_can(
    web: Web, wish: str, lang: str
) -> None:
    page = (await web.http.get("/chat/demo-us", headers={"accept-language": wish})).text

    assert f'<option value="{lang}" lang="{lang}" selected>' in page
    assert ('dir="rtl"' in page.split("<head>")[0]) is (lang == "ar")


def test_modules_never_write_markup() -> None:
    from xiaoer.channels.web.pages import ASSETS

    for name, body in ASSETS.files.items():
        assert b"innerHTML" not in body and b"insertAdjacentHTML" not in body, name
