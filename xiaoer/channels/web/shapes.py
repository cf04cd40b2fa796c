"""What the web channel takes and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from xiaoer.channels.text import MAX_CHARS, clean_text


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _written(text: str) -> str:
    if len(text) > MAX_CHARS:
        raise ValueError(f"the text may have at most {MAX_CHARS:,} characters")
    cleaned = clean_text(text)
    if not cleaned:
        raise ValueError("the text is empty")
    return cleaned


def _identifier(value: str) -> str:
    if clean_text(value) != value or not value:
        raise ValueError("an id has no blanks at its ends and no control characters")
    return value


Identifier = Annotated[str, Field(max_length=128), AfterValidator(_identifier)]


class SessionRequest(Shape):
    external_id: Identifier | None = None
    signature: Annotated[str, Field(max_length=128)] | None = None
    name: Annotated[str, Field(max_length=200), AfterValidator(clean_text)] | None = None


class SessionAnswer(Shape):
    session: str
    conversation_id: str


class MessageRequest(Shape):
    id: Identifier
    text: Annotated[str, AfterValidator(_written)]


class MessageAnswer(Shape):
    message_id: str
    conversation_id: str


class ReplyShape(Shape):
    id: str
    author: Literal["assistant", "agent", "system"]
    kind: str  # "receipt": the ledger's word on an action
    name: str  # of the colleague, where one wrote
    text: str
    citations: list[dict[str, Any]]
    cards: list[dict[str, Any]]
    at: str


class ActionBrief(Shape):
    id: str
    tool: str
    status: str


class TurnAnswer(Shape):
    """The committed turn: what the customer was told, and what became of his requests."""

    conversation_id: str
    message_id: str
    replies: list[ReplyShape]
    handed_off: bool
    actions: list[ActionBrief]
