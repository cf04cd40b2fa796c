"""News inside one process."""

from __future__ import annotations

import asyncio
import threading

from xiaoer.inbox.live import DESK, RESYNC, Live


async def test_who_listens_to_a_conversation_and_the_desk_hear_of_it() -> None:
    live = Live()
    with live.subscribe("C-1") as one, live.subscribe("C-2") as other, live.subscribe(DESK) as desk:
        live.publish_conversation("C-1", "message", message_id="M-1")
        event = {"kind": "message", "conversation_id": "C-1", "message_id": "M-1"}
        assert await one.next(1) == event
        assert await desk.next(1) == event
        assert await other.next(0.01) is None


async def test_news_from_other_threads_arrive_in_order() -> None:
    live = Live()
    with live.subscribe("C-1") as news:
        thread = threading.Thread(target=lambda: [live.publish("C-1", {"n": n}) for n in range(50)])
        thread.start()
        got = [await news.next(1) for _ in range(50)]
        thread.join()
    assert got == [{"n": n} for n in range(50)]


async def test_who_falls_behind_loses_the_oldest_and_is_told_to_read_again() -> None:
    live = Live()
    with live.subscribe("C-1") as news:
        for number in range(250):
            live.publish("C-1", {"n": number})
        await asyncio.sleep(0)
        got = []
        while (event := await news.next(0.05)) is not None:
            got.append(event)
    assert len(got) == 100
    assert got[0] == RESYNC
    assert got[-1] == {"n": 249}


async def test_waiting_ends_with_the_first_news_or_with_the_time() -> None:
    live = Live()
    waiting = asyncio.create_task(live.wait("C-1", 5))
    await asyncio.sleep(0)
    live.publish("C-1", {"kind": "message"})
    assert await waiting is True
    assert await live.wait("C-1", 0.01) is False


async def test_nobody_is_kept_who_has_stopped_listening() -> None:
    live = Live()
    with live.subscribe("C-1"):
        assert live._subscriptions
    assert live._subscriptions == {}
    live.publish("C-1", {"kind": "message"})


def test_a_listener_whose_loop_is_gone_harms_nobody() -> None:
    live = Live()

    async def listen() -> object:
        return live.subscribe("C-1").__enter__()

    kept = asyncio.run(listen())
    live.publish("C-1", {"kind": "message"})
    assert kept is not None
