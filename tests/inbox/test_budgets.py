"""A day's limits over real databases: counted once a turn, told to the graph, ended in a person where nothing helps."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from support.inbox import Echo, Inbox, message, outcome_of, until

from xiaoer.agent.turn import TurnInput, TurnOutcome
from xiaoer.domain.budgets import Budgets, Price
from xiaoer.inbox.budgets import BUDGET
from xiaoer.inbox.tables import CONVERSATION, TURN
from xiaoer.inbox.worker import Worker
from xiaoer.storage.engine import reading


def with_budgets(inbox: Inbox, budgets: Budgets, graph: object | None = None) -> None:
    inbox.worker._budgets = budgets
    if graph is not None:
        inbox.graph = graph
        inbox.worker._think = graph  # type: ignore[assignment]  # a graph of the test's own
    assert isinstance(inbox.worker, Worker)


async def say(inbox: Inbox, text: str, number: int) -> None:
    await inbox.intake.accept(message(text, event_id=f"e{number}"))
    await until(lambda: len(inbox.texts("customer")) > 0 and _quiet(inbox))


def _quiet(inbox: Inbox) -> bool:
    with reading(inbox.engine) as session:
        row = session.execute(select(CONVERSATION.c.waiting_since, CONVERSATION.c.status)).one()
    return row.waiting_since is None or row.status != "bot"


def spent(inbox: Inbox) -> dict[str, dict[str, int]]:
    with reading(inbox.engine) as session:
        rows = session.execute(select(BUDGET)).mappings().all()
    return {row["scope"].partition(":")[0]: dict(row) for row in rows}


async def test_every_turn_is_counted_once_in_every_scope_and_senders_only_as_a_hash(inbox: Inbox) -> None:
    async def modelled(turn: TurnInput) -> TurnOutcome:
        calls = [{"input_tokens": 900, "cached_tokens": 400, "output_tokens": 100}]
        return outcome_of(
            turn, "hi", trace={"brain": "m", "tool_calls": [], "guard": [], "model_calls": calls}
        )

    with_budgets(inbox, Budgets(price=Price(1, 0.5, 10)), modelled)
    await inbox.start()
    for number in range(3):
        await say(inbox, f"hello {number}", number)
    counted = await until(lambda: spent(inbox) if spent(inbox).get("all", {}).get("turns") == 3 else None)
    assert set(counted) == {"all", "store", "conversation", "sender"}
    for scope in counted.values():
        assert (scope["turns"], scope["messages"], scope["characters"]) == (3, 3, 21)
        assert (scope["tokens"], scope["micro_usd"]) == (3_000, 3 * (500 + 200 + 1_000))
    assert "t1" not in str(counted["sender"]["scope"])


async def test_a_spent_budget_of_the_model_is_told_to_the_graph_and_the_customer_is_answered(
    inbox: Inbox,
) -> None:
    with_budgets(inbox, Budgets(model_tokens=0))
    await inbox.start()
    await say(inbox, "hello", 1)
    assert isinstance(inbox.graph, Echo)
    assert [turn.brake for turn in inbox.graph.turns] == ["model_tokens"]
    assert inbox.texts("assistant") == ["answer to: hello"]


async def test_a_conversation_that_goes_round_in_circles_gets_one_sentence_and_a_person(inbox: Inbox) -> None:
    with_budgets(inbox, replace(Budgets(), same_message=3))
    await inbox.start()
    for number in range(6):
        await say(inbox, f"I am out of office, ticket {number}.", number)
    told = inbox.texts("assistant")
    assert len(told) == 3 and "going round in circles" in told[-1]
    with reading(inbox.engine) as session:
        row = session.execute(select(CONVERSATION.c.status, CONVERSATION.c.hand_off_reason)).one()
        traces = list(session.scalars(select(TURN.c.trace)))
    assert tuple(row) == ("human", "limit")
    assert [trace.get("fault") for trace in traces].count("limit same_message") == 1
