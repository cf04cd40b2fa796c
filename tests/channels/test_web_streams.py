"""A customer's chat may be open in some windows, not in any number of them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
from support.inbox import Inbox
from support.web import Customer, Web, serving

from xiaoer.channels.streams import Streams


async def test_the_streams_of_one_conversation_are_capped_and_others_are_not_shut_out(tmp_path: Path) -> None:
    inbox = Inbox(f"sqlite:///{tmp_path / 'desk.db'}")
    await inbox.queue.open()
    web = Web(inbox)
    object.__setattr__(web.services, "streams", Streams(each=2, most=10))
    flooding, quiet = await web.open(), await web.open()
    async with serving(web.app) as base, AsyncExitStack() as stack, asyncio.timeout(20):
        for number in range(2):
            assert (await listen(stack, base, flooding)).status_code == 200
            while web.services.streams.open <= number:
                await asyncio.sleep(0.01)
        refused = await listen(stack, base, flooding)
        assert refused.status_code == 429 and refused.headers["retry-after"] == "30"
        assert (await listen(stack, base, quiet)).status_code == 200
        # The list is no stream: it takes no place.
        assert await flooding.events() is not None
    await inbox.queue.close()
    await inbox.stop()


async def listen(stack: AsyncExitStack, base: str, customer: Customer) -> Any:
    http = await stack.enter_async_context(httpx2.AsyncClient())
    url = f"{base}/channels/web/{customer.store}/events"
    return await stack.enter_async_context(http.stream("GET", url, headers=customer.headers))
