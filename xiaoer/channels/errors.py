"""Every error in one shape: `{"error": SENTENCE, "code": WORD}`, or a page for people in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from xiaoer.channels.headers import DATA_HEADERS
from xiaoer.domain.refusals import Refusal

log = structlog.get_logger()

# What an HTTP status is called, and said as, where nobody said it better.
_WORDS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "The request could not be read."),
    401: ("unauthorized", "Sign in first."),
    403: ("forbidden", "This is not allowed for you."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    406: ("not_acceptable", "This address cannot answer in the form asked for."),
    409: ("conflict", "This has changed meanwhile."),
    413: ("too_large", "The request is too large."),
    415: ("unsupported", "The request body must be JSON."),
    422: ("invalid", "The request does not have the expected form."),
    429: ("too_many_requests", "Too many requests. Wait a moment and try again."),
    500: ("internal", "Something went wrong on our side. Please try again in a moment."),
    503: ("unavailable", "The service is not ready. Please try again in a moment."),
}

# The rooms' named refusals, translated once, here. What is not listed lost against another's step.
_REFUSALS: dict[str, int] = {
    "not_found": 404,
    "forbidden": 403,
    "invalid": 422,
    "over_limit": 422,
    "denied": 422,
    "down": 503,
    "step_up": 403,
    "wrong_password": 403,
    "own_account": 403,
    "password_length": 422,
    "password_easy": 422,
    "roles": 422,
    "dead_link": 404,
}


class Problem(HTTPException):
    """An answer that is not a success, with its sentence and its word.

    An HTTPException, because that alone passes FastAPI's reading of bodies unchanged.
    """

    def __init__(
        self,
        status: int,
        sentence: str = "",
        code: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        word, default = _WORDS.get(status, _WORDS[500])
        super().__init__(status, sentence or default, dict(headers or {}))
        self.sentence, self.code, self.more = sentence or default, code or word, more


def install_error_handlers(app: FastAPI) -> None:
    """Give every refusal of this application the one shape."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_crash)


def answer_problem(request: Request, problem: Problem) -> Response:
    """The problem as JSON, or as a small page where a browser asked for one."""
    if _wants_page(request):
        page = _PAGE.format(status=problem.status_code, sentence=escape(problem.sentence))
        return HTMLResponse(page, problem.status_code, {**(problem.headers or {}), **_PAGE_HEADERS})
    body = {"error": problem.sentence, "code": problem.code, **problem.more}
    # A fragment that was asked for stays as it is; the page says the sentence.
    keep = {"HX-Reswap": "none"} if request.headers.get("hx-request") else {}
    return JSONResponse(body, problem.status_code, {**DATA_HEADERS, **(problem.headers or {}), **keep})


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer_problem(request, error)


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return answer_problem(request, problem_of(error))


def problem_of(refusal: Refusal) -> Problem:
    """A room's refusal with its status; a lost race also names the winner where it has one."""
    winner = getattr(refusal, "winner", None)
    more = {"winner": winner} if winner else {}
    return Problem(_REFUSALS.get(refusal.code, 409), str(refusal), refusal.code, **more)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    plain = error.detail in ("", "Not Found", "Method Not Allowed")
    sentence = "" if plain or not isinstance(error.detail, str) else _sentence(error.detail)
    return answer_problem(request, Problem(error.status_code, sentence, headers=error.headers))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return answer_problem(request, Problem(422, describe_errors(error.errors())))


async def _on_crash(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, error=type(error).__name__, exc_info=error)
    return answer_problem(request, Problem(500))


def describe_errors(errors: Any) -> str:
    """Up to three faults of a request body in one sentence; the values themselves are never repeated."""
    said = []
    for fault in list(errors)[:3]:
        where = ".".join(str(part) for part in fault.get("loc", ()) if part not in ("body", "query", "path"))
        said.append(f"{where}: {_fault(fault)}" if where else _fault(fault))
    return _sentence("; ".join(said) or _WORDS[422][1])


def _fault(fault: Mapping[str, Any]) -> str:
    if fault.get("type") == "extra_forbidden":
        return "unknown field"
    return str(fault.get("msg", "not as expected")).removeprefix("Value error, ").rstrip(".")


def _sentence(text: str) -> str:
    # A lone surrogate in a field's name cannot be written as UTF-8.
    text = text.strip().encode("utf-8", "replace").decode()
    return text if text.endswith((".", "!", "?", "。")) else f"{text}."


def _wants_page(request: Request) -> bool:
    return request.url.path.startswith(("/desk", "/chat")) and "text/html" in request.headers.get(
        "accept", ""
    )


_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>{sentence}</title>
<style>body{{margin:0;min-height:100vh;display:grid;place-items:center;background:#f6f4f0;color:#22201c;
font:1rem/1.6 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}}
main{{max-width:28rem;padding:2rem;text-align:center}}b{{font-size:3rem;color:#8a8377;font-weight:600}}
a{{color:#1f6f5c}}@media(prefers-color-scheme:dark){{body{{background:#181715;color:#eeeae3}}a{{color:#7fd0ba}}}}
</style><main><b>{status}</b><p>{sentence}</p></main></html>"""
