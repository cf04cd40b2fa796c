"""News inside one process: who listens to a topic is told that something has moved, and reads again."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xiaoer.inbox.views import MessageItem

Event = dict[str, Any]

DESK = "desk"
# A listener that falls behind loses the oldest news and is told to read everything again.
RESYNC: Event = {"kind": "resync"}
_MOST = 100


@dataclass(frozen=True, slots=True)
class Settled:
    """A turn as it was committed: whoever waits for it in this process need not read it again."""

    handled: frozenset[str]  # ids of the customer's messages
    replies: tuple[MessageItem, ...]
    handed_off: bool
    actions: tuple[dict[str, str], ...]  # {"id", "tool", "status"}


class Subscription:
    """One listener's news, in order; belongs to the loop on which it was made."""

    def __init__(self, topic: str, loop: asyncio.AbstractEventLoop) -> None:
        self.topic = topic
        self._loop = loop
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()

    async def next(self, timeout: float | None = None) -> Event | None:
        """The oldest news not yet taken; None when the time was over first."""
        if not self._events:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), timeout)
        if not self._events:
            return None
        event = self._events.popleft()
        if not self._events:
            self._arrived.clear()
        return event

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        event = await self.next()
        assert event is not None
        return event

    def post(self, event: Event) -> None:
        """From any thread; never blocks."""
        with contextlib.suppress(RuntimeError):  # the listener's loop has closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._put, event)

    def _put(self, event: Event) -> None:
        if len(self._events) >= _MOST:
            self._events.popleft()
            self._events[0] = RESYNC
        self._events.append(event)
        self._arrived.set()


class Live:
    """Topics are conversation ids and `desk`; events are small dicts of ids, but for a settled turn.

    `{"kind": "message"|"typing"|"status"|"action"|"resync", "conversation_id"?, "message_id"?, …}`; the
    status that ends a turn has `settled` for the conversation's own listeners.
    Other processes are not reached: a page also reads again from time to time.
    """

    def __init__(self) -> None:
        # How often who waits looks by himself: turns of other processes make no news here. The worker of
        # this process raises it.
        self.poll_seconds = 0.25
        self._lock = threading.Lock()
        self._subscriptions: dict[str, set[Subscription]] = {}

    def publish(self, topic: str, event: Event) -> None:
        """From any thread, after the commit that the news is about."""
        with self._lock:
            listeners = list(self._subscriptions.get(topic, ()))
        for listener in listeners:
            listener.post(event)

    def publish_conversation(self, conversation_id: str, kind: str, **ids: Any) -> None:
        """To the conversation's own listeners and to the desk."""
        event = {"kind": kind, "conversation_id": conversation_id, **ids}
        self.publish(conversation_id, event)
        self.publish(DESK, event)

    def publish_settled(self, conversation_id: str, settled: Settled) -> None:
        """The end of a turn; the desk learns only that something has moved."""
        event = {"kind": "status", "conversation_id": conversation_id, "handed_off": settled.handed_off}
        self.publish(conversation_id, {**event, "settled": settled})
        self.publish(DESK, event)

    @contextlib.contextmanager
    def subscribe(self, topic: str) -> Iterator[Subscription]:
        """Listen from now on, on the running loop; subscribe first, then read the database."""
        subscription = Subscription(topic, asyncio.get_running_loop())
        with self._lock:
            self._subscriptions.setdefault(topic, set()).add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions[topic].discard(subscription)
                if not self._subscriptions[topic]:
                    del self._subscriptions[topic]

    async def wait(self, topic: str, timeout: float) -> bool:
        """Wait for any news of a topic (a conversation's id or `desk`); False when the time was over."""
        with self.subscribe(topic) as subscription:
            return await subscription.next(timeout) is not None
