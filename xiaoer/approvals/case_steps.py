"""The long way of an after-sales matter, as data: which stage follows which, on what event, proposing what.

A matter is one wish of a customer from the first request to its end: a return is a label, a parcel that
comes back, a refund. Each action in it is a case of its own, with its own thread and its own approval;
this table says what starts the next one. Nothing here touches a database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

FINISHED, STOPPED = "finished", "stopped"
CLOSED = frozenset({FINISHED, STOPPED})

# How an action ends, as an event of its matter.
DONE, UNDONE = "done", "undone"


@dataclass(frozen=True, slots=True)
class Next:
    """What an event leads to."""

    stage: str
    proposes: str | None = None  # the tool that is put up for approval
    tells: str | None = None  # the sentence of prompts/steps.yaml that the customer gets


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a matter stands: it waits for its action, or for what `watch` reads in the shop."""

    on: Mapping[str, Next]
    watch: str | None = None  # a key of WATCHES


@dataclass(frozen=True, slots=True)
class Watch:
    """A read of the shop that shows whether something has happened, whoever did it and whenever."""

    server: str
    tool: str
    args: Callable[[Mapping[str, Any]], dict[str, Any]]  # from the matter's subject
    event: Callable[[Mapping[str, Any]], str | None]  # from what was read


def _returned(found: Mapping[str, Any]) -> str | None:
    return "received" if found.get("status") in ("received", "closed") else None


def _answered(found: Mapping[str, Any]) -> str | None:
    said = found.get("interception")
    return str(said) if said in ("confirmed", "failed") else None


def _came_back(found: Mapping[str, Any]) -> str | None:
    return "came_back" if found.get("verdict") == "returned" else None


def _return_id(subject: Mapping[str, Any]) -> dict[str, Any]:
    return {"return_id": subject["return_id"]}


def _tracking_no(subject: Mapping[str, Any]) -> dict[str, Any]:
    return {"tracking_no": subject["tracking_no"]}


WATCHES: Mapping[str, Watch] = {
    "return": Watch("returns", "get_return", _return_id, _returned),
    "interception": Watch("logistics", "get_interception", _tracking_no, _answered),
    "parcel": Watch("logistics", "get_interception", _tracking_no, _came_back),
}

_END: Mapping[str, Next] = {DONE: Next(FINISHED), UNDONE: Next(STOPPED)}


def _asks_for(stage: str) -> Stage:
    """An action whose success leads on and whose end without effect ends the matter."""
    return Stage({DONE: Next(stage), UNDONE: Next(STOPPED)})


# kind → stages, the first one first.
KINDS: Mapping[str, Mapping[str, Stage]] = {
    "return": {
        "label": _asks_for("on_its_way"),
        "on_its_way": Stage(
            {
                "received": Next("refund", proposes="issue_refund", tells="return_received"),
                "refunded": Next(FINISHED),  # a person was quicker than the parcel
            },
            watch="return",
        ),
        "refund": Stage(_END),
    },
    "exchange": {
        "exchange": _asks_for("on_its_way"),
        "on_its_way": Stage({"received": Next(FINISHED, tells="exchange_received")}, watch="return"),
    },
    "interception": {  # an order that is not wanted any more and has left already
        "asking": _asks_for("carrier"),
        "carrier": Stage(
            {
                "confirmed": Next("coming_back", tells="parcel_stopped"),
                "failed": Next(STOPPED, tells="parcel_not_stopped"),
                "refunded": Next(FINISHED),
            },
            watch="interception",
        ),
        "coming_back": Stage(
            {
                "came_back": Next("refund", proposes="issue_refund", tells="parcel_back"),
                "refunded": Next(FINISHED),
            },
            watch="parcel",
        ),
        "refund": Stage(_END),
    },
    "redirection": {
        "asking": _asks_for("carrier"),
        "carrier": Stage(
            {
                "confirmed": Next(FINISHED, tells="parcel_redirected"),
                "failed": Next(STOPPED, tells="parcel_not_stopped"),
            },
            watch="interception",
        ),
    },
    "cancellation": {"cancellation": Stage(_END)},
    "refund": {"refund": Stage(_END)},
    "coupon": {"coupon": Stage(_END)},
    "change": {"change": Stage(_END)},
    "pickup": {"pickup": Stage(_END)},
}

_STARTS: Mapping[str, str] = {
    "create_return_label": "return",
    "exchange_items": "exchange",
    "cancel_order": "cancellation",
    "issue_refund": "refund",
    "issue_coupon": "coupon",
    "book_pickup": "pickup",
    "change_address": "change",
    "change_items": "change",
    "change_payment": "change",
}
# Actions that belong to a matter which is under way for the same thing, and what their success means to it.
JOINS: Mapping[str, tuple[frozenset[str], str | None]] = {
    "book_pickup": (frozenset({"return", "exchange"}), None),
    "issue_refund": (frozenset({"return", "interception"}), "refunded"),
}


def kind_of(tool: str, args: Mapping[str, Any]) -> str:
    """Which way an action begins when it belongs to none that is under way."""
    if tool == "intercept_parcel":
        return "interception" if args.get("kind") == "return" else "redirection"
    return _STARTS.get(tool, "change")


def first_stage(kind: str) -> str:
    return next(iter(KINDS[kind]))


def stage_of(kind: str, stage: str) -> Stage | None:
    """None once the matter is closed, or when a newer version has dropped the stage."""
    return KINDS.get(kind, {}).get(stage)


def subject_of(args: Mapping[str, Any], receipt: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is known of the matter's thing: from the request, and better from the receipt."""
    named = args.get("lines") or args.get("exchanges") or ()
    found: dict[str, Any] = {
        "reason": str(args.get("reason", "changed_mind")),
        "lines": [{"line_id": line["line_id"], "quantity": line["quantity"]} for line in named],
    }
    for name in ("return_id", "tracking_no"):
        if name in args:
            found[name] = args[name]
    if receipt is None:
        return found
    details = receipt.get("details") or {}
    if receipt.get("tool") == "create_return_label":
        found["return_id"] = receipt["reference"]
    if receipt.get("tool") == "exchange_items":
        found["return_id"] = details["return_id"]
    if receipt.get("lines"):
        found["lines"] = [dict(line) for line in receipt["lines"]]
    return found


def flaws() -> list[str]:
    """What is wrong with the table: stages that lead nowhere, watches that are none; for a test."""
    found = []
    for kind, stages in KINDS.items():
        for name, stage in stages.items():
            for event, step in stage.on.items():
                if step.stage not in stages and step.stage not in CLOSED:
                    found.append(f"{kind}.{name}: {event} leads to {step.stage}, which is no stage")
            if stage.watch is not None and stage.watch not in WATCHES:
                found.append(f"{kind}.{name} watches {stage.watch}, which nothing reads")
    found += [
        f"{tool} begins {kind}, which is no kind" for tool, kind in _STARTS.items() if kind not in KINDS
    ]
    return found
