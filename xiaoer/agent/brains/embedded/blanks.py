"""What fills the blanks of a reply, and the cards that stand beside it: always from a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from xiaoer.agent.brains.embedded.case import Case, action_lines
from xiaoer.agent.brains.embedded.records import Inquiry, LineRecord, Mention, ParcelRecord
from xiaoer.agent.brains.embedded.turn import parse
from xiaoer.agent.brains.embedded.wording import (
    date_text,
    item_text,
    joined,
    line_label,
    mentions_text,
    next_opening,
    parcels_text,
    product_text,
)
from xiaoer.domain.clock import iso
from xiaoer.domain.money import Money
from xiaoer.domain.stores import pick
from xiaoer.domain.text import excerpt

EVENTS_ON_CARD = 5
ANSWER_LENGTH = 700


def value_of(case: Case, blank: str) -> str:
    """The text for one blank; empty where the record has nothing."""
    return BLANKS[blank](case)


def _parcels(case: Case) -> str:
    track = case.track
    contents = len(track.parcels) > 1 or bool(track.unshipped)
    return parcels_text(case.turn, track.parcels, contents=contents)


def _newest_delivered(case: Case) -> ParcelRecord | None:
    delivered = [p for p in case.track.parcels if p.verdict == "delivered"]
    return max(delivered, key=lambda p: p.since.timestamp() if p.since else 0.0, default=None)


def _delivered_on(case: Case) -> str:
    parcel = _newest_delivered(case)
    return date_text(case.turn, parcel.since) if parcel else ""


def _delivered_at(case: Case) -> str:
    parcel = _newest_delivered(case)
    return excerpt(parcel.newest.place, 60) if parcel and parcel.newest else ""


def _refunded(case: Case) -> str:
    money = case.order.refunded.money
    return str(money) if money else ""


def _refund_destination(case: Case) -> str:
    newest = case.order.newest_refund
    return newest.destination if newest else ""


def _refund_on(case: Case) -> str:
    newest = case.order.newest_refund
    return date_text(case.turn, newest.created_at) if newest else ""


def _lines(case: Case) -> str:
    """The items of the request, else the chosen ones."""
    chosen = action_lines(case.action) if case.action else case.selection.lines
    return _titles(case, chosen)


def _titles(case: Case, chosen: Sequence[tuple[str, int]]) -> str:
    by_id = {line.line_id: line for line in case.order.lines}
    return joined(
        case.turn,
        (
            item_text(case.turn, by_id[line_id].title, quantity)
            for line_id, quantity in chosen
            if line_id in by_id
        ),
    )


def _choices(case: Case) -> str:
    rows = (line_label(case.turn, line) for line in choosable(case))
    return "\n".join(case.turn.piece("choice", n=str(n), label=row) for n, row in enumerate(rows, start=1))


def choosable(case: Case) -> tuple[LineRecord, ...]:
    return tuple(line for line in case.order.lines if line.line_id in case.selection.options)


def _amount(case: Case) -> str:
    if case.action is not None:
        return str(case.action.amount) if case.action.amount else ""
    return str(case.quote.amount.money) if case.quote.amount else ""


def _destination(case: Case) -> str:
    return case.action.destination if case.action is not None else case.quote.destination


def _clause(case: Case) -> str:
    return clause(case)[1]


def clause(case: Case) -> tuple[str, str]:
    """(id, text) of the clause that decided: at the request if there was one, else at the quote."""
    if case.proposed is not None:
        return case.proposed.clause_id, case.proposed.clause_text
    _, clause_id, text = case.decision
    return clause_id, text


def _label_url(case: Case) -> str:
    receipt = case.action.receipt if case.action else None
    details = receipt.get("details") if receipt else None
    return str(details.get("label_url", "")) if isinstance(details, dict) else ""


def _statements(case: Case) -> str:
    return case.turn.piece("stop").join(told.text for told in case.told)


def _answer_by(case: Case) -> str:
    result = next(
        (r for r in reversed(case.turn.view.results) if r.call.name == "ask_supplier" and r.ok), None
    )
    return date_text(case.turn, parse(result, Inquiry).answer_expected_by) if result else ""


def _reason(case: Case) -> str:
    words = case.turn.playbooks.words.reasons
    return pick(words[case.assumed_reason], case.turn.view.lang)


BLANKS: dict[str, Callable[[Case], str]] = {
    "order_no": lambda case: case.shown_order_no,
    "parcels": _parcels,
    "unshipped": lambda case: mentions_text(case.turn, case.track.unshipped),
    "ship_by": lambda case: date_text(case.turn, case.record.ship_by),
    "delivered_on": _delivered_on,
    "delivered_at": _delivered_at,
    "cancelled_on": lambda case: date_text(case.turn, case.order.cancelled_at),
    "refunded": _refunded,
    "refund_destination": _refund_destination,
    "refund_on": _refund_on,
    "lines": _lines,
    "part": lambda case: _titles(case, case.part),
    "rest": lambda case: _titles(case, [line for line in case.selection.lines if line not in case.part]),
    "stray": lambda case: excerpt(case.stray.title, 80) if case.stray else "",
    "choices": _choices,
    "reason": _reason,
    "amount": _amount,
    "destination": _destination,
    "action_id": lambda case: case.action.action_id if case.action else "",
    "action_note": lambda case: excerpt(case.action.reason_note, 200) if case.action else "",
    "label_url": _label_url,
    "clause": _clause,
    "statements": _statements,
    "answer": lambda case: excerpt(case.entry.text, ANSWER_LENGTH) if case.entry else "",
    "product": lambda case: product_text(case.turn, case.product) if case.product else "",
    "answer_by": _answer_by,
    "tracking_no": lambda case: next(iter(case.turn.view.understanding.slots.tracking_no), ""),
    "tries_left": lambda case: "",
    "look_again": lambda case: "",  # filled where the branch follows up
    "opens": lambda case: next_opening(case.turn),
    "store": lambda case: pick(case.turn.view.store.name, case.turn.view.lang),
    "me": lambda case: pick(case.turn.view.store.persona.name, case.turn.view.lang),
}


# ── cards ────────────────────────────────────────────────────────────────────────────────────


def cards_for(case: Case, used: frozenset[str]) -> tuple[dict[str, Any], ...]:
    """A card for each kind of fact that the reply has used, for pages that draw it."""
    cards = []
    if "parcels" in used:
        cards.append(_parcels_card(case))
    if "action_id" in used and case.action is not None:
        cards.append(_action_card(case))
    return tuple(cards)


def _parcels_card(case: Case) -> dict[str, Any]:
    track = case.track
    return {
        "type": "parcels",
        "order_no": track.order_no,
        "state": track.state,
        "ship_by": _iso(track.ship_by),
        "parcels": [_parcel(case, parcel) for parcel in track.parcels],
        "unshipped": [_mention(m) for m in track.unshipped],
    }


def _parcel(case: Case, parcel: ParcelRecord) -> dict[str, Any]:
    verdict = case.turn.playbooks.words.verdicts.get(parcel.verdict)
    return {
        "tracking_no": parcel.tracking_no,
        "carrier_name": parcel.carrier_name or parcel.carrier,
        "verdict": parcel.verdict,
        "verdict_text": pick(verdict.word, case.turn.view.lang) if verdict else parcel.verdict,
        "since": _iso(parcel.since),
        "estimated_at": _iso(parcel.estimated_at),
        "quiet_days": parcel.quiet_days,
        "lines": [_mention(m) for m in parcel.lines],
        "events": [
            {"at": _iso(e.at), "state": e.state, "text": excerpt(e.text, 160), "place": excerpt(e.place, 60)}
            for e in parcel.events[:EVENTS_ON_CARD]
        ],
    }


def _mention(mention: Mention) -> dict[str, Any]:
    return {"line_id": mention.line_id, "title": mention.title, "quantity": mention.quantity}


def _action_card(case: Case) -> dict[str, Any]:
    action = case.action
    assert action is not None
    return {
        "type": "action",
        "action_id": action.action_id,
        "tool": action.tool,
        "tool_text": pick(case.turn.playbooks.words.actions.get(action.tool, {}), case.turn.view.lang),
        "status": action.status.value,
        "order_no": action.order_no,
        "lines": [{"line_id": line_id, "quantity": quantity} for line_id, quantity in action_lines(action)],
        "lines_text": _lines(case),
        "amount": _money(action.amount),
        "amount_text": str(action.amount) if action.amount else "",
        "destination": action.destination,
    }


def _money(money: Money | None) -> dict[str, Any] | None:
    return {"amount_minor": money.amount_minor, "currency": money.currency} if money else None


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment is not None else None


def citations_for(case: Case, cite: str | None) -> tuple[dict[str, str], ...]:
    """Where the reply's rule or answer stands: clause, statement or knowledge entry."""
    if cite == "clause":
        clause_id, text = clause(case)
        return ({"id": clause_id, "title": excerpt(text, 80)},) if clause_id else ()
    if cite == "statement":
        return tuple({"id": told.id, "title": excerpt(told.text, 80)} for told in case.told)
    if cite == "knowledge" and case.entry is not None:
        return ({"id": case.entry.entry_id, "title": case.entry.title},)
    return ()
