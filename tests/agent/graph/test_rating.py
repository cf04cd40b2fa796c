"""The closing question is asked once, its answer heard, and every other message simply served."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.inbox import outcome_of
from support.turns import NOW, a_turn, an_action

from xiaoer.agent.rating import RatedTurns, read_score
from xiaoer.agent.turn import RatingAsked, TurnInput, TurnOutcome
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.messages import Author, HandOff, HistoryItem
from xiaoer.domain.understanding import IntentScore, Understanding

SCORES = {
    "5": 5,
    "５分": 5,
    "五星": 5,
    "4/5": 4,
    "4 out of 5": 4,
    "⭐⭐⭐⭐": 4,
    "★★★☆☆": 3,
    "3️⃣": 3,
    "👍": 5,
    "👍🏽👍🏽": 5,
    "👎": 1,
    "好评": 5,
    "差评！": 1,
    "不满意": 2,
    "very good": 5,
    "Sehr gut!": 5,
    "muy bien": 5,
    "最悪": 1,
    "별로예요": 2,
    "ужасно": 1,
    "ممتاز": 5,
    "٤": 4,
}
NO_SCORES = (
    "1005",
    "10",
    "0",
    "5 items are missing",
    "where is it?",
    "#1004",
    "no",
    "1234",
    "5kg lamp?",
    "",
    "…",
)


@pytest.mark.parametrize(("text", "score"), SCORES.items())
def test_scores_are_read_however_they_are_written(text: str, score: int) -> None:
    assert read_score(text) == (score, "")


@pytest.mark.parametrize("text", NO_SCORES)
def test_other_numbers_and_words_are_no_score(text: str) -> None:
    assert read_score(text) is None


def test_what_is_said_beside_a_score_is_its_comment() -> None:
    assert read_score("5, very helpful thanks") == (5, "very helpful thanks")
    assert read_score("2分，太慢了") == (2, "太慢了")


@given(st.text(max_size=500))
def test_any_text_is_read_without_a_fault_and_scores_lie_between_one_and_five(text: str) -> None:
    found = read_score(text)
    assert found is None or found[0] in range(1, 6)


class Ears:
    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding:
        intents = (IntentScore("refund_request", 0.9),) if "money back" in text else ()
        return Understanding("en", intents)


class Graph:
    """Answers everything; `intents` are what it understood."""

    def __init__(self, *intents: str, **changes: Any) -> None:
        self.intents, self.changes = intents, changes
        self.turns: list[TurnInput] = []

    async def __call__(self, turn: TurnInput) -> TurnOutcome:
        self.turns.append(turn)
        trace = {"intents": [{"id": intent, "confidence": 0.9} for intent in self.intents]}
        return replace(outcome_of(turn, "an answer", **self.changes), trace=trace)


QUESTION = HistoryItem("M-Q", Author.ASSISTANT, "1 to 5?", NOW)


def asked_turn(
    *texts: str, answered: bool = False, last: HistoryItem = QUESTION, **changes: Any
) -> TurnInput:
    turn = a_turn(*texts, history=(last,), **changes)
    return replace(turn, lang="en", rating=RatingAsked("M-Q", answered), served=True)


def run(turn: TurnInput, graph: Graph) -> TurnOutcome:
    def say(store: Any, lang: str, name: str, seed: str) -> str:
        return name

    return asyncio.run(RatedTurns(graph, say, Ears())(turn))


def texts(outcome: TurnOutcome) -> list[str]:
    return [reply.text for reply in outcome.replies]


def test_a_score_is_thanked_once_without_asking_a_brain() -> None:
    graph = Graph()
    outcome = run(asked_turn("5, quick"), graph)
    assert texts(outcome) == ["rating_thanks"] and graph.turns == []
    assert outcome.rating is not None and (outcome.rating.score, outcome.rating.comment) == (5, "quick")
    assert not outcome.asks_rating


def test_a_low_score_is_offered_a_person() -> None:
    outcome = run(asked_turn("2"), Graph())
    assert texts(outcome) == ["rating_low"]
    assert outcome.memory["ask"]["intent"] == "human_agent" and outcome.memory["expecting"] == "yes_no"


def test_a_score_with_a_matter_is_kept_and_the_matter_served() -> None:
    graph = Graph("refund_request")
    outcome = run(asked_turn("1. I want my money back"), graph)
    assert texts(outcome) == ["an answer"] and len(graph.turns) == 1
    assert outcome.rating is not None and outcome.rating.score == 1


@pytest.mark.parametrize(
    "turn",
    [
        asked_turn("where is my parcel?"),
        asked_turn("5", answered=True),
        asked_turn("5", last=replace(QUESTION, message_id="M-other")),
        asked_turn("5", "and now?"),
        replace(asked_turn("5"), rating=None),
    ],
    ids=["another message", "answered before", "another question since", "two messages", "never asked"],
)
def test_everything_else_is_simply_served(turn: TurnInput) -> None:
    graph = Graph()
    outcome = run(turn, graph)
    assert texts(outcome)[0] == "an answer" and outcome.rating is None and len(graph.turns) == 1


THANKS = replace(a_turn("thanks, bye"), lang="en", served=True)


def test_a_thank_you_after_an_answered_matter_is_the_moment_to_ask() -> None:
    outcome = run(THANKS, Graph("thanks_bye"))
    assert texts(outcome) == ["an answer", "rating_ask"] and outcome.asks_rating
    assert outcome.replies[-1].cards == ({"type": "rating", "choices": [1, 2, 3, 4, 5]},)


PENDING = an_action("issue_refund", ActionStatus.PENDING)


@pytest.mark.parametrize(
    ("turn", "graph"),
    [
        (replace(THANKS, served=False), Graph("thanks_bye")),
        (replace(THANKS, rating=RatingAsked("M-Q", False)), Graph("thanks_bye")),
        (replace(THANKS, promised=True), Graph("thanks_bye")),
        (replace(THANKS, actions=(PENDING,)), Graph("thanks_bye")),
        (THANKS, Graph("thanks_bye", "refund_request")),
        (THANKS, Graph("track_parcel")),
        (THANKS, Graph("thanks_bye", asked="lines")),
        (THANKS, Graph("thanks_bye", sentiment="angry")),
        (THANKS, Graph("thanks_bye", hand_off=HandOff("asked", "", "a person"))),
    ],
    ids=["nothing served", "asked", "promised", "waits", "a need", "no thanks", "asks", "angry", "a person"],
)
def test_while_anything_is_open_nothing_is_asked(turn: TurnInput, graph: Graph) -> None:
    assert not run(turn, graph).asks_rating


def test_a_store_that_does_not_ask_is_not_made_to() -> None:
    store = replace(THANKS.store, attention=replace(THANKS.store.attention, ask_rating=False))
    assert not run(replace(THANKS, store=store), Graph("thanks_bye")).asks_rating
