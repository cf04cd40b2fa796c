"""Every table of the house: whose rows are a person's, which columns are personal, what stands there afterwards.

A table that is missing here is a red test: nobody adds a place for personal data without saying how it is erased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xiaoer.domain.pii import Masker

GONE = "<erased>"
NAME_GONE = "<name:erased>"

Row = Mapping[Any, Any]
# (the row, its value, a masker that knows the person) → what stands there afterwards.
Change = Callable[[Row, Any, Masker], Any]


def to(value: Any) -> Change:
    """A fixed value in the place of whatever stood there."""
    return lambda _row, _old, _masker: value


def if_set(value: Any) -> Change:
    """A fixed value where something stood; what was empty stays empty."""
    return lambda _row, old, _masker: value if old else old


def masked(_row: Row, old: Any, masker: Masker) -> Any:
    """The same with tokens: what is said stays, about whom does not."""
    return masker.data(old)


def own_id(column: str = "id") -> Change:
    """For columns that must stay unique."""
    return lambda row, old, _masker: f"erased:{row[column]}" if old else old


@dataclass(frozen=True, slots=True)
class Rule:
    """`by`: how rows hang on a person; `erased`: personal columns; `kept`: what stays, and why."""

    by: str  # conversation | customer | order | action | return | refund | parcel | shop | staff | none
    erased: Mapping[str, Change] = field(default_factory=dict)
    kept: str = ""


def _words(row: Row, old: Any, masker: Masker) -> Any:
    """A customer's own words go whole: what a sentence gives away no mask can know."""
    if row["author"] == "customer" and row["kind"] != "note":
        return GONE if old else old
    return masker.data(old)


def _speaker(row: Row, old: Any, _masker: Masker) -> Any:
    return "" if row["author"] == "customer" else old


_TRACE = ("turn", "brain", "prompt", "lang", "intents", "sentiment", "model_calls", "hand_off", "ms", "fault")


def _bones(_row: Row, old: Any, _masker: Masker) -> Any:
    """Of a trace: which brain, which tools, which verdicts, how long; no argument and no result."""
    kept = {name: old[name] for name in _TRACE if name in old}
    kept["tool_calls"] = [_call(call) for call in old.get("tool_calls", [])]
    kept["guard"] = [
        {"check": v.get("check"), "verdict": v.get("verdict"), "reason": ""} for v in old.get("guard", [])
    ]
    return {**kept, "slots": {}, "erased": True}


def _call(call: Row) -> dict[str, Any]:
    kept = {name: call.get(name) for name in ("id", "server", "tool", "ok", "code", "ms")}
    return {**kept, "args": {}, "result": {}}


_SHIP = dict.fromkeys(("ship_phone", "ship_street", "ship_city", "ship_region", "ship_postcode"), to(""))

