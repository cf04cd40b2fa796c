"""The HTTP side of the house: the rooms' routers, health, metrics; opened and closed with the server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import text

from xiaoer.approvals.case_files import ShopDesk
from xiaoer.channels.apidocs import add_docs
from xiaoer.channels.errors import install_error_handlers
from xiaoer.channels.labels import build_label_router
from xiaoer.channels.services import WebServices
from xiaoer.channels.web.router import build_web_router
from xiaoer.desk.api import build_api_router
from xiaoer.desk.pages import build_desk_router
from xiaoer.desk.services import DeskServices
from xiaoer.desk.staff import ensure_admin
from xiaoer.domain.stores import Store
from xiaoer.house import House, open_house, web_secret
from xiaoer.mcp_servers.platforms.local import LocalShop
from xiaoer.mcp_servers.platforms.local.labels import find_label
from xiaoer.mcp_servers.state import answer_inquiry, list_inquiries
from xiaoer.settings import Role, Settings
from xiaoer.storage.engine import reading

Check = Callable[[House], Awaitable[str]]


def create_app(settings: Settings, role: Role = Role.ALL) -> FastAPI:
    """The application of this role; every role answers /healthz, /readyz and /metrics."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_house(settings, role) as house:
            app.state.house = house
            if role in (Role.ALL, Role.API):
                app.state.first_password = await asyncio.to_thread(_first_admin, house, settings)
                _add_rooms(app, house, settings)
            yield

    app = FastAPI(
        title="Xiaoer",
        description="An AI service desk for clusters of online shops.",
        version="0.2.0",
        lifespan=lifespan,
        # A page of our own: see channels/apidocs.py.
        docs_url=None,
        redoc_url=None,
    )
    install_error_handlers(app)
    add_docs(app)
    _add_health(app)
    return app


def _add_rooms(app: FastAPI, house: House, settings: Settings) -> None:
    base = house.foundation
    secret = web_secret(settings)
    app.include_router(
        build_web_router(
            WebServices(
                engine=base.desk_engine,
                stores=base.stores,
                intake=house.intake,
                live=house.live,
                actions_of=house.approvals.actions_of,
                secret_key=secret,
                widget_secret=partial(_widget_secret, settings),
            )
        )
    )
    token = settings.secrets.api_token
    shop = LocalShop(base.shop_engine, base.clock)
    services = DeskServices(
        engine=base.desk_engine,
        stores=base.stores,
        approvals=house.approvals,
        console=house.console,
        pauses=house.pauses,
        live=house.live,
        follow_ups=house.follow_ups,
        list_inquiries=partial(list_inquiries, base.shop_engine),
        answer_inquiry=lambda inquiry, words, who: answer_inquiry(
            base.shop_engine, inquiry, words, who, base.clock()
        ),
        api_token=token.get_secret_value() if token else None,
        secure_cookies=settings.service.secure_cookies,
        shop_desk=ShopDesk(shop.receive_return, shop.answer_interception),
        clock=base.clock,
    )
    app.include_router(build_api_router(services))
    app.include_router(build_desk_router(services))

    app.include_router(build_label_router(base.stores, partial(find_label, base.shop_engine)))

    @app.get("/", include_in_schema=False)
    async def home() -> Response:
        return RedirectResponse(f"/chat/{next(iter(base.stores))}")


def _add_health(app: FastAPI) -> None:
    @app.get("/healthz", tags=["health"])
    async def healthz() -> dict[str, str]:
        """Alive."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["health"])
    async def readyz(request: Request) -> Response:
        """The parts and their state; 503 when no message could be taken."""
        house = request.app.state.house
        parts = {name: await _state_of(_CHECKS[name], house) for name in _parts_of(house)}
        ready = all(parts[name] == "ok" for name in _NEEDED)
        return JSONResponse({"ready": ready, "parts": parts}, 200 if ready else 503)

    @app.get("/metrics", tags=["health"], include_in_schema=False)
    async def metrics() -> Response:
        """Prometheus' text format."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _desk_database(house: House) -> str:
    return await asyncio.to_thread(_ping, house.foundation.desk_engine)


async def _shop_database(house: House) -> str:
    return await asyncio.to_thread(_ping, house.foundation.shop_engine)


async def _queue(house: House) -> str:
    await house.queue.counts()
    return "ok"


async def _tools(house: House) -> str:
    away = house.toolbox.quarantined if house.toolbox else ()
    return f"quarantined: {len(away)}" if away else "ok"


async def _brain(house: House) -> str:
    return house.brain.name if house.brain else ""


_CHECKS: dict[str, Check] = {
    "desk_database": _desk_database,
    "shop_database": _shop_database,
    "queue": _queue,
    "tools": _tools,
    "brain": _brain,
}
_NEEDED = ("desk_database", "queue")  # what accepting a message takes
_PATIENCE = 2.0


def _parts_of(house: House) -> list[str]:
    """What this role has; the rest is other processes' business."""
    there = {"shop_database": "shop" in house.foundation.opened, "tools": house.toolbox, "brain": house.brain}
    return [name for name in _CHECKS if there.get(name, True)]


async def _state_of(check: Check, house: House) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await check(house)
    except Exception as error:  # noqa: BLE001 - whatever a part raises is its state
        return f"down: {type(error).__name__}"


def _ping(engine: Any) -> str:
    with reading(engine) as session:
        session.connection().execute(text("SELECT 1"))
    return "ok"


def _first_admin(house: House, settings: Settings) -> str | None:
    """Make the first admin; the password that was made up, to be shown once, or None."""
    given = settings.secrets.admin_password
    password = given.get_secret_value() if given else secrets.token_urlsafe(12)
    made = ensure_admin(house.foundation.desk_engine, password)
    return password if made and given is None else None


def _widget_secret(settings: Settings, store: Store) -> str | None:
    return settings.named_secret(store.web.widget_secret_env) if store.web.widget_secret_env else None
