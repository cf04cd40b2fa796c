"""The tools themselves: a checker that sees nothing and a proxy that lets everything pass would prove nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from faults.checker import check
from faults.house import House
from faults.oracle import append
from faults.proxy import KINDS, Proxy, Toxic
from faults.wishes import approved, asked
from sqlalchemy import text

from xiaoer.storage.engine import transaction

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("faults")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(tmp_path_factory.mktemp("house") / "home") as opened:
        yield opened


async def _refunded(house: House) -> str:
    house.anew()
    action_id = await approved(house)
    await house.settle()
    assert house.status(action_id) == "succeeded"
    return action_id


def _desk(house: House, statement: str) -> None:
    with transaction(house.desk_engine) as session:
        session.execute(text(statement))


def _effect(house: House, action_id: str, table: str = "shop_effects") -> None:
    entry = {"table": table, "store": "demo-us", "action_id": action_id, "order_key": "1004"}
    append(
        house.shop_oracle.path, {**entry, "tool": "issue_refund", "amount_minor": 4400, "destination": "x"}
    )


def _reply(house: House, words: str) -> None:
    _desk(house, f"UPDATE message SET text = '{words}' WHERE author = 'assistant'")


LIES: dict[str, tuple[str, Callable[[House, str], object]]] = {
    "a second effect of one action": ("I1", lambda h, a: _effect(h, a)),
    "a second payment of one action": ("I1", lambda h, a: _effect(h, a, "shop_refunds")),
    "an effect that nobody asked for": ("I2", lambda h, a: _effect(h, "A-NOBODY")),
    "a success without an effect": ("I1", lambda h, a: h.shop_oracle.path.write_text("")),
    "an approval by nobody": ("I2", lambda h, a: _desk(h, "UPDATE action SET decided_role = NULL")),
    "terms that were changed afterwards": ("I2", lambda h, a: _desk(h, "UPDATE action SET amount_minor = 1")),
    "a grant that was never spent": ("I2", lambda h, a: _shop(h, "DELETE FROM srv_spent_grant")),
    "a message that was lost": ("I3", lambda h, a: _lose(h)),
    "a turn that is gone": ("I3", lambda h, a: _desk(h, "DELETE FROM turn")),
    "a customer who was told nothing": ("I4", lambda h, a: _desk(h, "UPDATE action SET told = ''")),
    "another customer's address in a reply": ("I5", lambda h, a: _reply(h, "write to jane@example.com")),
    "another customer's street in a log": ("I5", lambda h, a: h.logs.append({"x": "12 Sample Street"})),
    "a status without its history": ("I6", lambda h, a: _desk(h, "UPDATE action SET status = 'failed'")),
    "a history without its guard": ("I6", lambda h, a: _desk(h, "DROP TRIGGER action_event_no_update")),
    "an execution that never ends": ("I7", lambda h, a: _desk(h, "UPDATE action SET status = 'executing'")),
    "a fork": ("I8", lambda h, a: _desk(h, "UPDATE conversation SET fence = 0")),
}


def _shop(house: House, statement: str) -> None:
    with transaction(house.shop_engine) as session:
        session.execute(text(statement))


def _lose(house: House) -> None:
    _desk(house, "UPDATE message SET event_id = 'other' WHERE author = 'customer'")


@pytest.mark.parametrize("lie", LIES)
async def test_the_checker_sees_it(house: House, lie: str) -> None:
    action_id = await _refunded(house)
    assert not any(check(house).values())
    invariant, tell = LIES[lie]
    tell(house, action_id)
    assert check(house)[invariant], lie


async def test_the_oracle_hears_of_what_was_committed_and_of_nothing_else(house: House) -> None:
    await _refunded(house)
    heard = house.shop_oracle.entries()
    assert {entry["table"] for entry in heard} == {"shop_refunds", "shop_effects"}
    with pytest.raises(ZeroDivisionError), transaction(house.shop_engine) as session:
        from xiaoer.mcp_servers.platforms.local import tables

        row = {"store": "demo-us", "action_id": "A-ROLLED-BACK", "tool": "issue_refund", "order_key": "1004"}
        session.execute(tables.effects.insert().values(**row, receipt={}, at=house.clock()))
        raise ZeroDivisionError
    assert house.shop_oracle.entries() == heard


async def test_a_house_that_begins_anew_knows_nothing_of_the_last_story(house: House) -> None:
    await _refunded(house)
    house.anew()
    assert (house.actions(), house.texts(), house.shop_oracle.entries(), house.channel.sent()) == (
        [],
        [],
        [],
        [],
    )
    await asked(house)


# ── the proxy ────────────────────────────────────────────────────────────────────────────────────

BODY = b"x" * 1_000


@asynccontextmanager
async def _through(*toxics: Toxic) -> AsyncIterator[Callable[[], Awaitable[tuple[bytes, float]]]]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n")
        writer.write(BODY)
        await writer.drain()
        writer.close()

    upstream = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = upstream.sockets[0].getsockname()[1]
    async with upstream, Proxy("127.0.0.1", port) as proxy:
        for toxic in toxics:
            proxy.add(toxic)

        async def ask() -> tuple[bytes, float]:
            begun = time.monotonic()
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.own_port)
            writer.write(b"hello\n")
            async with asyncio.timeout(3):
                try:
                    said = await reader.read(-1)
                except ConnectionResetError:
                    said = b"RESET"
            writer.close()
            return said, time.monotonic() - begun

        yield ask


async def test_without_a_toxic_everything_passes() -> None:
    async with _through() as ask:
        assert (await ask())[0] == BODY


@pytest.mark.parametrize(
    ("toxic", "passes", "least", "most"),
    [
        (Toxic("latency", seconds=0.2), BODY, 0.2, 2),
        (Toxic("jitter", seconds=0.1, jitter=0.05), BODY, 0.05, 2),
        (Toxic("slicer", bytes=100, seconds=0.01), BODY, 0.09, 2),
        (Toxic("bandwidth", rate=5_000), BODY, 0.2, 2),
        (Toxic("limit_data", bytes=100), BODY[:100], 0, 2),
        (Toxic("timeout", seconds=0.1), b"", 0.1, 2),
        (Toxic("reset_peer"), b"RESET", 0, 2),
        (Toxic("down"), b"RESET", 0, 2),
        (Toxic("slow_close", seconds=0.2), BODY, 0.2, 2),
        (Toxic("reset_peer", toxicity=0.0), BODY, 0, 2),
        (Toxic("timeout", seconds=0.1, direction="up"), b"", 0.1, 2),
    ],
    ids=lambda value: value.kind if isinstance(value, Toxic) else "",
)
async def test_a_toxic_does_what_its_name_says(
    toxic: Toxic, passes: bytes, least: float, most: float
) -> None:
    async with _through(toxic) as ask:
        said, took = await ask()
    assert said == passes
    assert least <= took < most
    assert toxic.kind in KINDS
