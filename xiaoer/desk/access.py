"""The desk's door: cookie or token in, a person out; forged posts and missing rights are refused."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import Request, Response

from xiaoer.channels.errors import Problem
from xiaoer.desk.roles import ROUTES, Right, who_may
from xiaoer.desk.services import DeskServices
from xiaoer.desk.sessions import SignedIn, find_session
from xiaoer.desk.staff import API_STAFF

CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"
# What a page asks for by itself says so: it shows that a page is open, not that somebody is there.
BACKGROUND_HEADER = "x-background"
EVENTS = "/desk/events"
_SAFE = ("GET", "HEAD", "OPTIONS")
_DEVICE_DAYS = 180

Door = Callable[[Request], SignedIn]


def cookie_name(services: DeskServices, what: str = "desk") -> str:
    """`__Host-`: no other host or subdomain can set it, and it travels over https only."""
    return f"__Host-xiaoer_{what}" if services.secure_cookies else f"xiaoer_{what}"


def set_cookie(services: DeskServices, response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(services), token, httponly=True, samesite="lax", secure=services.secure_cookies, path="/"
    )


def set_device_cookie(services: DeskServices, response: Response, token: str) -> None:
    """Opens nothing; only says that somebody has signed in from this browser before."""
    response.set_cookie(
        cookie_name(services, "device"),
        token,
        max_age=_DEVICE_DAYS * 86_400,
        httponly=True,
        samesite="strict",
        secure=services.secure_cookies,
        path="/",
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
    if not cookie:
        return None
    return find_session(services.engine, cookie, services.clock, touch=not is_background(request))


def is_background(request: Request) -> bool:
    return request.url.path == EVENTS or BACKGROUND_HEADER in request.headers


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
        require_route(person, request)
        if request.method not in _SAFE and person.csrf is not None:
            refuse_foreign(request)
            check_csrf(person, request.headers.get(CSRF_HEADER, ""))
        return person

    return enter


def require_route(person: SignedIn, request: Request) -> None:
    """The right that the table of roles asks for at this address; what is missing there is for nobody."""
    route = f"{request.method} {request.scope['route'].path}"
    right = ROUTES.get(route)
    if right is None:
        raise Problem(403, f"{route} stands in no table of rights.")
    require_right(person, right)


def require_right(person: SignedIn, right: Right) -> None:
    if not person.may(right):
        raise Problem(403, f"Only {who_may(right)} may do this.")


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
