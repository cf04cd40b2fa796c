"""A TCP proxy that misbehaves on purpose, with the words of toxiproxy for it.

    async with Proxy("127.0.0.1", 8001) as proxy:
        proxy.add(Toxic("latency", seconds=2, jitter=0.5))
        ...  # connect to proxy.url("/mcp")

Toxics apply to what flows in their direction: `down` (to the client, the default) or `up`.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

_CHUNK = 65_536


@dataclass
class Toxic:
    """One way to be ill. `toxicity`: the share of connections that it befalls."""

    kind: str  # latency | jitter | reset_peer | slicer | timeout | limit_data | bandwidth | slow_close | down
    seconds: float = 0.0  # latency, timeout (0: for ever), reset_peer, slow_close: how long
    jitter: float = 0.0  # latency: so much more or less
    bytes: int = 0  # limit_data: then cut; slicer: a slice
    rate: int = 0  # bandwidth: bytes a second
    direction: str = "down"
    toxicity: float = 1.0


class Cut(Exception):
    """The connection ends here; `hard` by a reset instead of an end."""

    def __init__(self, hard: bool = False) -> None:
        super().__init__("cut")
        self.hard = hard


@dataclass
class Proxy:
    """In front of one upstream address; `connections` counts what came."""

    host: str
    port: int
    seed: int = 7
    toxics: list[Toxic] = field(default_factory=list)
    connections: int = 0

    async def __aenter__(self) -> Proxy:
        self._random = random.Random(self.seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.own_port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self, path: str = "/mcp") -> str:
        return f"http://127.0.0.1:{self.own_port}{path}"

    def add(self, toxic: Toxic) -> None:
        self.toxics.append(toxic)

    def heal(self) -> None:
        self.toxics.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            _reset(writer)
        finally:
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if any(toxic.kind == "down" for toxic in self.toxics):
            _reset(writer)
            return
        up_reader, up_writer = await asyncio.open_connection(self.host, self.port)
        ways = [self._flow(reader, up_writer, "up"), self._flow(up_reader, writer, "down")]
        pumps = [asyncio.ensure_future(way) for way in ways]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            failure = next((one.exception() for one in done), None)
            hard = isinstance(failure, Cut) and failure.hard
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        up_writer.close()
        _reset(writer) if hard else writer.close()

    async def _flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str) -> None:
        passed = 0
        while data := await reader.read(_CHUNK):
            # Looked up for every piece: a toxic added now befalls connections that stand already.
            for toxic in [one for one in self.toxics if one.direction == direction]:
                if self._random.random() < toxic.toxicity:
                    data = await _APPLY.get(toxic.kind, _nothing)(self, toxic, data, passed, writer)
            writer.write(data)
            await writer.drain()
            passed += len(data)
        await self._slow_close(direction)

    async def _slow_close(self, direction: str) -> None:
        for toxic in self.toxics:
            if toxic.kind == "slow_close" and toxic.direction == direction:
                await asyncio.sleep(toxic.seconds)

    def more_or_less(self, toxic: Toxic) -> float:
        return max(0.0, toxic.seconds + self._random.uniform(-toxic.jitter, toxic.jitter))


Apply = Callable[[Proxy, Toxic, bytes, int, asyncio.StreamWriter], Awaitable[bytes]]


async def _nothing(_proxy: Proxy, _toxic: Toxic, data: bytes, _passed: int, _writer: Any) -> bytes:
    return data


async def _latency(proxy: Proxy, toxic: Toxic, data: bytes, _passed: int, _writer: Any) -> bytes:
    await asyncio.sleep(proxy.more_or_less(toxic))
    return data


async def _timeout(_proxy: Proxy, toxic: Toxic, _data: bytes, _passed: int, _writer: Any) -> bytes:
    """Nothing passes any more; after its time the connection is closed."""
    await asyncio.sleep(toxic.seconds or 3600.0)
    raise Cut


async def _reset_peer(_proxy: Proxy, toxic: Toxic, _data: bytes, _passed: int, _writer: Any) -> bytes:
    await asyncio.sleep(toxic.seconds)
    raise Cut(hard=True)


async def _limit_data(_proxy: Proxy, toxic: Toxic, data: bytes, passed: int, writer: Any) -> bytes:
    left = toxic.bytes - passed
    if len(data) <= left:
        return data
    writer.write(data[: max(0, left)])
    await writer.drain()
    raise Cut


async def _slicer(_proxy: Proxy, toxic: Toxic, data: bytes, _passed: int, writer: Any) -> bytes:
    size = max(1, toxic.bytes)
    slices = [data[at : at + size] for at in range(0, len(data), size)]
    for piece in slices[:-1]:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(toxic.seconds)
    return slices[-1]


async def _bandwidth(_proxy: Proxy, toxic: Toxic, data: bytes, _passed: int, _writer: Any) -> bytes:
    await asyncio.sleep(len(data) / max(1, toxic.rate))
    return data


async def _down(_proxy: Proxy, _toxic: Toxic, _data: bytes, _passed: int, _writer: Any) -> bytes:
    """Nobody listens: connections that stand already are dead as well."""
    raise Cut(hard=True)


_APPLY: dict[str, Apply] = {
    "down": _down,
    "latency": _latency,
    "jitter": _latency,
    "timeout": _timeout,
    "reset_peer": _reset_peer,
    "limit_data": _limit_data,
    "slicer": _slicer,
    "bandwidth": _bandwidth,
}
KINDS = (*_APPLY, "slow_close")


def _reset(writer: asyncio.StreamWriter) -> None:
    """End with RST instead of FIN, as a machine does that has lost its memory of the connection."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
