"""verify_customer: yes or no, five tries, and no way to learn anything else from it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlmodel import Session, select
from support.servers import CN, NOW, US, Answer, World, ask, world_on

from xiaoer.mcp_servers.platforms.local.seed import seed_demo
from xiaoer.mcp_servers.state import ProofAttempt
from xiaoer.storage.engine import make_engine
from xiaoer.storage.metadata import shop_metadata

JANE = {"order_no": "#1032", "email": "jane@example.com"}
WRONG = {"order_no": "#1032", "phone_tail": "0000"}


async def _verify(world: World, args: dict[str, Any], conversation: str = "c-1", store: str = US) -> Answer:
    meta = world.context(world.visitor(store, conversation))
    return await ask(world.servers["orders"], "verify_customer", args, meta)


@pytest.mark.parametrize(
    "proof",
    [
        {"email": "jane@example.com"},
        {"email": " JANE@Example.com "},
        {"phone_tail": "0142"},
        {"phone_tail": "尾号0142"},
        {"phone_tail": "+1 415 555 0142"},
        {"name": "Jane Demo", "postcode": "94110"},
        {"name": "demo, jane", "postcode": "94110"},
    ],
)
async def test_one_fitting_thing_beside_the_order_number_is_a_yes(
    world: World, proof: dict[str, str]
) -> None:
    for number in ("#1032", "1032", " # 1032"):
        answer = await _verify(world, {"order_no": number, **proof})
        assert answer.data["verified"] is True, (number, answer)
        assert answer.data["customer_ref"] == world.customer_of("#1032")


async def test_a_chinese_customer_proves_himself_with_a_phone_tail(world: World) -> None:
    answer = await _verify(world, {"order_no": "20261101001001", "phone_tail": "7752"}, store=CN)
    assert answer.data["verified"] is True


@pytest.mark.parametrize(
    ("args", "missing"),
    [
        ({}, "order number"),
        ({"email": "jane@example.com"}, "order number"),
        ({"order_no": "#1032"}, "One more thing"),
        ({"order_no": "#1032", "name": "Jane Demo"}, "postcode"),
        ({"order_no": "#1032", "postcode": "94110"}, "name"),
        ({"name": "Jane Demo", "postcode": "94110"}, "order number"),
        ({"order_no": "#1032", "phone_tail": "tail 42"}, "all four"),
    ],
)
async def test_too_little_is_no_try_and_says_what_is_missing(
    world: World, args: dict[str, str], missing: str
) -> None:
    for _ in range(6):
        answer = await _verify(world, args)
        assert (answer.code, missing in answer.message) == ("invalid", True)
    assert (await _verify(world, JANE)).data["verified"] is True


async def test_a_wrong_proof_a_foreign_order_and_a_missing_one_sound_alike(world: World) -> None:
    answers = [
        await _verify(world, {"order_no": number, "email": "jane@example.com"}, f"c-{number}")
        for number in ("#1004", "#9999", "W-1", "#1003")
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].data == {
        "verified": False,
        "order_no": None,
        "locked": False,
        "tries_left": 4,
        "customer_ref": None,
    }


async def test_five_wrong_tries_lock_the_conversation_for_an_hour(world: World) -> None:
    left = [(await _verify(world, {**WRONG, "order_no": f"#{n}"})).data for n in range(1001, 1006)]
    assert [said["tries_left"] for said in left] == [4, 3, 2, 1, 0]
    assert [said["locked"] for said in left] == [False] * 4 + [True]
    locked = await _verify(world, JANE)
    assert (locked.data["verified"], locked.data["locked"]) == (False, True)
    world.clock.forward(minutes=59)
    assert (await _verify(world, JANE)).data["locked"] is True
    world.clock.forward(minutes=1)
    assert (await _verify(world, JANE)).data["verified"] is True


async def test_five_wrong_tries_lock_the_order_in_every_unproven_conversation(world: World) -> None:
    for n in range(5):
        await _verify(world, {**WRONG, "order_no": "1032" if n % 2 else "#1032"}, f"stranger-{n}")
    assert (await _verify(world, JANE, "fresh")).data["locked"] is True
    other = await _verify(world, {"order_no": "#1001", "email": "jane@example.com"}, "fresh")
    assert other.data["verified"] is True


async def test_a_missing_order_locks_like_a_real_one(world: World) -> None:
    async def five(order_no: str) -> list[dict[str, Any]]:
        args = {"order_no": order_no, "email": "x@example.com"}
        return [(await _verify(world, args, f"{order_no}-{n}")).data for n in range(6)]

    assert await five("#1032") == await five("#9999")


async def test_strangers_cannot_lock_a_proven_customer_out(world: World) -> None:
    for n in range(5):
        await _verify(world, WRONG, f"stranger-{n}")
    meta = world.context(world.customer("#1032", conversation="jane"))
    assert (await ask(world.servers["orders"], "get_order", {"order_no": "#1032"}, meta)).ok
    again = await ask(world.servers["orders"], "verify_customer", JANE, meta)
    assert again.data["verified"] is True


async def test_a_proof_in_one_store_counts_nothing_in_another(world: World) -> None:
    for n in range(5):
        await _verify(world, {**WRONG, "order_no": f"#{n}"}, "c-1", US)
    answer = await _verify(world, {"order_no": "20261101001001", "phone_tail": "7752"}, "c-1", CN)
    assert answer.data["verified"] is True


async def test_right_answers_use_up_no_tries(world: World) -> None:
    for _ in range(8):
        assert (await _verify(world, JANE)).data["verified"] is True
    with Session(world.engine) as session:
        assert session.exec(select(ProofAttempt)).all() == []


async def test_thirty_guesses_at_once_are_five_guesses(world: World) -> None:
    guesses = ({**WRONG, "phone_tail": f"{n:04}"} for n in range(120, 150))
    answers = await asyncio.gather(*(_verify(world, guess) for guess in guesses))
    # 0142 is among them: it may be guessed in the first five, never later.
    with Session(world.engine) as session:
        counted = len(session.exec(select(ProofAttempt)).all())
    assert counted <= 5
    assert sum(not answer.data["locked"] for answer in answers) <= 5 + 1


@pytest.mark.postgres
async def test_thirty_guesses_at_once_are_five_guesses_on_postgresql(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    shop_metadata.create_all(engine)
    seed_demo(engine, US, NOW)
    world = world_on(engine)
    guesses = ({**WRONG, "phone_tail": f"{n:04}"} for n in range(30))
    answers = await asyncio.gather(*(_verify(world, guess) for guess in guesses))
    with Session(engine) as session:
        counted = len(session.exec(select(ProofAttempt)).all())
    engine.dispose()
    assert counted == 5
    assert sum(answer.data["tries_left"] > 0 for answer in answers) == 4


async def test_a_wave_of_wrong_proofs_over_a_store_makes_four_digits_too_little(world: World) -> None:
    with Session(world.engine) as session:
        for number in range(100):
            session.add(ProofAttempt(store=US, conversation_id=f"x-{number}", order_no=f"{number}", at=NOW))
        session.commit()
    tail = await _verify(world, {"order_no": "#1032", "phone_tail": "0142"})
    assert (tail.code, "not enough" in tail.message) == ("invalid", True)
    assert (await _verify(world, JANE)).data["verified"] is True
    other_shop = await _verify(world, {"order_no": "20261101001001", "phone_tail": "7752"}, store=CN)
    assert other_shop.data["verified"] is True
    world.clock.forward(hours=1, seconds=1)
    assert (await _verify(world, {"order_no": "#1032", "phone_tail": "0142"})).data["verified"] is True
