"""The desk's pages."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from xiaoer.desk.acts import Acts
from xiaoer.desk.pages.account import add_account
from xiaoer.desk.pages.approvals import add_approvals
from xiaoer.desk.pages.audit import add_audit
from xiaoer.desk.pages.cases import add_cases
from xiaoer.desk.pages.conversations import add_conversations
from xiaoer.desk.pages.door import page_door
from xiaoer.desk.pages.live import add_live
from xiaoer.desk.pages.login import add_login
from xiaoer.desk.pages.others import add_history, add_suppliers, add_switches
from xiaoer.desk.pages.people import add_people
from xiaoer.desk.pages.promises import add_promises
from xiaoer.desk.pages.render import ASSETS
from xiaoer.desk.pages.welcome import add_welcome
from xiaoer.desk.route import DeskRoute
from xiaoer.desk.services import DeskServices


def build_desk_router(services: DeskServices) -> APIRouter:
    """`/desk…` and its assets."""
    router = APIRouter(route_class=DeskRoute, include_in_schema=False)
    door, acts = page_door(services), Acts(services)
    add_login(router, services)
    add_welcome(router, services)
    add_approvals(router, services, acts, door)
    add_conversations(router, services, acts, door)
    add_cases(router, services, acts, door)
    add_suppliers(router, services, acts, door)
    add_promises(router, services, acts, door)
    add_history(router, services, door)
    add_switches(router, services, acts, door)
    add_live(router, services, door)
    add_account(router, services, door)
    add_people(router, services, door)
    add_audit(router, services, door)

    @router.get("/desk")
    def home() -> Response:
        return RedirectResponse("/desk/approvals", 303)

    # Not of the desk's own kind of routes: files may be kept by caches.
    assets = APIRouter(include_in_schema=False)
    assets.add_api_route("/assets/desk/{version}/{name:path}", ASSETS.serve, methods=["GET"])
    router.include_router(assets)
    return router
