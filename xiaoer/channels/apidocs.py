"""The API's description as a page of our own.

FastAPI's page loads its scripts from somebody else's server; a script on this origin could do whatever a
signed-in colleague can. This one has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined, Template

from xiaoer.channels.headers import new_nonce, page_headers


@dataclass(frozen=True, slots=True)
class Operation:
    """One address with what it takes. `fields`: (name, where or type, required)."""

    tag: str
    method: str
    path: str
    says: str
    fields: tuple[tuple[str, str, bool], ...]


def add_docs(app: FastAPI, path: str = "/docs") -> None:
    @app.get(path, include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        nonce = new_nonce()
        operations = sorted(operations_of(request.app.openapi()), key=lambda one: (one.tag, one.path))
        page = _page().render(operations=operations, nonce=nonce, title=request.app.title)
        return HTMLResponse(page, headers=page_headers(nonce))


def operations_of(described: dict[str, Any]) -> Iterator[Operation]:
    """Every operation of an OpenAPI document."""
    shapes = described.get("components", {}).get("schemas", {})
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            says = operation.get("description") or operation.get("summary", "")
            yield Operation(
                operation.get("tags", ["others"])[0],
                method.upper(),
                path,
                says,
                (*_parameters(operation), *_body(operation, shapes)),
            )


def _parameters(operation: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    for one in operation.get("parameters", ()):
        yield one["name"], f"{one['in']}, {_type(one.get('schema', {}))}", one.get("required", False)


def _body(operation: dict[str, Any], shapes: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    shape = shapes.get(schema.get("$ref", "").rpartition("/")[2], schema)
    for name, field in shape.get("properties", {}).items():
        yield name, _type(field), name in shape.get("required", ())


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    several = schema.get("anyOf", ())
    if several:
        return " | ".join(_type(one) for one in several if one.get("type") != "null")
    kind = str(schema.get("type", "any"))
    return f"list of {_type(schema['items'])}" if kind == "array" and "items" in schema else kind


@cache
def _page() -> Template:
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(_HTML)


_HTML = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>API · {{ title }}</title>
<style nonce="{{ nonce }}">
:root{color-scheme:light dark;--paper:#f3f0e9;--surface:#fffefb;--ink:#24221d;--muted:#696358;--line:#e2dccf;--get:#1f5c94;--post:#8f3508}
@media(prefers-color-scheme:dark){:root{--paper:#121110;--surface:#1d1b19;--ink:#efece5;--muted:#a8a196;--line:#35322d;--get:#93c4f0;--post:#f5ae83}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,"PingFang SC","Noto Sans CJK SC",sans-serif}
main{max-width:60rem;margin:auto;padding:2rem 1rem 4rem}h1{font-size:1.4rem;margin:0}h2{font-size:1rem;margin:2rem 0 .6rem;color:var(--muted)}
p{margin:.3rem 0;color:var(--muted)}article{background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:.8rem 1rem;margin:.5rem 0;overflow-wrap:anywhere}
code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9em}b.GET{color:var(--get)}b.POST{color:var(--post)}
dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.2rem 1rem;margin:.6rem 0 0;font-size:.9em}dt,dd{margin:0}dd{color:var(--muted)}a{color:inherit}
</style>
<main><h1>{{ title }} API</h1>
<p>Staff: a session of <a href="/desk/login">/desk/login</a>, or <code>Authorization: Bearer XIAOER_API_TOKEN</code>. Errors are <code>{"error", "code"}</code>; unknown fields are refused. For machines: <a href="/openapi.json">/openapi.json</a>.</p>
{% for tag, ones in operations|groupby("tag") %}<h2>{{ tag }}</h2>
{% for one in ones %}<article><b class="{{ one.method }}">{{ one.method }}</b> <code>{{ one.path }}</code>{% if one.says %}<p>{{ one.says }}</p>{% endif %}
{% if one.fields %}<dl>{% for name, kind, needed in one.fields %}<dt><code>{{ name }}</code>{{ " *" if needed }}</dt><dd>{{ kind }}</dd>{% endfor %}</dl>{% endif %}</article>{% endfor %}{% endfor %}
</main></html>"""
