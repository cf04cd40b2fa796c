"""The door through which servers' answers enter: parsed once, refused when they have another shape."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from xiaoer.domain.actions import Quote, QuoteLine, Receipt
from xiaoer.domain.changes import Change
from xiaoer.domain.money import Money

_Shape = TypeVar("_Shape", bound=BaseModel)


class Garbage(ValueError):
    """A server's answer that has not the shape of its schema."""


class _Money(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    amount_minor: int
    currency: str

    def money(self) -> Money:
        return Money(self.amount_minor, self.currency)


class _QuoteLine(BaseModel):
    line_id: str
    title: str
    quantity: int
    amount: _Money


class _Change(BaseModel):
    what: str
    old: str
    new: str


class _Quote(BaseModel):
    tool: str
    order_no: str
    lines: list[_QuoteLine]
    amount: _Money | None
    destination: str
    facts: dict[str, Any]
    decision: Literal["allow", "needs_approval", "deny"]
    clause_id: str
    clause_text: dict[str, str]
    missing: list[str]
    order_version: int
    policy_version: str
    changes: list[_Change] = []


class _Line(BaseModel):
    line_id: str
    quantity: int


class _Receipt(BaseModel):
    action_id: str
    tool: str
    order_no: str
    reference: str
    amount: _Money | None
    destination: str
    lines: list[_Line]
    details: dict[str, str]
    at: datetime


class _Effect(BaseModel):
    found: bool
    receipt: _Receipt | None = None


def parse_quote(data: dict[str, Any]) -> Quote:
    """A quote as every quoting read returns it; raises Garbage."""
    shape = _parse(_Quote, data)
    return Quote(
        tool=shape.tool,
        order_no=shape.order_no,
        lines=tuple(
            QuoteLine(line.line_id, line.title, line.quantity, line.amount.money()) for line in shape.lines
        ),
        amount=shape.amount.money() if shape.amount else None,
        destination=shape.destination,
        facts=shape.facts,
        decision=shape.decision,
        clause_id=shape.clause_id,
        clause_text=shape.clause_text,
        missing=tuple(shape.missing),
        order_version=shape.order_version,
        policy_version=shape.policy_version,
        changes=tuple(Change(one.what, one.old, one.new) for one in shape.changes),
    )


def parse_effect(data: dict[str, Any], store: str) -> Receipt | None:
    """What `get_effect` found, None for a proven absence; raises Garbage."""
    shape = _parse(_Effect, data)
    if not shape.found:
        return None
    if shape.receipt is None:
        raise Garbage("an effect was found, but its receipt is missing")
    found = shape.receipt
    return Receipt(
        action_id=found.action_id,
        tool=found.tool,
        store=store,
        order_no=found.order_no,
        reference=found.reference,
        amount=found.amount.money() if found.amount else None,
        destination=found.destination,
        lines=tuple((line.line_id, line.quantity) for line in found.lines),
        details=found.details,
        at=found.at,
    )


def _parse(shape: type[_Shape], data: dict[str, Any]) -> _Shape:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise Garbage(f"{shape.__name__}: {error.error_count()} fields have another shape") from error
