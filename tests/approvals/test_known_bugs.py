"""Known faults of the graph engine at our pins, played bare and against the case graph, which does not care.

Each test shows the fault first with a graph that trusts the engine; when a new version of the engine no
longer has it, that half of the test says so, and the other half holds all the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt
from support.case_world import World, make_draft

from xiaoer.approvals.case_graph import build_case_graph
from xiaoer.approvals.runner import CaseRunner
from xiaoer.domain.actions import ActionStatus

ROOT = Path(__file__).parents[2]
THREAD: Any = {"configurable": {"thread_id": "t"}}
S = ActionStatus


class Bare(TypedDict, total=False):
    first: str
    second: str


# ── langgraph #7417: killed after the effect, before the node returns → the node runs again ──────

_BARE_EFFECT = """
import asyncio, os, signal, sys
from typing import TypedDict
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph

home, dies = sys.argv[1], sys.argv[2] == "dies"

class State(TypedDict, total=False):
    done: str

async def refund(state):
    with open(f"{home}/bare.jsonl", "a") as effects:
        effects.write("refund\\n")
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"done": "yes"}

async def main():
    async with AsyncSqliteSaver.from_conn_string(f"{home}/bare.db") as saver:
        graph = StateGraph(State)
        graph.add_node("refund", refund)
        graph.add_edge(START, "refund")
        thread = {"configurable": {"thread_id": "t"}}
        await graph.compile(checkpointer=saver).ainvoke({} if dies else None, thread, durability="sync")

