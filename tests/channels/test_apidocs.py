"""The description of the API is a page without anybody else's scripts."""

from __future__ import annotations

import re

from fastapi import FastAPI
from support.web import client

from xiaoer.app import create_app
from xiaoer.channels.apidocs import add_docs
from xiaoer.settings import Settings


async def test_every_operation_stands_on_the_page_and_no_script_does() -> None:
    app = FastAPI(title="Demo", docs_url=None)
    add_docs(app)

    @app.get("/things/{number}", tags=["things"])
    def thing(number: int, colour: str | None = None) -> dict[str, int]:
        """One <b>thing</b>."""
        return {"number": number}

    answer = await client(app).get("/docs")
    assert answer.status_code == 200 and "/things/{number}" in answer.text and "path, integer" in answer.text
    assert "query, string" in answer.text and "One &lt;b&gt;thing&lt;/b&gt;." in answer.text
    assert "<script" not in answer.text and not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "http" not in policy and "frame-ancestors 'none'" in policy


def test_the_application_has_no_page_that_loads_scripts_from_elsewhere() -> None:
    app = create_app(Settings())
    assert app.docs_url is None and app.redoc_url is None
