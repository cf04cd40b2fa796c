"""The desk's door: cookie or token in, a person out; forged posts are refused."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import Request, Response

from xiaoer.channels.errors import Problem
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn, find_session
from xiaoer.desk.staff import API_STAFF

CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"
_SAFE = ("GET", "HEAD", "OPTIONS")

Door = Callable[[Request], SignedIn]


def cookie_name(services: DeskServices) -> str:
    return "__Host-xiaoer_desk" if services.secure_cookies else "xiaoer_desk"


def set_cookie(services: DeskServices, response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(services), token, httponly=True, samesite="lax", secure=services.secure_cookies, path="/"
    )


def drop_cookie(services: DeskServices, response: Response) -> None:
    response.delete_cookie(cookie_name(services), path="/", secure=services.secure_cookies, httponly=True)


def find_person(services: DeskServices, request: Request) -> SignedIn | None:
    """By bearer token, else by cookie; None when neither is good."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        fits = services.api_token and hmac.compare_digest(token.strip().encode(), services.api_token.encode())
        return SignedIn(API_STAFF) if scheme.lower() == "bearer" and fits else None
    cookie = request.cookies.get(cookie_name(services))
    return find_session(services.engine, cookie, services.clock) if cookie else None


def api_door(services: DeskServices) -> Door:
    """For JSON: 401 without a person; a cookie's post needs the CSRF token in its header."""

    def enter(request: Request) -> SignedIn:
        person = find_person(services, request)
        if person is None:
            raise Problem(
                401,
                "Sign in at /desk/login, or send the staff token.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if request.method not in _SAFE and person.csrf is not None:
            refuse_foreign(request)
            check_csrf(person, request.headers.get(CSRF_HEADER, ""))
        return person

    return enter


def refuse_foreign(request: Request) -> None:
    """A browser names the page that a post comes from; another site's is refused."""
    origin = request.headers.get("origin") or request.headers.get("referer")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Problem(403, "This request came from another site.", "foreign_origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "This request came from another site.", "foreign_origin")


def check_csrf(person: SignedIn, given: str) -> None:
    if person.csrf is None or not hmac.compare_digest(person.csrf.encode(), given.encode()):
        raise Problem(403, "This page is out of date. Reload it and try again.", "csrf")


def require_role(person: SignedIn, *roles: str) -> None:
    if not person.has(*roles):
        raise Problem(403, f"Only {' or '.join(roles)} may do this.")
