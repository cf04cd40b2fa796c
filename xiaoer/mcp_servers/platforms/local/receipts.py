"""A receipt as plain JSON, and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from xiaoer.domain.actions import Receipt
from xiaoer.domain.money import Money


def dump_receipt(receipt: Receipt) -> dict[str, Any]:
    amount = receipt.amount
    return {
        "action_id": receipt.action_id,
        "tool": receipt.tool,
        "store": receipt.store,
        "order_no": receipt.order_no,
        "reference": receipt.reference,
        "amount": [amount.amount_minor, amount.currency] if amount is not None else None,
        "destination": receipt.destination,
        "lines": [list(line) for line in receipt.lines],
        "details": receipt.details,
        "at": receipt.at.isoformat(),
    }


def load_receipt(data: dict[str, Any]) -> Receipt:
    return Receipt(
        **{
            **data,
            "amount": Money(*data["amount"]) if data["amount"] else None,
            "lines": tuple((line_id, quantity) for line_id, quantity in data["lines"]),
            "at": datetime.fromisoformat(data["at"]),
        }
    )
