"""What a message carries besides its needs: hardship, an insult, a question about ourselves, an attempt on us."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xiaoer.agent.brains.embedded import reading
from xiaoer.agent.brains.embedded.memory import Need
from xiaoer.agent.brains.embedded.turn import Turn

# Grief and illness are answered in another voice than a date that presses.
_GRAVE = frozenset({"illness", "death"})
_TALK = frozenset({"greeting", "out_of_scope", "thanks_bye", "complaint", "product_question", "human_agent"})
_SHOUT = re.compile(r"[!！]{2,}|[?？]{3,}|[!！][?？]|[?？][!！]|[😡🤬👿😠💢🖕]")
_CAPITALS = re.compile(r"\b[A-ZÀ-ÞА-Я]{3,}\b")
_SHOUTED_WORDS = 3
_VOWEL = re.compile(r"[aeiouyаеиоуыэюяё]")
_ROWS = (
    "asdf",
    "sdfg",
    "dfgh",
    "fghj",
    "ghjk",
    "hjkl",
    "qwer",
    "wert",
    "zxcv",
    "xcvb",
    "фыва",
    "йцук",
    "олдж",
)
_LETTERS = re.compile(r"[a-zа-яё]{2,}")
_LONGEST_SHORTHAND = 4  # "thnx" and "pkgs" are words to those who write them


def read_tone(turn: Turn) -> None:
    """Marks the turn before its needs are read; what is only an attempt on us has none."""
    match, said = turn.playbooks.words.match, reading.plain(turn.view.text)
    kinds = (kind for kind, words in match.hardship.items() if reading.mentions(said, words))
    turn.tags = tuple(dict.fromkeys((*turn.memory.tags, *turn.view.understanding.risk_words, *kinds)))
    turn.loud = _loud(turn, said)
    turn.unwanted = _unwanted(turn, said)
    turn.silent = turn.unwanted and turn.memory.unwanted > 0


def _loud(turn: Turn, said: str) -> bool:
    """Anger that a person would hear too, whatever the classifier makes of a plain demand."""
    match, text = turn.playbooks.words.match, turn.view.text
    shouted = bool(_SHOUT.search(text)) or len(_CAPITALS.findall(text)) >= _SHOUTED_WORDS
    words = (*match.insults, *match.furious)
    threat = bool(turn.view.understanding.risk_words) or turn.view.understanding.main == "complaint"
    again = turn.memory.upset and bool(turn.view.understanding.intents)
    return again or threat or shouted or reading.mentions(said, words)


def _unwanted(turn: Turn, said: str) -> bool:
    """Orders to the machine, or advertising, where nothing of an order is spoken of."""
    slots = turn.view.understanding.slots
    if turn.memory.ask is not None or slots.order_no or slots.tracking_no:
        return False
    match = turn.playbooks.words.match
    return reading.mentions(said, (*match.orders_to_us, *match.adverts))


def gibberish(text: str) -> bool:
    """ "asdfgh jkl": letters in heaps that no language has."""
    said = reading.plain(text)
    words = _LETTERS.findall(said)
    if not words or any(char.isdigit() for char in said) or len(said) > sum(map(len, words)) * 2:
        return False
    heaps = sum(map(_is_heap, words))
    return heaps > 0 and heaps * 2 >= len(words)


def _is_heap(word: str) -> bool:
    unspeakable = len(word) > _LONGEST_SHORTHAND and not _VOWEL.search(word)
    return unspeakable or any(row in word for row in _ROWS)


def answer_tone(turn: Turn, needs: Sequence[Need]) -> tuple[Need, ...]:
    """The needs that are left once the tone is answered, which comes first in the reply."""
    needs = _without_doubts_about_us(turn, needs)
    match, said = turn.playbooks.words.match, reading.plain(turn.view.text)
    serious = [need for need in needs if need.intent not in _TALK]
    if reading.mentions(said, match.insults) and not serious and not turn.memory.calmed:
        turn.calm, turn.missed, turn.kept = True, False, turn.memory.ask
        turn.first.append("calm")
        return ()
    _be_human(turn, serious)
    return tuple(needs)


def _be_human(turn: Turn, serious: Sequence[Need]) -> None:
    """One sentence for a hardship that is told for the first time; the facts follow."""
    new = [tag for tag in turn.tags if tag in turn.playbooks.words.match.hardship]
    fresh = [tag for tag in new if tag not in turn.memory.tags]
    if fresh and serious and fresh == new:
        turn.first.append("gentle_grave" if _GRAVE & set(fresh) else "gentle_date")


def _without_doubts_about_us(turn: Turn, needs: Sequence[Need]) -> Sequence[Need]:
    """ "Are you a bot?" is answered; it is no wish for a person unless one is wished for too."""
    match, said = turn.playbooks.words.match, reading.plain(turn.view.text)
    if not reading.mentions(said, match.bot):
        return needs
    turn.first.append("i_am_ai")
    turn.missed = False
    turn.kept = turn.kept or turn.memory.ask
    for word in match.bot:
        said = said.replace(reading.plain(word), " ")
    wished = reading.mentions(said, match.wishing)
    left = [need for need in needs if need.intent not in _TALK or (need.intent == "human_agent" and wished)]
    return left or turn.memory.needs  # what waits for an answer is asked again, in other words
