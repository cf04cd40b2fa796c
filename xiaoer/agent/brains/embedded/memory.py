"""What the embedded brain remembers from turn to turn: plain JSON, versioned, small."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

VERSION = 1
WORDS_KEPT = 400
SAID_KEPT = 24
DONE_KEPT = 8
TOPICS_KEPT = 5
TAGS_KEPT = 8


class Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Need(Kept):
    """One thing that the customer wants, with what is known of it so far."""

    intent: str
    words: str = ""  # the customer's own, for finding items and reasons
    order_no: str | None = None
    lines: tuple[str, ...] = ()  # line ids, once chosen
    reason: str | None = None
    confirmed: bool = False
    asked: bool = False  # the words asked rather than wished: nothing is requested without a yes
    other: bool = False  # about another order than the one in talk
    one_of: bool = False  # the message named several orders, and not which of them this is about
    details: str = ""  # what was said when details were asked for: a new address, the wanted size
    rest: bool = False  # what a request that is open already has left out
    absorbed: tuple[str, ...] = ()  # intents of the same message that this one answers too


class Choice(Kept):
    id: str
    text: str


class Ask(Kept):
    """The question that stands open, with what an answer may name."""

    kind: str
    options: tuple[Choice, ...] = ()
    intent: str | None = None  # of an offer: what a yes starts
    order_no: str | None = None
    reason: str | None = None
    lines: tuple[str, ...] = ()
    times: int = 1


class Memory(Kept):
    v: int = VERSION
    order_no: str | None = None  # the order that is being talked about
    claim: dict[str, str] = Field(default_factory=dict)  # offered proof that is not proven yet
    tried: dict[str, str] = Field(default_factory=dict)  # the claim that was refused last
    needs: tuple[Need, ...] = ()  # waiting for an answer of the customer
    ask: Ask | None = None
    said: dict[str, int] = Field(default_factory=dict)  # which variant of a reply was used last
    sorry: bool = False
    topics: tuple[str, ...] = ()  # what the conversation was about, newest last
    misses: int = 0
    fails: int = 0
    thing: str = ""  # the product that is being talked about, by its title
    tags: tuple[str, ...] = ()  # what a colleague must know at once: illness, a wedding, a threat
    upset: bool = False  # anger was heard before
    calmed: bool = False  # an insult was answered calmly once
    unwanted: int = 0  # messages in a row that want nothing of a shop: advertising, orders to the machine
    expecting: str | None = None  # what bare words of the next message mean, for the understanding
    done: tuple[str, ...] = ()  # writes that are not to be repeated: "ask_supplier:1006"

    def dump(self) -> dict[str, Any]:
        """JSON for the conversation's row; what is empty is left out."""
        kept = self.model_dump(mode="json", exclude_defaults=True)
        return {"v": VERSION, **kept}


def load_memory(raw: dict[str, Any]) -> Memory:
    """The remembered state; memory of another version or shape is forgotten, not trusted."""
    if raw.get("v", VERSION) != VERSION:
        return Memory()
    try:
        return Memory.model_validate(raw)
    except ValidationError:
        return Memory()
