"""hand_off: the conversation goes to a person, and the customer is told so at once."""

from __future__ import annotations

from typing import Any

from xiaoer.agent.state import State
from xiaoer.domain.messages import HandOff, Reply
from xiaoer.domain.stores import Store, pick
from xiaoer.domain.text import excerpt

_OPEN = {
    "en": "I'd rather have a colleague look at this than guess. They have our whole conversation and will answer you here.",
    "zh": "这个问题我请同事来看，以免说错。同事能看到我们的全部对话，会在这里回复您。",
}
_CLOSED = {
    "en": "I'd rather have a colleague look at this than guess. Our team is away right now; they have our whole conversation and will answer you here as soon as they are back.",
    "zh": "这个问题我请同事来看，以免说错。现在是非工作时间，同事上班后会看到我们的全部对话，第一时间在这里回复您。",
}


async def hand_off(state: State) -> dict[str, Any]:
    given = state["plan"].hand_off or doubtful(state)
    return {"replies": (Reply(given.say),), "hand_off": given, "misses": 0}


def doubtful(state: State) -> HandOff:
    """The guard refused the draft twice."""
    why = "; ".join(state.get("guard_notes", ()))
    return HandOff("guard", f"{_gist(state)} The draft was held back: {why}.", words(state))


def tired(state: State) -> HandOff:
    """The turn has used all its steps or calls."""
    return HandOff("missed", f"{_gist(state)} The turn ran into its limit of steps.", words(state))


def words(state: State) -> str:
    store: Store = state["turn"].store
    local = state["turn"].now.astimezone(store.zone)
    return pick(_OPEN if store.hours.open_at(local) else _CLOSED, state["lang"])


def _gist(state: State) -> str:
    intents = ", ".join(score.id for score in state["understanding"].intents) or "not understood"
    return f"Customer wrote: “{excerpt(' '.join(state['messages']), 160)}” ({intents})."
