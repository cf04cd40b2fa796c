"""What the servers publish, to any MCP client, over every transport."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import Tool
from support.servers import US, World, ask, served

from xiaoer.mcp_servers.registry import SERVERS
from xiaoer.tools.catalog import CATALOG, Effect

ARGUMENTS: dict[tuple[str, str], set[str]] = {
    ("orders", "verify_customer"): {"order_no", "email", "phone_tail", "name", "postcode"},
    ("orders", "send_code"): set(),
    ("orders", "check_code"): {"code"},
    ("orders", "find_orders"): {"query"},
    ("orders", "get_order"): {"order_no"},
    ("orders", "get_product"): {"product_id", "query"},
    ("orders", "add_order_note"): {"order_no", "text"},
    ("orders", "cancel_order"): {"order_no", "reason"},
    ("orders", "quote_cancel"): {"order_no", "reason"},
    ("orders", "change_address"): {"order_no", "address"},
    ("orders", "quote_address"): {"order_no", "address"},
    ("orders", "change_items"): {"order_no", "changes"},
    ("orders", "quote_items"): {"order_no", "changes"},
    ("orders", "change_payment"): {"order_no", "payment_method_id"},
    ("orders", "quote_payment"): {"order_no", "payment_method_id"},
    ("orders", "get_effect"): {"action_id"},
    ("logistics", "track_order"): {"order_no"},
    ("logistics", "track_parcel"): {"tracking_no", "carrier"},
    ("logistics", "identify_carrier"): {"tracking_no"},
    ("logistics", "estimate_arrival"): {"tracking_no"},
    ("logistics", "subscribe_parcel"): {"tracking_no"},
    ("logistics", "intercept_parcel"): {"tracking_no", "kind", "address"},
    ("logistics", "quote_interception"): {"tracking_no", "kind", "address"},
    ("logistics", "get_interception"): {"tracking_no"},
    ("logistics", "get_effect"): {"action_id"},
    ("returns", "check_return"): {"order_no", "lines", "reason"},
    ("returns", "get_return"): {"return_id"},
    ("returns", "create_return_label"): {"order_no", "lines", "reason"},
    ("returns", "exchange_items"): {"order_no", "exchanges", "reason"},
    ("returns", "check_exchange"): {"order_no", "exchanges", "reason"},
    ("returns", "book_pickup"): {"return_id", "window"},
    ("returns", "check_pickup"): {"return_id", "window"},
    ("returns", "get_effect"): {"action_id"},
    ("refunds", "quote_refund"): {"order_no", "lines", "reason"},
    ("refunds", "get_refund"): {"refund_id"},
    ("refunds", "issue_refund"): {"order_no", "lines", "reason"},
    ("refunds", "issue_coupon"): {"order_no", "reason"},
    ("refunds", "quote_coupon"): {"order_no", "reason"},
    ("refunds", "get_effect"): {"action_id"},
    ("knowledge", "search_knowledge"): {"query"},
    ("knowledge", "get_entry"): {"entry_id"},
    ("knowledge", "report_gap"): {"question"},
    ("suppliers", "ask_supplier"): {"question", "order_no", "sku"},
    ("suppliers", "get_supplier_answer"): {"inquiry_id"},
}

# The records inside arguments: none holds an amount, a price or a person's id.
PARTS: dict[str, set[str]] = {
    "LineRef": {"line_id", "quantity"},
    "AddressIn": {"recipient", "lines", "city", "region", "postcode", "country", "phone"},
    "ItemChangeIn": {"line_id", "sku", "quantity"},
    "ExchangeIn": {"line_id", "quantity", "sku"},
    "WindowIn": {"date", "start", "end"},
}

# One call a server that answers something, with what must stand in the answer.
A_CALL: dict[str, tuple[str, dict[str, Any], tuple[str, Any]]] = {
    "orders": ("get_order", {"order_no": "#1032"}, ("order_no", "#1032")),
    "logistics": ("track_order", {"order_no": "#1032"}, ("state", "delivered")),
    "returns": ("get_return", {"return_id": "R-NONE"}, ("code", "not_found")),
    "refunds": ("quote_coupon", {"order_no": "#1032", "reason": "late"}, ("tool", "issue_coupon")),
    "knowledge": ("search_knowledge", {"query": "lamp"}, ("entries", None)),
    "suppliers": ("get_supplier_answer", {"inquiry_id": "Q-NONE"}, ("code", "not_found")),
}


async def _tools(server: Any) -> list[Tool]:
    async with Client(server) as client:
        return (await client.list_tools()).tools


def _published(world: World) -> list[str]:
    return list(world.servers)


async def test_the_six_servers_publish_exactly_what_the_catalog_knows(world: World) -> None:
    found = {(name, tool.name) for name, server in world.servers.items() for tool in await _tools(server)}
    assert found == set(CATALOG) == set(ARGUMENTS)
    assert _published(world) == list(SERVERS)


@pytest.mark.parametrize("name", SERVERS)
async def test_no_tool_takes_an_amount_a_customer_or_a_store(world: World, name: str) -> None:
    for tool in await _tools(world.servers[name]):
        schema = tool.input_schema
        assert set(schema["properties"]) == ARGUMENTS[name, tool.name], tool.name
        assert schema["additionalProperties"] is False, tool.name
        for name_of, part in schema.get("$defs", {}).items():
            assert set(part["properties"]) == PARTS[name_of]
            assert part["additionalProperties"] is False


@pytest.mark.parametrize("name", SERVERS)
async def test_every_text_argument_has_an_end(world: World, name: str) -> None:
    def texts(schema: Any) -> list[dict[str, Any]]:
        if isinstance(schema, list):
            return [found for item in schema for found in texts(item)]
        if not isinstance(schema, dict):
            return []
        here = [schema] if schema.get("type") in ("string", "array") else []
        return here + [found for value in schema.values() for found in texts(value)]

    for tool in await _tools(world.servers[name]):
        for text in texts(tool.input_schema):
            assert "maxLength" in text or "maxItems" in text, (tool.name, text)


@pytest.mark.parametrize("name", SERVERS)
async def test_annotations_say_what_the_catalog_says(world: World, name: str) -> None:
    for tool in await _tools(world.servers[name]):
        effect = CATALOG[name, tool.name].effect
        hints = tool.annotations
        assert hints is not None
        assert hints.read_only_hint is (effect is Effect.READ)
        assert hints.destructive_hint is (effect is Effect.IRREVERSIBLE)
        assert hints.idempotent_hint is True
        assert hints.open_world_hint is not None


@pytest.mark.parametrize("name", SERVERS)
async def test_every_tool_promises_the_form_of_its_result_and_says_when_to_use_it(
    world: World, name: str
) -> None:
    for tool in await _tools(world.servers[name]):
        assert tool.output_schema and tool.output_schema["type"] == "object", tool.name
        assert tool.output_schema["additionalProperties"] is False
        assert tool.description and len(tool.description) > 40, tool.name
        assert "\n" not in tool.description


@pytest.mark.parametrize("name", SERVERS)
async def test_unknown_arguments_are_refused_and_not_repeated(world: World, name: str) -> None:
    tool, args, _ = A_CALL[name]
    meta = world.context(world.customer())
    answer = await ask(world.servers[name], tool, {**args, "store": US, "amount_minor": 1}, meta)
    assert (answer.ok, answer.code) == (False, "invalid")
    assert US not in answer.message


@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_answers_over_streamable_http(world: World, name: str) -> None:
    tool, args, (key, value) = A_CALL[name]
    meta = world.context(world.customer())
    async with served(world.servers[name]) as url:
        assert {tool.name for tool in await _tools(url)} == {of[1] for of in ARGUMENTS if of[0] == name}
        answer = await ask(url, tool, args, meta)
    said = answer.data if answer.ok else {"code": answer.code}
    assert key in said
    assert value is None or said[key] == value


@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_answers_over_stdio(world: World, name: str, tmp_path: Path) -> None:
    tool, args, (key, value) = A_CALL[name]
    meta = world.context(world.customer())
    async with Client(_stdio(world, name, tmp_path)) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool(tool, args, meta=meta)
    assert listed == {of[1] for of in ARGUMENTS if of[0] == name}
    said = json.loads(result.content[0].text)
    assert key in said
    assert value is None or said[key] == value


@pytest.mark.parametrize("transport", ["memory", "http", "stdio"])
async def test_money_without_a_grant_moves_over_no_transport(
    world: World, transport: str, tmp_path: Path
) -> None:
    order = world.platform.get_order(US, None, "#1032")
    assert order is not None
    args = {
        "order_no": "#1032",
        "lines": [{"line_id": order.lines[0].line_id, "quantity": 1}],
        "reason": "late",
    }
    meta = world.context(world.customer())
    if transport == "http":
        async with served(world.servers["refunds"]) as url:
            answer = await ask(url, "issue_refund", args, meta)
    elif transport == "stdio":
        answer = await ask(_stdio(world, "refunds", tmp_path), "issue_refund", args, meta)
    else:
        answer = await ask(world.servers["refunds"], "issue_refund", args, meta)
    assert answer.code == "grant_missing"
    assert world.platform.get_order(US, None, "#1032") == order


def _stdio(world: World, name: str, folder: Path) -> StdioServerParameters:
    keys = {role: key.public_bytes_raw().hex() for role, key in world.deps.keys.items()}
    keys_file = folder / "keys.json"
    keys_file.write_text(json.dumps({**keys, "now": world.clock().isoformat()}))
    script = Path(__file__).parents[1] / "support" / "stdio_server.py"
    url = world.engine.url.render_as_string(hide_password=False)
    return StdioServerParameters(command=sys.executable, args=[str(script), name, url, str(keys_file)])
