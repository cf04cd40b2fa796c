"""What the staff API takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class EditLine(Shape):
    line_id: Annotated[str, Field(min_length=1, max_length=64)]
    quantity: Annotated[int, Field(ge=1, le=999)]


class Edits(Shape):
    lines: Annotated[list[EditLine], Field(min_length=1, max_length=200)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class DecisionRequest(Shape):
    decision: Literal["approve", "reject", "edit"]
    digest: Annotated[str, Field(max_length=128)]
    note: Annotated[str, Field(max_length=500)] = ""
    edits: Edits | None = None


class WordRequest(Shape):
    """What became of an action that nobody can look up."""

    outcome: Literal["succeeded", "failed"]
    note: Annotated[str, Field(min_length=1, max_length=500)]
    reference: Annotated[str, Field(max_length=80)] = ""


class ConfirmRequest(Shape):
    password: Annotated[str, Field(min_length=1, max_length=256)]


class WriteRequest(Shape):
    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class PauseRequest(Shape):
    what: Literal["answers", "money"]
    store: Annotated[str, Field(max_length=64)] | None = None  # None: every store


class AnswerRequest(Shape):
    text: Annotated[str, Field(min_length=1, max_length=4_000)]
