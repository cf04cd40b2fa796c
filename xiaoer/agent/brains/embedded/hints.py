"""What a message hints at by single words, whatever its intents are."""

from __future__ import annotations

from xiaoer.agent.brains.embedded import reading
from xiaoer.agent.brains.embedded.memory import WORDS_KEPT
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.domain.actions import OPEN


def wants_money(turn: Turn) -> bool:
    """ "算了，退钱": money back is wished for after all."""
    said, match = reading.plain(turn.view.text), turn.playbooks.words.match
    return reading.mentions(said, match.money_back) and not declines_money(turn)


def declines_money(turn: Turn) -> bool:
    """ "No refund, just the label"."""
    return reading.mentions(reading.plain(turn.view.text), turn.playbooks.words.match.no_money)


def open_request(turn: Turn) -> bool:
    return any(action.status in OPEN for action in turn.view.actions)


def names_deed(turn: Turn) -> bool:
    """Whether a cancellation or an exchange is wished for by its name, or a person."""
    said, match = reading.plain(turn.view.text), turn.playbooks.words.match
    person = {"human_agent", "complaint"} & {score.id for score in turn.view.understanding.intents}
    return bool(person) or reading.mentions(said, (*match.calling_off, *match.swap))


def explains(turn: Turn) -> bool:
    """ "Because I changed my mind", after the request has been made: a reason, not another wish."""
    said, match = reading.plain(turn.view.text), turn.playbooks.words.match
    return (
        open_request(turn)
        and reading.read_reason(said, match) is not None
        and not names_deed(turn)
        and not turn.view.understanding.slots.order_no
    )


def means_another(turn: Turn) -> bool:
    """ "不是这个单，是另一个": another order of the same customer; with a choice open, only if it says order."""
    match, said = turn.playbooks.words.match, reading.plain(turn.view.text)
    if not turn.memory.order_no or turn.view.understanding.slots.order_no:
        return False
    loose = () if turn.memory.ask is not None and turn.memory.ask.options else match.other
    return reading.mentions(said, (*match.another, *loose))


def join(old: str, new: str) -> str:
    return (old if new in old else f"{old}\n{new}" if old else new)[-WORDS_KEPT:]
