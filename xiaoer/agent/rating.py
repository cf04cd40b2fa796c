"""The closing question: asked once when a matter is over, its answer heard, whatever brain is at work."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import yaml

from xiaoer.agent.brains.embedded.memory import Ask, load_memory
from xiaoer.agent.nodes.understand import Understand
from xiaoer.agent.turn import Rating, RunTurn, TurnInput, TurnOutcome
from xiaoer.domain.actions import OPEN
from xiaoer.domain.messages import Author, Reply
from xiaoer.domain.stores import Store

Say = Callable[[Store, str, str, str], str]  # (store, language, sentence, seed)

LOW = 2
CARD: dict[str, Any] = {"type": "rating", "choices": [1, 2, 3, 4, 5]}
_SURE = 0.6  # beside a score, a matter of its own must be at least this clear
_LONGEST = 400
_CLOSING = frozenset({"thanks_bye", "greeting"})
_NUMERALS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5}
_UNIT = r"(?:\s*(?:/|out of|of|von|sur|de|из|من)\s*5(?!\d))?\s*(?:分|颗?星|點|点|stars?|points?|점|балл(?:а|ов)?|⭐|★)?"
_NUMBER = re.compile(rf"\W*([1-5一二两三四五])(?!\d){_UNIT}(?P<end>[\s,，.。!！;；:：、—–-]*)", re.IGNORECASE)
_STARS = re.compile(r"\s*((?:[⭐★🌟]\ufe0f?\s*){1,5})[☆\s]*(?P<end>[,，.。!！;；\n]*)")
_GAP = re.compile(r"[,，.。!！;；:：、—–\n-]|\s-\s")


@dataclass(frozen=True, slots=True)
class Heard:
    rating: Rating
    more: bool = False  # the message is also about a matter that is to be served


def read_score(text: str) -> tuple[int, str] | None:
    """(1 to 5, what else is said) of an answer to the closing question; None when it is none."""
    plain = unicodedata.normalize("NFKC", text).replace("\u20e3", "").replace("\ufe0f", "").strip()
    plain = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in plain)
    if not plain or len(plain) > _LONGEST:
        return None
    if (word := _words().get(_bare(plain))) is not None:
        return word, ""
    if stars := _STARS.match(plain):
        return len(re.findall(r"[⭐★🌟]", stars.group(1))), plain[stars.end() :].strip()
    if (number := _NUMBER.match(plain)) is None:
        return None
    rest = plain[number.end() :].strip()
    if rest and not _GAP.search(number.group("end")):
        return None  # "5 items are missing" is no score
    said = number.group(1)
    return _NUMERALS.get(said) or int(said), rest


class RatedTurns:
    """A RunTurn around the graph."""

    def __init__(self, run_turn: RunTurn, say: Say, understander: Understand) -> None:
        self._run = run_turn
        self._say = say
        self._understander = understander

    async def __call__(self, turn: TurnInput) -> TurnOutcome:
        heard = self._hear(turn)
        if heard is not None and not heard.more:
            return self._thanked(turn, heard.rating)
        outcome = await self._run(turn)
        if heard is not None:
            return replace(outcome, rating=heard.rating)
        return self._asking(turn, outcome) if _closes(turn, outcome) else outcome

    def _hear(self, turn: TurnInput) -> Heard | None:
        """Only what follows the question at once is its answer; everything else is simply served."""
        if turn.rating is None or turn.rating.answered or len(turn.new) != 1:
            return None
        said = [item for item in turn.history if item.author is not Author.CUSTOMER]
        if not said or said[-1].message_id != turn.rating.message_id:
            return None
        found = read_score(turn.new[0].text)
        if found is None:
            return None
        score, rest = found
        return Heard(Rating(score, rest), more=bool(rest) and self._is_matter(turn, rest))

    def _is_matter(self, turn: TurnInput, rest: str) -> bool:
        meaning = self._understander.understand(rest, turn.lang)
        named = any(s.confidence >= _SURE and s.id not in _CLOSING for s in meaning.intents)
        return named or bool(meaning.risk_words)

    def _thanked(self, turn: TurnInput, rating: Rating) -> TurnOutcome:
        low = rating.score <= LOW
        lang = turn.lang or turn.store.languages[0]
        memory = load_memory(turn.memory)
        if low:
            offer = Ask(kind="offer", intent="human_agent")
            memory = memory.model_copy(update={"ask": offer, "expecting": "yes_no", "needs": ()})
        text = self._say(turn.store, lang, "rating_low" if low else "rating_thanks", turn.turn_id)
        return TurnOutcome(
            replies=(Reply(text),),
            drafts=(),
            rejected=(),
            scope=turn.scope,
            memory=memory.dump() if low else turn.memory,
            lang=lang,
            sentiment="unhappy" if low else "neutral",
            hand_off=None,
            trace=_trace(turn, lang),
            rating=rating,
        )

    def _asking(self, turn: TurnInput, outcome: TurnOutcome) -> TurnOutcome:
        text = self._say(turn.store, outcome.lang, "rating_ask", turn.turn_id)
        return replace(outcome, replies=(*outcome.replies, Reply(text, (CARD,))), asks_rating=True)


def _closes(turn: TurnInput, outcome: TurnOutcome) -> bool:
    """A thank-you or good-bye after an answered matter, while nothing of the customer's is open."""
    intents = {intent["id"] for intent in outcome.trace.get("intents", ())}
    over = "thanks_bye" in intents and intents <= _CLOSING and turn.served and turn.rating is None
    waits = turn.promised or any(action.status in OPEN for action in turn.actions)
    open_ = waits or outcome.hand_off or outcome.asked or outcome.promises or not outcome.replies
    return turn.store.attention.ask_rating and over and not open_ and outcome.sentiment != "angry"


def _bare(text: str) -> str:
    """Lower case without signs at the ends; skin tones and variation marks of emoji do not count."""
    kept = "".join(c for c in text.casefold() if c not in "\ufe0f\u200d" and not "🏻" <= c <= "🏿")
    stripped = kept.strip(" \t\n.,!?。，！？~～")
    return stripped[0] if stripped and len(set(stripped)) == 1 and not stripped[0].isalnum() else stripped


@cache
def _words() -> dict[str, int]:
    """Whole answers that are a score: `{"好评": 5, "👎": 1, …}`."""
    text = (resources.files("xiaoer.prompts") / "ratings.yaml").read_text("utf-8")
    return {_bare(str(word)): int(score) for score, words in yaml.safe_load(text).items() for word in words}


def _trace(turn: TurnInput, lang: str) -> dict[str, Any]:
    empty: dict[str, Any] = {
        name: []
        for name in ("intents", "risk_words", "marks", "model_calls", "tool_calls", "proposals", "guard")
    }
    return {
        **empty,
        "turn": turn.turn_id,
        "brain": "rating",
        "prompt": "",
        "lang": lang,
        "slots": {},
        "sentiment": "neutral",
        "notes": ["the closing question was answered"],
        "hand_off": None,
        "ms": 0.0,
    }
