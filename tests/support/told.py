"""Every reply of every playbook, filled with facts of a world in which its branch would say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from support.turns import a_state, store
from support.worlds import NOW, TOTAL, action, order, product, track, usd

from xiaoer.agent.state import State
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.messages import Author, HistoryItem
from xiaoer.domain.stores import pick
from xiaoer.prompts.playbooks import Playbooks, load_playbooks
from xiaoer.prompts.schema import Branch, Playbook
from xiaoer.prompts.template import fill
from xiaoer.tools.calls import ToolCall, ToolResult

CUSTOMER = "It is about #1004, jane.demo@example.com, tracking 1Z999AA10123456784"


@dataclass(frozen=True, slots=True)
class Told:
    place: str  # playbook, reply, language and variant
    lang: str
    text: str
    state: State


@cache
def playbooks() -> Playbooks:
    return load_playbooks()


def every_reply() -> Iterator[Told]:
    """One for each variant, in the first branch that says it; common replies stand in a neutral world."""
    for intent, playbook in playbooks().intents.items():
        for name, reply in playbook.replies.items():
            branch = next((b for b in playbook.branches if b.say == name), None)
            yield from _variants(f"{intent}.{name}", reply, playbook, branch)
    for name, reply in playbooks().common.items():
        yield from _variants(f"_common.{name}", reply, None, None)


def _variants(
    place: str, reply: Mapping[str, tuple[str, ...]], playbook: Playbook | None, branch: Branch | None
) -> Iterator[Told]:
    for lang, variants in reply.items():
        for number, variant in enumerate(variants):
            state = world(playbook, branch, place)
            values = blank_values(state, lang, branch)
            text = fill(variant, lambda blank, values=values: values.get(blank, ""))
            yield Told(f"{place} [{lang} {number}]", lang, text, state)


def world(playbook: Playbook | None, branch: Branch | None, place: str) -> State:
    """Records that make the branch's conditions true, and the action that its facts speak of."""
    when = {name: values[0] for name, values in branch.when.items()} if branch else {}
    state = when.get("order_state") or _likely(when, place)
    refunds = [TOTAL] if when.get("refunds") == "succeeded" or _paid_back(when, place) else []
    asked = {"pending": "pending", "failed": "failed"}.get(when.get("refunds", ""), "")
    records = [
        order(
            state=state,
            refunds=refunds or ([TOTAL] if asked else []),
            status=asked or "succeeded",
            ship_by="2026-11-26T18:00:00Z",
            cancelled_at=_on(state == "cancelled"),
        ),
        {
            **track(when.get("verdicts") or ("delivered" if state == "delivered" else "on_its_way")),
            "state": state,
        },
        product(available="product" in when),
        {"inquiry_id": "Q-1", "answer_expected_by": "2026-11-24T18:00:00Z"},
    ]
    made = a_state(
        now=NOW,
        records=records,
        actions=_actions(playbook, when, place),
        history=(HistoryItem("M-1", Author.CUSTOMER, CUSTOMER, NOW),),
    )
    answer = ToolResult(
        ToolCall("kb", "search_knowledge", {}), "knowledge", True, {"entries": [{"text": ANSWER}]}
    )
    return {**made, "results": (*made["results"], answer), "messages": (ASKED,)}


ASKED = "Please cancel it or refund me, where is the label, the coupon, the exchange?"
ANSWER = "The lamp has a cable of two metres and takes an E27 bulb."


def _likely(when: Mapping[str, str], place: str) -> str:
    words = {
        "cancelled": "cancelled",
        "not_shipped": "unshipped",
        "delivered": "delivered",
        "going_back": "going_back",
    }
    found = next((state for word, state in words.items() if word in place.split(".")[1]), None)
    return found or ("delivered" if when.get("verdicts") == "delivered" else "shipped")


def _paid_back(when: Mapping[str, str], place: str) -> bool:
    return any(word in place for word in ("refunded", "nothing_left", "cancel_order.cancelled"))


