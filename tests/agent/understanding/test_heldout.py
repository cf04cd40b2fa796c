"""What is measured was never learned."""

from __future__ import annotations

import pytest
from support.independence import (
    PROMPTS,
    Likeness,
    Row,
    fresh_names,
    measured_rows,
    taught_files,
    taught_texts,
)

from xiaoer.domain.understanding import INTENTS

SEEN = ("heldout", "development")
MEASURED = (*SEEN, *fresh_names())


@pytest.fixture(scope="module")
def taught() -> list[str]:
    return taught_texts()


@pytest.fixture(scope="module")
def taught_likeness(taught: list[str]) -> Likeness:
    return Likeness(taught)


def bare(text: object) -> str:
    return str(text).strip().lower()


def with_needs(name: str) -> list[Row]:
    rows = measured_rows(name)
    return rows if name not in SEEN else [row for row in rows if row["set"] in {"intent", "needs"}]


@pytest.mark.parametrize("name", MEASURED)
def test_no_measured_message_is_an_example_or_nearly_one(name: str, taught_likeness: Likeness) -> None:
    close = [
        (row["text"], text)
        for row in with_needs(name)
        if row["intents"] not in ([], ["greeting"], ["thanks_bye"])  # "hello there" has not many forms
        for text in taught_likeness.like(row["text"])
    ]
    assert close == []


@pytest.mark.parametrize("name", MEASURED)
def test_the_exact_words_of_a_measured_message_are_never_an_example(name: str, taught: list[str]) -> None:
    known = set(map(bare, taught))
    asking = [row for row in with_needs(name) if row["intents"]]  # a bare number or address has one form
    assert [row["text"] for row in asking if bare(row["text"]) in known] == []


def test_the_examples_of_every_language_pack_are_compared() -> None:
    folders = {path.parent.name for path in taught_files()}
    packs = {path.parent.name for path in PROMPTS.glob("languages/*/examples.yaml")}
    assert folders == {"examples", "messages", "understanding", *packs}
    assert len(taught_texts()) > 1000


@pytest.mark.parametrize(
    ("taught_text", "measured"),
    [
        ("帮我查一下订单10432现在到哪里了", "幫我查一下訂單20977現在到哪裡了？"),
        (
            "My order 5120 still hasn't arrived, where is it?",
            "my order 7741 STILL hasn't arrived where is it",
        ),
        ("¿Dónde está mi pedido 3105, por favor?", "donde esta mi pedido 8812 por favor"),
    ],
)
def test_another_number_accent_or_script_does_not_hide_a_copy(taught_text: str, measured: str) -> None:
    assert Likeness([taught_text]).like(measured) == [taught_text]


def test_another_sentence_about_the_same_matter_is_no_copy() -> None:
    assert Likeness(["My order still hasn't arrived, where is it?"]).like("no sign of the parcel yet") == []


def test_the_held_out_messages_cover_every_intent_in_chinese_and_english() -> None:
    held = [row for row in measured_rows("heldout") if row["set"] == "intent"]
    assert len(held) >= 200
    for lang in ("zh", "en"):
        covered = {intent for row in held if row["lang"] == lang for intent in row["intents"]}
        assert covered == set(INTENTS)
