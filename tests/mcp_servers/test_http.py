"""What a server refuses before any tool is reached: other hosts, browsers, great bodies."""

from __future__ import annotations

import httpx2
import pytest
from support.servers import World, served

BODY = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:8000"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"content-type": "text/plain"}, 400),
    ],
)
async def test_a_browser_and_a_rebound_name_reach_nothing(
    world: World, headers: dict[str, str], status: int
) -> None:
    async with served(world.servers["orders"]) as url, httpx2.AsyncClient() as http:
        response = await http.post(url, json=BODY, headers={**HEADERS, **headers})
        assert response.status_code == status
        modern = {**HEADERS, **headers, "mcp-protocol-version": "2026-07-28"}
        assert (await http.post(url, json=BODY, headers=modern)).status_code == status


async def test_a_body_beyond_all_measure_is_not_read(world: World) -> None:
    async with served(world.servers["orders"]) as url, httpx2.AsyncClient() as http:
        response = await http.post(url, content=b"[" * 200_000, headers=HEADERS)
        assert response.status_code == 413
