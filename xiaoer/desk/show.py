"""Rows and records as the staff API answers them: plain JSON, times in UTC, money in minor units."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from xiaoer.approvals.limits import OverLimit
from xiaoer.approvals.listing import ActionDetail, ActionSummary, HistoryEntry
from xiaoer.approvals.matters import MatterView
from xiaoer.desk.audit import AuditEntry
from xiaoer.desk.services import Inquiry
from xiaoer.domain.actions import ActionView
from xiaoer.domain.clock import iso
from xiaoer.domain.money import Money
from xiaoer.inbox.followups.desk import FollowUp, RatingFigure, RatingView
from xiaoer.inbox.pause import PauseView
from xiaoer.inbox.views import ConversationRow, MessageItem

Json = dict[str, Any]


def money_json(amount: Money | None) -> Json | None:
    return {"amount_minor": amount.amount_minor, "currency": amount.currency} if amount is not None else None


def conversation_json(row: ConversationRow) -> Json:
    return _timed(asdict(row))


def message_json(item: MessageItem) -> Json:
    return _timed(asdict(item))


def action_json(action: ActionView) -> Json:
    return {
        "id": action.action_id,
        "tool": action.tool,
        "status": action.status.value,
        "order_no": action.order_no,
        "args": action.args,
        "amount": money_json(action.amount),
        "destination": action.destination,
        "clause_id": action.clause_id,
        "decided_by": action.decided_by,
        "reason_note": action.reason_note,
        "receipt": action.receipt,
    }


def summary_json(summary: ActionSummary) -> Json:
    rest = asdict(summary)
    del rest["action"]
    return {**action_json(summary.action), **_timed(rest)}


def detail_json(detail: ActionDetail) -> Json:
    """Facts, evidence, clause, digest and history; the customer's words stand apart, marked."""
    quote = detail.quote
    return {
        **summary_json(detail.summary),
        "facts": {
            "lines": [{**asdict(line), "amount": money_json(line.amount)} for line in quote.lines],
            "amount": money_json(quote.amount),
            "destination": quote.destination,
            "changes": [asdict(change) for change in quote.changes],
            "record": quote.facts,
            "missing": list(quote.missing),
            "order_version": quote.order_version,
        },
        "clause": {
            "id": quote.clause_id,
            "text": dict(quote.clause_text),
            "decision": quote.decision,
            "policy_version": quote.policy_version,
        },
        "evidence": list(detail.evidence),
        "unverified": {"customer_words": detail.customer_words},
        "history": [history_json(entry) for entry in detail.history],
        "decided_role": detail.decided_role,
        "supersedes": detail.supersedes,
        "superseded_by": detail.superseded_by,
        "agreed": list(detail.agreed),
        "needs_two": detail.needs_two,
        "step_up": detail.step_up,
        "over_limit": over_json(detail.over),
        "stuck": detail.stuck,
        "words": [_timed(asdict(word)) for word in detail.words],
    }


def over_json(over: OverLimit | None) -> Json | None:
    if over is None:
        return None
    amounts = {name: money_json(getattr(over, name)) for name in ("limit", "spent", "amount")}
    return {"whose": over.whose, **amounts}


def matter_json(matter: MatterView) -> Json:
    """One long case: where it stands, and what has happened to it, oldest first."""
    return {
        "id": matter.id,
        "kind": matter.kind,
        "stage": matter.stage,
        "closed": matter.closed,
        "waits_for": matter.waits_for,
        "store": matter.store,
        "order_no": matter.order_no,
        "timeline": [_timed(asdict(happening)) for happening in matter.happenings],
    }


def history_json(entry: HistoryEntry) -> Json:
    return _timed(asdict(entry))


def pause_json(pause: PauseView) -> Json:
    return _timed(asdict(pause))


def audit_json(entry: AuditEntry) -> Json:
    return _timed(asdict(entry))


def follow_up_json(item: FollowUp) -> Json:
    return _timed(asdict(item))


def rating_json(rating: RatingView) -> Json:
    return _timed(asdict(rating))


def figure_json(figure: RatingFigure) -> Json:
    return asdict(figure)


def inquiry_json(inquiry: Inquiry) -> Json:
    names = (
        *("inquiry_id", "store", "conversation_id", "supplier", "order_no", "sku", "question", "status"),
        *("answer", "answered_by", "asked_at", "expected_by", "answered_at"),
    )
    return _timed({name: getattr(inquiry, name) for name in names})


def _timed(values: Json) -> Json:
    return {
        name: iso(value)
        if isinstance(value, datetime)
        else list(value)
        if isinstance(value, tuple)
        else value
        for name, value in values.items()
    }
