"""The fresh messages are whole: every language, every need, labels that hold, numbers that check."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from support.independence import Likeness, fresh_names, measured_rows

from xiaoer.agent.brains.understanding.carriers import s10_check, ups_check, usps_check
from xiaoer.agent.brains.understanding.text import fold
from xiaoer.domain.understanding import INTENTS, LANGUAGES, SENTIMENTS

KINDS = {"order_no", "tracking_no", "phone_tail", "email", "carrier"}
FIELDS = {"set", "lang", "text", "intents", "sentiment", "slots", "risk"}
OFTEN = {"zh", "en"}
CHECKS = (
    (re.compile(r"1Z[0-9A-Z]{16}"), ups_check),
    (re.compile(r"[A-Z]{2}\d{9}[A-Z]{2}"), s10_check),
    (re.compile(r"9[1-5]\d{20}"), usps_check),
)


def squeezed(text: str) -> str:
    return re.sub(r"[\s().-]", "", fold(text)).upper()


def test_there_is_a_file_for_every_language_of_the_embedded_brain() -> None:
    assert set(fresh_names()) == {f"fresh/{lang}" for lang in LANGUAGES}
    assert sum(len(measured_rows(name)) for name in fresh_names()) >= 760


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_label_is_one_that_exists(lang: str) -> None:
    for row in measured_rows(f"fresh/{lang}"):
        assert set(row) == FIELDS
        assert row["lang"] == lang
        assert 1 <= len(row["intents"]) <= 3
        assert len(set(row["intents"])) == len(row["intents"])
        assert set(row["intents"]) <= set(INTENTS)
        assert row["sentiment"] in SENTIMENTS
        assert set(row["slots"]) <= KINDS


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_intent_is_the_main_one_at_least_twice(lang: str) -> None:
    mains = Counter(row["intents"][0] for row in measured_rows(f"fresh/{lang}"))
    least = 4 if lang in OFTEN else 2
    assert [intent for intent in INTENTS if mains[intent] < least] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_needs_moods_and_slots_are_as_mixed_as_at_a_real_desk(lang: str) -> None:
    rows = measured_rows(f"fresh/{lang}")
    moods = Counter(row["sentiment"] for row in rows)
    assert sum(len(row["intents"]) > 1 for row in rows) >= 0.2 * len(rows)
    assert sum(bool(row["slots"]) for row in rows) >= 0.35 * len(rows)
    assert moods["angry"] >= 0.12 * len(rows)
    assert moods["unhappy"] >= 0.18 * len(rows)
    assert moods["happy"] >= 0.07 * len(rows)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_labelled_value_stands_in_its_message(lang: str) -> None:
    for row in measured_rows(f"fresh/{lang}"):
        typed = squeezed(row["text"])
        values = [value for kind, found in row["slots"].items() if kind != "carrier" for value in found]
        assert [value for value in values if squeezed(value) not in typed] == [], row["text"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_tracking_numbers_carry_their_check_digit_and_mails_lead_nowhere(lang: str) -> None:
    for row in measured_rows(f"fresh/{lang}"):
        for number in row["slots"].get("tracking_no", ()):
            assert all(check(number) for shape, check in CHECKS if shape.fullmatch(number)), number
        assert all(mail.endswith("@example.com") for mail in row["slots"].get("email", ()))


def test_no_fresh_message_is_another_one_again() -> None:
    texts = [row["text"] for name in fresh_names() for row in measured_rows(name)]
    likeness = Likeness(texts)
    assert [(text, found) for text in texts if len(found := likeness.like(text)) > 1] == []