asyncio.run(main())
"""


def run(words: list[str], **env: str) -> int:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "LANGGRAPH_STRICT_MSGPACK": "true"}
    environment.pop("XIAOER_CRASH_AT", None)
    return subprocess.run(
        [sys.executable, *words], env={**environment, **env}, cwd=ROOT, timeout=90, check=False
    ).returncode


def test_7417_a_killed_node_runs_twice_and_a_case_still_has_one_effect(
    sqlite_url: str, tmp_path: Path
) -> None:
    assert run(["-c", _BARE_EFFECT, str(tmp_path), "dies"]) == -9
    assert run(["-c", _BARE_EFFECT, str(tmp_path), "lives"]) == 0
    assert len((tmp_path / "bare.jsonl").read_text().splitlines()) == 2, "the engine no longer repeats"
    ours = ["-m", "support.case_process", sqlite_url, str(tmp_path)]
    assert run(ours, XIAOER_CRASH_AT="receipt.unrecorded") == -9
    assert run(ours) == 0
    effects = [json.loads(line) for line in (tmp_path / "effects.jsonl").read_text().splitlines()]
    assert [effect["action_id"] for effect in effects] == ["A-1"]


# ── langgraph #8837: a consumed resume value is handed out again and answers a later question ────


def _two_questions() -> Any:
    crashed: list[bool] = []

    def ask(state: Bare) -> Bare:
        first = interrupt("refund the lamp?")
        if not crashed:
            crashed.append(True)
            raise ConnectionError("the process dies here")
        second = interrupt("refund everything?")
        return {"first": first, "second": second}

    graph = StateGraph(Bare)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    return graph.compile(checkpointer=InMemorySaver())


async def test_8837_an_old_answer_approves_nothing(small_world: World, small_book: Any) -> None:
    bare = _two_questions()
    bare.invoke({}, THREAD)
    with pytest.raises(ConnectionError):
        bare.invoke(Command(resume="yes"), THREAD)
    assert bare.invoke(None, THREAD) == {"first": "yes", "second": "yes"}, "nobody answered the second"

    case_id = small_book.propose().case_id
    await small_world.runner.run_case(case_id)
    graph = build_case_graph(small_world.saver)
    context = small_world.runner._context
    config: Any = {"configurable": {"thread_id": case_id}}
    for value in ("approve", {"decision": "approve"}, True, {"A-1": "approved"}):
        await graph.ainvoke(Command(resume=value), config, context=context, durability="sync")
        await graph.ainvoke(None, config, context=context, durability="sync")
    assert small_book.status() is S.PENDING
    assert small_world.server.effects == []
    await small_book.approve()
    await small_world.run_jobs()
    assert len(small_world.server.effects) == 1


# ── langgraph #6533: questions of one tool node share an id, and one answer reaches both tools ───


@tool
def pay(order: str) -> str:
    """Pay an order back."""
    return f"pay:{interrupt('pay?')}"


@tool
def cancel(order: str) -> str:
    """Cancel an order."""
    return f"cancel:{interrupt('cancel?')}"


def _both_tools() -> Any:
    def ask(state: MessagesState) -> Any:
        calls = [{"name": t.name, "args": {"order": "#1"}, "id": t.name} for t in (pay, cancel)]
        return {"messages": [AIMessage("", tool_calls=calls)]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_node("tools", ToolNode([pay, cancel]))
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "tools")
    return graph.compile(checkpointer=InMemorySaver())


async def test_6533_an_answer_for_one_action_never_reaches_another(
    small_world: World, small_book: Any
) -> None:
    bare = _both_tools()
    bare.invoke({"messages": []}, THREAD)
    bare.invoke(Command(resume="yes, pay only"), THREAD)
    said = [message.content for message in bare.invoke(None, THREAD)["messages"]]
    assert "cancel:yes, pay only" in said, "the engine no longer hands one answer to both"

    cases = [
        small_book.propose(make_draft("A-1")).case_id,
        small_book.propose(make_draft("A-2", tool="issue_coupon")).case_id,
    ]
    assert len(set(cases)) == 2, "each action has a thread of its own"
    await asyncio.gather(*(small_world.runner.run_case(case_id) for case_id in cases))
    await small_book.approve("A-2")
    await small_world.run_jobs()
    await asyncio.gather(*(small_world.runner.run_case(case_id) for case_id in cases))
    assert [grant.action_id for grant in small_world.server.effects] == ["A-2"]
    assert small_book.status("A-1") is S.PENDING


# ── langgraph #8796: two writers on one thread both go through, and the chain forks ──────────────


async def test_8796_two_processes_on_one_thread_are_one_effect(
    world: World, book: Any, tmp_path: Path
) -> None:
    effects: list[str] = []

    async def refund(state: Bare) -> Bare:
        interrupt("refund?")
        effects.append("refund")
        await asyncio.sleep(0)
        return {"first": "done"}

    async with AsyncSqliteSaver.from_conn_string(f"{tmp_path}/bare.db") as saver:
        graph = StateGraph(Bare)
        graph.add_node("refund", refund)
        graph.add_edge(START, "refund")
        bare = graph.compile(checkpointer=saver)
        await bare.ainvoke({}, THREAD)
        await asyncio.gather(*(bare.ainvoke(Command(resume="yes"), THREAD) for _ in range(2)))
    assert effects == ["refund", "refund"], "the engine no longer lets both through"

    case_id = book.propose().case_id
    await world.runner.run_case(case_id)
    await book.approve()
    # Runners of their own share no lock, as two processes share none.
    others = [_another(world) for _ in range(3)]
    done = await asyncio.gather(
        *(runner.run_case(case_id) for runner in (world.runner, *others)), return_exceptions=True
    )
    assert [error for error in done if isinstance(error, BaseException)] == []
    for _ in range(6):  # whoever lost the race has left it to the clock
        world.clock.forward(120)
        world.case_clock.tick()
        await world.run_jobs()
    assert book.status() is S.SUCCEEDED
    assert [grant.action_id for grant in world.server.effects] == ["A-1"]


def _another(world: World) -> CaseRunner:
    context = world.runner._context
    return CaseRunner(
        world.engine,
        context.execute,
        context.signer,
        context.teller.tell,
        world.clock,
        world.saver,
        lambda _: False,
    )
