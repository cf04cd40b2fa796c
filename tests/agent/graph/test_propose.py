"""A call of a changing tool becomes a draft with the shop's own quote, or a refusal; never a call."""

from __future__ import annotations

import os

# LangGraph reads it when it is imported.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.changes import ADDRESS, CHANGING, UNSHIPPED, US
from support.real_shop import RealShop, open_shop
from support.turns import a_state

from xiaoer.agent.brains.protocol import Plan
from xiaoer.agent.nodes.propose import make_propose
from xiaoer.agent.state import State
from xiaoer.domain.identity import Level, Scope
from xiaoer.tools.calls import ToolCall


def desk_of(folder: Path) -> str:
    return f"sqlite:///{folder}/desk.db"


def asks(world: RealShop, order_no: str, *calls: ToolCall) -> State:
    """A turn of the order's owner in which the brain names these calls."""
    order = world.platform.get_order(US, None, order_no)
    assert order is not None
    until = world.clock() + timedelta(hours=1)
    scope = Scope(US, "C-1", Level.ORDER, None, order.customer_ref, world.clock(), until)
    state = a_state(now=world.clock(), scope=scope)
    return {**state, "plan": Plan(calls=calls)}


@pytest.mark.parametrize("tool", CHANGING)
async def test_the_draft_holds_exactly_what_was_asked_and_what_it_alters(tmp_path: Path, tool: str) -> None:
    async with open_shop(desk_of(tmp_path), tmp_path) as world:
        call = world.call(tool)
        before = world.platform.get_order(US, None, call.order_no)
        made = await make_propose(world.toolbox.run)(
            asks(world, call.order_no, ToolCall("c1", tool, call.args))
        )
        (draft,) = made["drafts"]
        assert draft.terms.args == call.args
        assert (draft.terms.order_no, draft.quote.tool) == (call.order_no, tool)
        assert draft.quote.changes
        (proposed,) = made["proposals"]
        assert proposed.action.status.value in ("pending", "approved")
        assert world.platform.get_order(US, None, call.order_no) == before


HOSTILE: tuple[dict[str, Any], ...] = (
    {"order_no": UNSHIPPED},
    {"order_no": UNSHIPPED, "address": "12 Fixture Road"},
    {"order_no": UNSHIPPED, "address": {**ADDRESS, "approved": True}},
    {"order_no": UNSHIPPED, "address": ADDRESS, "grant": "yes"},
    {"order_no": "#1004", "address": ADDRESS},
    {"order_no": "#1004' OR 1=1", "address": ADDRESS},
)


@pytest.mark.parametrize("args", HOSTILE)
async def test_what_does_not_fit_is_refused_with_a_sentence(tmp_path: Path, args: dict[str, Any]) -> None:
    async with open_shop(desk_of(tmp_path), tmp_path) as world:
        made = await make_propose(world.toolbox.run)(
            asks(world, UNSHIPPED, ToolCall("c1", "change_address", args))
        )
        assert made["drafts"] == ()
        (proposed,) = made["proposals"]
        assert proposed.action is None and proposed.error


async def test_the_same_wish_twice_in_a_turn_is_one_request(tmp_path: Path) -> None:
    async with open_shop(desk_of(tmp_path), tmp_path) as world:
        call = world.call("intercept_parcel")
        first = await make_propose(world.toolbox.run)(
            asks(world, call.order_no, ToolCall("c1", call.tool, call.args))
        )
        again = asks(world, call.order_no, ToolCall("c2", call.tool, {**call.args, "kind": "hold"}))
        again["proposals"] = first["proposals"]
        made = await make_propose(world.toolbox.run)(again)
        assert made["drafts"] == ()
        assert made["proposals"][0].action == first["proposals"][0].action


async def test_a_refusal_by_the_rules_names_its_clause(tmp_path: Path) -> None:
    async with open_shop(desk_of(tmp_path), tmp_path) as world:
        call = replace(world.call("change_address"), order_no="#1002")
        args = {"order_no": "#1002", "address": ADDRESS}
        made = await make_propose(world.toolbox.run)(asks(world, "#1002", ToolCall("c1", call.tool, args)))
        (proposed,) = made["proposals"]
        assert (proposed.clause_id, proposed.decision) == ("address.shipped", "rejected")
        assert "redirect" in proposed.clause_text