DESK: dict[str, Rule] = {
    "conversation": Rule(
        "conversation",
        {
            **dict.fromkeys(
                ("external_id", "customer_ref", "verified_at", "scope_expires_at", "asked", "waiting_since"),
                to(None),
            ),
            **dict.fromkeys(("customer_name", "hand_off_summary"), to("")),
            "thread": own_id(),
            "memory": to({}),
            "level": to(0),
            "status": to("closed"),
        },
        "store, channel, language, times: how much was written, for the figures",
    ),
    "message": Rule(
        "conversation",
        {
            "text": _words,
            "who": _speaker,
            "raw": if_set({}),
            "cards": if_set([]),
            "event_id": own_id(),
        },
        "author, order, times and state; replies with tokens",
    ),
    "turn": Rule("conversation", {"trace": _bones}, "brain, tools, verdicts, milliseconds, tokens spent"),
    "outbox": Rule(
        "conversation", {"provider_ref": to(""), "last_error": to("")}, "that something was sent, and when"
    ),
    "follow_up": Rule(
        "conversation",
        {"snapshot": if_set({}), "customer_ref": to(None)},
        "what was promised, and how it ended",
    ),
    "csat": Rule("conversation", {"comment": if_set(GONE)}, "the score"),
    "action": Rule(
        "action",
        {
            **dict.fromkeys(("args", "quote", "receipt", "destination", "reject_note"), masked),
            "customer_words": if_set(GONE),
            "evidence": if_set([]),
            "last_error": to(""),
        },
        "order, amount, decision, receipt: proof of what was done with money",
    ),
    "action_event": Rule("action", kept="the append-only history; it is written without personal data"),
    "action_case": Rule("conversation", kept="order, state and times"),
    "case_matter": Rule(
        "conversation", {"subject": masked, "customer_ref": to(None)}, "order, stage and times"
    ),
    "case_matter_case": Rule("none", kept="ids"),
    "case_matter_event": Rule("none", kept="ids, names of events and times"),
    "action_closing": Rule("action", {"note": masked}, "who closed it"),
    "action_consent": Rule("action", kept="which colleagues agreed"),
    "action_hold": Rule("action", kept="open actions only"),
    "action_watch": Rule("conversation", kept="ids"),
    "issued_grant": Rule("action", kept="ids of permits"),
    "ledger_time": Rule("none"),
    "pause": Rule("none"),
    "budget_day": Rule("none", kept="counts by day; senders only as a hash that changes every day"),
    "desk_user": Rule("staff"),
    "desk_session": Rule("staff"),
    "desk_device": Rule("staff"),
    "desk_link": Rule("staff"),
    "desk_audit": Rule("staff", kept="who did what to which id; written without customers' data"),
}

SHOP: dict[str, Rule] = {
    "shop_customers": Rule(
        "customer",
        {
            # Empty, not a token: nobody may prove himself by writing a token.
            **dict.fromkeys(("email", "phone", "street", "city", "region", "postcode"), to("")),
            "external_id": to(None),
            "name": to(NAME_GONE),
        },
        "the opaque reference and the country, for tax",
    ),
    "shop_orders": Rule(
        "customer",
        {**_SHIP, "ship_name": to(NAME_GONE)},
        "number, dates, amounts, country: bookkeeping must keep them for years",
    ),
    "shop_lines": Rule("order", kept="what was bought: bookkeeping"),
    "shop_payments": Rule("order", kept="method with the card's last digits, amount, day: bookkeeping"),
    "shop_payment_requests": Rule("order", kept="amounts: bookkeeping"),
    "shop_refunds": Rule("order", {"reason": masked}, "amount, destination as on the receipt: bookkeeping"),
    "shop_refund_lines": Rule("refund", kept="bookkeeping"),
    "shop_coupons": Rule("customer", {"reason": masked}, "value and day: bookkeeping"),
    "shop_returns": Rule(
        "order", {"reason": masked, "pickup": to(""), "label_url": to(None)}, "state and days"
    ),
    "shop_return_lines": Rule("return", kept="bookkeeping"),
    "shop_notes": Rule("order", {"text": if_set(GONE)}, "that there was a note"),
    "shop_fulfilments": Rule("order", kept="which supplier"),
    "shop_parcels": Rule("order", {"interception_kind": to("")}, "numbers of parcels: proof of delivery"),
    "shop_parcel_lines": Rule("order", kept="what was in them"),
    "shop_tracking_events": Rule("order", {"text": masked, "place": to("")}, "states and times"),
    "shop_subscriptions": Rule("customer", kept="ids"),
    "shop_effects": Rule("order", {"receipt": masked}, "receipts: proof of what was done"),
    "shop_products": Rule("shop"),
    "shop_variants": Rule("shop"),
    "srv_inquiry": Rule(
        "conversation", {"question": masked, "answer": masked}, "what the supplier was asked"
    ),
    "srv_gap": Rule("conversation", {"question": masked}, "what the knowledge base lacks"),
    "srv_proof_attempt": Rule("conversation", kept="counts of wrong proofs, for hours"),
    "srv_proof_code": Rule("conversation", kept="hashes of codes, for minutes"),
    "srv_spent_grant": Rule("none"),
}
