"""Loops and days: what is a loop, what is only a busy customer, and which limit comes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from xiaoer.domain.budgets import Budgets, Price, Spent, brake_for, loop_in
from xiaoer.domain.messages import Author, HistoryItem

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def talk(*said: str, gap: float = 60.0) -> list[HistoryItem]:
    """Customer and assistant in turns; the customer answers `gap` seconds after each answer."""
    items, at = [], NOON
    for number, text in enumerate(said):
        items.append(HistoryItem(f"M-{number}", Author.CUSTOMER, text, at))
        items.append(
            HistoryItem(f"A-{number}", Author.ASSISTANT, f"answer {number}", at + timedelta(seconds=1))
        )
        at += timedelta(seconds=1 + gap)
    return items


def looped(*said: str, gap: float = 60.0) -> str | None:
    history = talk(*said, gap=gap)
    last = history[-2]
    brake = loop_in(history[:-2], [(last.text, last.at)], Budgets())
    return brake.word if brake else None


def test_the_same_sentence_five_times_in_a_row_is_a_loop_whatever_its_numbers() -> None:
    machine = [f"Thank you for your message, your ticket is {n}." for n in range(5)]
    assert looped(*machine) == "same_message"
    assert looped(*machine[:4]) is None


@pytest.mark.parametrize("said", ["yes", "ok", "1", "好的"])
def test_a_short_answer_may_be_given_more_often(said: str) -> None:
    assert looped(*[said] * 9) is None
    assert looped(*[said] * 10) == "same_message"


def test_one_address_after_the_other_is_no_loop_and_the_same_one_is() -> None:
    assert looped(*[f"wrong{n}@example.com" for n in range(6)]) is None
    assert looped(*["wrong@example.com"] * 5) == "same_message"


def test_other_words_between_break_the_row() -> None:
    same = "Where is my parcel, please?"
    assert looped(same, same, same, "It is #1002", same, same) is None


def test_asking_for_one_order_after_the_other_is_no_loop() -> None:
    assert looped(*[f"order {n}" for n in range(1001, 1030)]) is None


def test_a_machine_that_answers_our_answers_is_noticed_and_a_quick_script_is_not() -> None:
    assert looped(*["beep", "boop"] * 8, gap=0.5) == "echo"
    assert looped(*["beep", "boop"] * 8, gap=8) is None
    assert looped(*[f"Question {chr(97 + n)} about the goods" for n in range(20)], gap=0.01) is None


def test_nothing_said_is_no_loop() -> None:
    assert loop_in([], [], Budgets()) is None


def test_the_limit_of_a_conversation_gives_it_to_a_person_and_that_of_a_model_does_not() -> None:
    budgets = Budgets(conversation_turns=3, model_tokens=100, model_micro_usd=5)
    assert brake_for({}, budgets) is None
    stopped = brake_for({"conversation": Spent(turns=3), "all": Spent(tokens=500)}, budgets)
    assert stopped is not None and (stopped.word, stopped.stops) == ("conversation_turns", True)
    cheap = brake_for({"all": Spent(tokens=100)}, budgets)
    assert cheap is not None and (cheap.word, cheap.stops) == ("model_tokens", False)
    dear = brake_for({"all": Spent(micro_usd=5)}, budgets)
    assert dear is not None and (dear.word, dear.stops) == ("model_cost", False)


def test_no_limit_is_no_limit() -> None:
    free = Budgets(conversation_tokens=None, store_turns=None)
    assert brake_for({"conversation": Spent(tokens=10**12), "store": Spent(turns=10**9)}, free) is None


def test_a_price_counts_cached_tokens_apart() -> None:
    assert Price(1.0, 0.1, 5.0).micro_usd(1_000, 10_000, 200) == 1_000 + 1_000 + 1_000
