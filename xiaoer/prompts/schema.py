"""What a playbook may look like: pydantic at the door, unknown fields refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from xiaoer.prompts.vocabulary import FOLLOW_UPS, HAND_OFF_REASONS


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _as_values(value: object) -> object:
    """One value or several; YAML reads a bare yes and no as booleans."""
    items = value if isinstance(value, list) else [value]
    return tuple(
        {True: "yes", False: "no"}.get(item, item) if isinstance(item, bool) else item for item in items
    )


def _as_hours(value: object) -> object:
    """`24h` is twenty-four."""
    plain = isinstance(value, str) and value.endswith("h") and value[:-1].isdigit()
    return int(str(value)[:-1]) if plain else value


Values = Annotated[tuple[str, ...], BeforeValidator(_as_values), Field(min_length=1)]
Variants = Annotated[tuple[str, ...], Field(min_length=1)]
Reply = dict[str, Variants]  # language → ways to say it


class Offer(Strict):
    """What a yes to this reply starts."""

    intent: str
    reason: str | None = None


class HandOver(Strict):
    reason: Literal[HAND_OFF_REASONS]  # type: ignore[valid-type]  # a tuple of the vocabulary is the list
    urgent: bool = False


class FollowUp(Strict):
    """What this branch's reply promises to come back for; hours from now."""

    kind: Literal[FOLLOW_UPS]  # type: ignore[valid-type]  # as above
    after: Annotated[int, BeforeValidator(_as_hours), Field(ge=1, le=240)]  # until the first look
    until: Annotated[int, BeforeValidator(_as_hours), Field(ge=1, le=720)] = 72  # then a colleague takes it

    @model_validator(mode="after")
    def _in_order(self) -> FollowUp:
        if self.until < self.after:
            raise ValueError("a follow-up cannot end before its first look")
        return self


class Branch(Strict):
    """What to do when all of `when` holds; the first fitting branch of a playbook decides.

    Exactly one of `say`, `ask`, `propose`, `hand_off`, `become` leads; `say` may give the words
    of an ask or a hand-off.
    """

    when: dict[str, Values] = Field(default_factory=dict)
    do: tuple[str, ...] = ()
    say: str | None = None
    ask: Literal["lines", "reason", "confirm", "details"] | None = None
    propose: str | None = None
    hand_off: HandOver | None = None
    become: str | None = None
    offer: Offer | None = None
    cite: Literal["clause", "knowledge", "statement"] | None = None
    follow_up: FollowUp | None = None  # the customer hears by himself what becomes of it
    sorry: bool = False  # an apology fits here, if none was made yet

    @model_validator(mode="after")
    def _one_lead(self) -> Branch:
        leads = [self.ask, self.propose, self.hand_off, self.become]
        given = sum(lead is not None for lead in leads)
        if given > 1 or (given == 0 and self.say is None):
            raise ValueError("a branch needs exactly one of say, ask, propose, hand_off, become")
        if self.say is not None and (self.propose or self.become):
            raise ValueError("a branch that proposes or becomes another intent says nothing itself")
        if self.follow_up is not None and (self.say is None or self.ask or self.hand_off):
            raise ValueError("only a branch that states something can promise to come back")
        return self


class Playbook(Strict):
    """How one intent is handled, by both brains."""

    intent: str
    goal: str
    rules: tuple[str, ...] = Field(min_length=1)
    kind: Literal["service", "courtesy", "hand_off"] = "service"  # a courtesy gives way to any need
    needs: tuple[Literal["order"], ...] = ()
    proof: Literal[0, 1, 2, 3] = 0
    prefetch: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()  # order states that this is usually about
    absorbs: tuple[str, ...] = ()  # needs that this one answers too
    tools: tuple[str, ...] = ()  # the irreversible tools that it is about
    reason: str | None = None  # the reason that the intent itself gives
    question: Reply | None = None  # what a supplier is asked
    topics: tuple[str, ...] = ()  # of policy statements
    details: Literal["written", "change"] | None = None  # what a colleague must be told to do it
    promises: tuple[str, ...] = ()
    branches: tuple[Branch, ...] = Field(min_length=1)
    replies: dict[str, Reply] = Field(default_factory=dict)


class VerdictWords(Strict):
    """A parcel's verdict: one word for tables, one sentence for a reply."""

    word: dict[str, str]
    line: dict[str, str]


class Match(Strict):
    """Words by which a customer's text is read, by kind; CJK by containment, others by whole words."""

    all: tuple[str, ...]
    one: tuple[str, ...]
    keep: tuple[str, ...]
    again: tuple[str, ...]
    drop: tuple[str, ...]
    asking: tuple[str, ...]  # with these a sentence asks …
    wishing: tuple[str, ...]  # … unless it wishes
    another: tuple[str, ...]  # another order than the one in talk
    other: tuple[str, ...]  # the same, where no choice is open
    further: tuple[str, ...]  # a whole message that asks on about the last topic
    absent: tuple[str, ...]  # what is not there, of an order that came in part
    searched: tuple[str, ...]  # the customer has looked for it already
    money_back: tuple[str, ...]
    no_money: tuple[str, ...]  # what takes the wish for money back again
    returning: tuple[str, ...]
    stop: tuple[str, ...]  # words that tell nothing
    topic: tuple[str, ...]  # words that name a policy as a whole, not what is asked about it
    alike: tuple[tuple[str, ...], ...]  # groups of words that ask for and tell the same
    swap: tuple[str, ...]  # the wish for an exchange
    calling_off: tuple[str, ...]  # the wish for a cancellation
    idle: tuple[str, ...]  # words that name no item
    whole: tuple[str, ...] = ()  # a whole answer that means all of what was listed
    but: tuple[str, ...] = ()  # words that open an exception: "but", "except"
    joins: tuple[str, ...] = ()  # words between numbers: "1 and 3"
    beginnings: tuple[str, ...] = ()  # articles that grow onto words, longest first
    endings: tuple[str, ...] = ()  # of words, longest first; what is left names the same thing
    naming: tuple[str, ...] = ()  # words before one's name
    back: tuple[str, ...] = ()  # the wish to choose anew
    rest: tuple[str, ...] = ()  # what a request has left out
    into: tuple[str, ...] = ()  # words that say what is to be changed into what
    bot: tuple[str, ...] = ()  # the question whether this is a machine
    orders_to_us: tuple[str, ...] = ()  # attempts to command the machine
    adverts: tuple[str, ...] = ()  # what sells something to the shop
    insults: tuple[str, ...] = ()
    furious: tuple[str, ...] = ()  # what only the angry say
    goods: tuple[tuple[str, ...], ...] = ()  # groups of words that name one kind of article
    hardship: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # kind → words
    reasons: dict[str, tuple[str, ...]]
    ordinals: dict[str, tuple[str, ...]]  # "1", "2", … "last"


class Words(Strict):
    """What is said about facts, whatever the intent."""

    verdicts: dict[str, VerdictWords]
    states: dict[str, dict[str, str]]
    reasons: dict[str, dict[str, str]]
    actions: dict[str, dict[str, str]]
    pieces: dict[str, dict[str, str]]  # small forms: dates, lists, heads of parcels
    weekdays: dict[str, tuple[str, ...]]
    months: dict[str, tuple[str, ...]]
    match: Match


class Common(Strict):
    """Replies that belong to no single intent."""

    replies: dict[str, Reply]
