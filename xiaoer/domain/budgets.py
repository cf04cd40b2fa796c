"""How much one sender, one conversation, one shop and one day may cost, and what happens at the limit.

A spent budget never silences anybody: the embedded brain goes on where the model may not, and a person
gets the conversation where going on makes no sense. Pure: counts in, a word out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from xiaoer.domain.messages import Author, HistoryItem
from xiaoer.domain.text import clean_text


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens; zero where it is not known."""

    input: float = 0.0
    cached: float = 0.0
    output: float = 0.0

    def micro_usd(self, fresh: int, cached: int, output: int) -> int:
        """Millionths of a dollar; `fresh` are the input tokens that no cache had."""
        return round(fresh * self.input + cached * self.cached + output * self.output)


@dataclass(frozen=True, slots=True)
class Budgets:
    """Per day (UTC) unless said otherwise; None: no such limit."""

    same_message: int = 5  # the same sentence so often in a row; of a word like "yes" twice as often
    echoes: int = 10  # answers in a row that came faster than a person can read, and were three at most
    echo_within: timedelta = timedelta(seconds=2)
    conversation_turns: int | None = 300
    sender_messages: int | None = 400
    sender_characters: int | None = 200_000
    store_turns: int | None = 20_000
    conversation_tokens: int | None = 300_000
    store_tokens: int | None = None
    model_tokens: int | None = None
    model_micro_usd: int | None = None
    price: Price = Price()


@dataclass(frozen=True, slots=True)
class Spent:
    """What one scope has used today."""

    turns: int = 0
    messages: int = 0
    characters: int = 0
    tokens: int = 0
    micro_usd: int = 0


@dataclass(frozen=True, slots=True)
class Brake:
    """`word` is one of a fixed set; `stops` gives the conversation to a person, else the embedded brain answers."""

    word: str
    stops: bool


NOTHING = Spent()
# (word, scope, what is counted, the limit's name, whether it ends in a person); the first that is passed counts.
_RULES: tuple[tuple[str, str, str, str, bool], ...] = (
    ("conversation_turns", "conversation", "turns", "conversation_turns", True),
    ("sender_messages", "sender", "messages", "sender_messages", True),
    ("sender_characters", "sender", "characters", "sender_characters", True),
    ("model_tokens", "all", "tokens", "model_tokens", False),
    ("model_cost", "all", "micro_usd", "model_micro_usd", False),
    ("store_tokens", "store", "tokens", "store_tokens", False),
    ("conversation_tokens", "conversation", "tokens", "conversation_tokens", False),
    ("store_turns", "store", "turns", "store_turns", False),
)


def brake_for(spent: Mapping[str, Spent], budgets: Budgets) -> Brake | None:
    """`spent` by scope: all, store, sender, conversation."""
    for word, scope, counted, limit_name, stops in _RULES:
        limit = getattr(budgets, limit_name)
        if limit is not None and getattr(spent.get(scope, NOTHING), counted) >= limit:
            return Brake(word, stops)
    return None


def loop_in(
    history: Sequence[HistoryItem], new: Iterable[tuple[str, datetime]], budgets: Budgets
) -> Brake | None:
    """The same words again and again, or a machine that answers our answers."""
    said = [(item.text, item.at) for item in history if item.author is Author.CUSTOMER]
    said += list(new)
    if not said:
        return None
    often = budgets.same_message * (1 if len(_bones(said[-1][0])) >= _SENTENCE else 2)
    if _repeats(said) >= often:
        return Brake("same_message", stops=True)
    fast = _echoes(history, said, budgets.echo_within)
    # Speed alone is no sign: a script that asks one thing after the other is welcome.
    if len(fast) >= budgets.echoes and len({_bones(text) for text, _ in fast[-budgets.echoes :]}) <= _FEW:
        return Brake("echo", stops=True)
    return None


def _repeats(said: Sequence[tuple[str, datetime]]) -> int:
    count = 0
    for text, _ in reversed(said):
        if _bones(text) != _bones(said[-1][0]):
            break
        count += 1
    return count


# A machine's answers differ in numbers alone: tickets, times, counters.
_CHANGING = re.compile(r"[\d\W_]+")
_ADDRESS = re.compile(r"\S+@\S+")  # offered as a proof, it is what is said, numbers and all
_SENTENCE = 12  # letters; in less, numbers are what is said: "order 1001", "order 1002"
_FEW = 3


def _bones(text: str) -> str:
    cleaned = clean_text(text).text.casefold()
    if _ADDRESS.search(cleaned):
        return cleaned
    letters = _CHANGING.sub(" ", cleaned).strip()
    return letters if len(letters) >= _SENTENCE else cleaned


def _echoes(
    history: Sequence[HistoryItem], said: Sequence[tuple[str, datetime]], within: timedelta
) -> list[tuple[str, datetime]]:
    """The last messages in a row that came within moments of our answer before them."""
    ours = [item.at for item in history if item.author is Author.ASSISTANT]
    fast = []
    for text, at in reversed(said):
        before = [moment for moment in ours if moment <= at]
        if not before or at - before[-1] > within:
            break
        fast.append((text, at))
    return fast[::-1]