def _on(yes: bool) -> str | None:
    return "2026-11-21T18:00:00Z" if yes else None


_TOOLS = {"proposal": "pending", "action": ""}
_STATUS_OF_REPLY = {
    "done": "succeeded",
    "in_work": "approved",
    "approved": "approved",
    "waiting": "pending",
    "requested": "pending",
}


def _actions(playbook: Playbook | None, when: Mapping[str, str], place: str) -> Any:
    named = next(
        (s for word, s in _STATUS_OF_REPLY.items() if place.split(".")[1].startswith(word)), "pending"
    )
    status = when.get("action") or when.get("proposal") or named
    if status in ("none", "proposed"):
        status = "pending"
    irreversible = [t for t in (playbook.tools if playbook else ()) if t in _MAKES]
    tool = irreversible[0] if irreversible else "issue_refund"
    receipt = {"label_url": "https://tools.usps.com/label"} if status == "succeeded" else {}
    made = action(tool, ActionStatus(status), TOTAL, **receipt)
    return (replace(made, reason_note="It was used."),)


_MAKES = frozenset(
    {
        "issue_refund", "cancel_order", "create_return_label", "issue_coupon", "change_address", "change_items",
        "change_payment", "exchange_items", "book_pickup", "intercept_parcel",
    }
)  # fmt: skip


def blank_values(state: State, lang: str, branch: Branch | None) -> dict[str, str]:
    """Plausible facts for every blank, all of which the state's records hold."""
    words = playbooks().words
    policy = store().policy
    clause = next(c for c in policy.clauses if c.id == "refund.window")
    verdict = state["results"][1].data["parcels"][0]["verdict"]
    months = words.months.get(lang) or words.months["en"]

    def day(number: int) -> str:
        return fill(
            pick(words.pieces["date"], lang), lambda b: {"month": months[10], "day": str(number)}.get(b, "")
        )

    line = fill(
        pick(words.verdicts[verdict].line, lang),
        lambda b: {
            "since": day(20),
            "last": day(20),
            "place": "Memphis",
            "days": "2",
            "eta": day(25),
            "shipped": day(20),
        }.get(b, ""),
    )
    weekdays = words.weekdays.get(lang) or words.weekdays["en"]
    opens = fill(
        pick(words.pieces["opening"], lang), lambda b: {"weekday": weekdays[0], "time": "09:00"}.get(b, "")
    )
    return {
        "order_no": "#1004",
        "parcels": f"UPS 1Z999AA10123456784: {line}.",
        "unshipped": "Desk lamp",
        "ship_by": day(26),
        "delivered_on": day(20),
        "delivered_at": "Memphis",
        "cancelled_on": day(21),
        "refunded": "$1,272.30",
        "refund_destination": "Visa ···· 4242",
        "refund_on": day(21),
        "lines": "Desk lamp",
        "part": "Desk lamp",
        "rest": "Mug",
        "stray": "Mug",
        "choices": "1. Desk lamp\n2. Mug",
        "reason": next(iter(words.reasons.values())).get(lang, ""),
        "amount": "$1,272.30",
        "destination": "Visa ···· 4242",
        "action_id": "A-0123456789",
        "action_note": "It was used.",
        "label_url": "https://tools.usps.com/label",
        "clause": pick(clause.text, lang),
        "statements": pick(policy.statements[0].text, lang),
        "answer": ANSWER,
        "product": f"Desk lamp\nwhite $1,272.30 ({pick(words.pieces['in_stock' if branch and 'product' in branch.when else 'out_of_stock'], lang)})",
        "answer_by": day(24),
        "tracking_no": "1Z999AA10123456784",
        "tries_left": "3",
        "opens": opens,
        "store": pick(store().name, lang),
        "me": pick(store().persona.name, lang),
    }


def money(minor: int) -> dict[str, Any]:
    return usd(minor)
