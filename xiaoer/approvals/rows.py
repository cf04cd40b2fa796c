"""From rows to the words of the domain, and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from xiaoer.approvals.tables import ActionRow
from xiaoer.domain.actions import ActionDraft, ActionStatus, ActionView, Quote, QuoteLine, Terms
from xiaoer.domain.changes import Change, subjects_of
from xiaoer.domain.money import Money


def terms_of(row: ActionRow) -> Terms:
    return Terms(
        action_id=row.id,
        tool=row.tool,
        store=row.store,
        conversation_id=row.conversation_id,
        order_no=row.order_no,
        args=row.args,
        amount=amount_of(row),
        destination=row.destination,
        order_version=row.order_version,
        policy_version=row.policy_version,
        expires_at=row.expires_at,
        nonce=row.nonce,
    )


def view_of(row: ActionRow) -> ActionView:
    return ActionView(
        action_id=row.id,
        tool=row.tool,
        status=ActionStatus(row.status),
        order_no=row.order_no,
        args=row.args,
        amount=amount_of(row),
        destination=row.destination,
        clause_id=row.quote["clause_id"],
        reason_note=row.reject_note,
        receipt=row.receipt,
        decided_by=row.decided_by,
    )


def row_of(draft: ActionDraft, now: datetime) -> ActionRow:
    terms = draft.terms
    return ActionRow(
        id=terms.action_id,
        status=ActionStatus.PROPOSED.value,
        tool=terms.tool,
        store=terms.store,
        conversation_id=terms.conversation_id,
        order_no=terms.order_no,
        args=terms.args,
        amount_minor=terms.amount.amount_minor if terms.amount else None,
        currency=terms.amount.currency if terms.amount else None,
        destination=terms.destination,
        order_version=terms.order_version,
        policy_version=terms.policy_version,
        expires_at=terms.expires_at,
        nonce=terms.nonce,
        digest=terms.digest(),
        quote=quote_json(draft.quote),
        evidence=[dict(item) for item in draft.evidence],
        intent=draft.intent,
        customer_words=draft.customer_words,
        language=draft.language,
        customer_ref=draft.customer_ref,
        created_at=now,
        updated_at=now,
    )


def quote_json(quote: Quote) -> dict[str, Any]:
    body = asdict(quote)
    body["lines"] = list(body["lines"])
    body["missing"] = list(quote.missing)
    body["changes"] = list(body["changes"])
    return body


def quote_of(row: ActionRow) -> Quote:
    body = dict(row.quote)
    body["lines"] = tuple(
        QuoteLine(line["line_id"], line["title"], line["quantity"], Money(**line["amount"]))
        for line in body["lines"]
    )
    body["amount"] = Money(**body["amount"]) if body["amount"] else None
    body["missing"] = tuple(body["missing"])
    body["changes"] = tuple(Change(**one) for one in body.get("changes", ()))
    return Quote(**body)


def amount_of(row: ActionRow) -> Money | None:
    if row.amount_minor is None or row.currency is None:
        return None
    return Money(row.amount_minor, row.currency)


def held_lines(args: dict[str, Any]) -> list[str]:
    """What an action speaks for, in one order, so that two transactions never wait crosswise."""
    return sorted(subjects_of(args))
