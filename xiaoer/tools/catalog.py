"""Every tool we know: which server has it, what it does to the world, how long it may take.

Effects come from here, never from a server's annotations. A tool that is not listed counts as
irreversible and is never called.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    READ = "read"
    WRITE = "write"  # reversible
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    server: str
    name: str
    effect: Effect
    seconds: float = 5.0  # deadline of one call
    for_brain: bool = True  # offered to a brain at all


def _read(server: str, *names: str) -> list[ToolSpec]:
    return [ToolSpec(server, name, Effect.READ) for name in names]


def _write(server: str, *names: str) -> list[ToolSpec]:
    return [ToolSpec(server, name, Effect.WRITE, seconds=10.0) for name in names]


def _irreversible(server: str, *names: str) -> list[ToolSpec]:
    return [ToolSpec(server, name, Effect.IRREVERSIBLE, seconds=10.0) for name in names]


def _internal(server: str, *names: str) -> list[ToolSpec]:
    return [ToolSpec(server, name, Effect.READ, for_brain=False) for name in names]


_SPECS = (
    *_read("orders", "verify_customer", "find_orders", "get_order", "get_product"),
    *_read("orders", "check_code"),
    *_write("orders", "send_code"),
    *_write("orders", "add_order_note"),
    *_irreversible("orders", "cancel_order", "change_address", "change_items", "change_payment"),
    *_internal("orders", "quote_cancel", "quote_address", "quote_items", "quote_payment", "get_effect"),
    *_read("logistics", "track_order", "track_parcel", "identify_carrier", "estimate_arrival"),
    *_write("logistics", "subscribe_parcel"),
    *_irreversible("logistics", "intercept_parcel"),
    *_internal("logistics", "quote_interception", "get_interception", "get_effect"),
    *_read("returns", "check_return", "get_return"),
    *_irreversible("returns", "create_return_label", "exchange_items", "book_pickup"),
    *_internal("returns", "check_exchange", "check_pickup", "get_effect"),
    *_read("refunds", "quote_refund", "get_refund"),
    *_irreversible("refunds", "issue_refund", "issue_coupon"),
    *_internal("refunds", "quote_coupon", "get_effect"),
    *_read("knowledge", "search_knowledge", "get_entry"),
    *_write("knowledge", "report_gap"),
    *_read("suppliers", "get_supplier_answer"),
    *_write("suppliers", "ask_supplier"),
)

CATALOG: dict[tuple[str, str], ToolSpec] = {(spec.server, spec.name): spec for spec in _SPECS}
SERVERS: tuple[str, ...] = ("orders", "logistics", "returns", "refunds", "knowledge", "suppliers")

# Tools that a brain may name; their names are unique over all servers.
BRAIN_TOOLS: dict[str, ToolSpec] = {spec.name: spec for spec in _SPECS if spec.for_brain}

# The read that computes an irreversible tool's amount, facts and clause from the record.
QUOTES: dict[str, tuple[str, str]] = {
    "issue_refund": ("refunds", "quote_refund"),
    "issue_coupon": ("refunds", "quote_coupon"),
    "create_return_label": ("returns", "check_return"),
    "cancel_order": ("orders", "quote_cancel"),
    "change_address": ("orders", "quote_address"),
    "change_items": ("orders", "quote_items"),
    "change_payment": ("orders", "quote_payment"),
    "exchange_items": ("returns", "check_exchange"),
    "book_pickup": ("returns", "check_pickup"),
    "intercept_parcel": ("logistics", "quote_interception"),
}


def effect_of(name: str) -> Effect:
    """The effect of a tool named by a brain; unknown means irreversible."""
    spec = BRAIN_TOOLS.get(name)
    return spec.effect if spec else Effect.IRREVERSIBLE
