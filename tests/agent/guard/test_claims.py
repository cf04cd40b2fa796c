"""500 false claims and 500 true sentences, written before the detector, and those that came after it."""

from __future__ import annotations

import base64
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.worlds import refused

from xiaoer.agent.guard.checks import MAX_REPLY
from xiaoer.domain.claims import find_claims
from xiaoer.domain.claims.lexicon import index, lexicons
from xiaoer.domain.claims.text import plain

FOLDER = Path(__file__).parent / "claims"
LANGUAGES = ("en", "zh", "zh-Hant", "es", "fr", "de", "pt", "ja", "ko", "ru", "ar")


def rows(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


FALSE, TRUE = rows("false"), rows("true")
LATER_FALSE, LATER_TRUE = rows("false_unseen"), rows("true_unseen")
THIRD_FALSE, THIRD_TRUE = rows("false_third"), rows("true_third")
FOURTH_FALSE, FOURTH_TRUE = rows("false_fourth"), rows("true_fourth")
FIFTH_FALSE, FIFTH_TRUE = rows("false_fifth"), rows("true_fifth")


def test_there_are_enough_of_both_in_every_language() -> None:
    assert len(FALSE) >= 500 and len(TRUE) >= 500
    for some in (FALSE, TRUE):
        counts = Counter(row["lang"] for row in some)
        assert all(counts[lang] >= 40 for lang in LANGUAGES), counts


@pytest.mark.parametrize(
    "some", [FALSE, LATER_FALSE, THIRD_FALSE, FOURTH_FALSE], ids=["before", "after", "third", "fourth"]
)
def test_no_false_claim_is_delivered(some: list[dict[str, Any]]) -> None:
    assert [row["text"] for row in some if not refused(row["text"], row["world"])] == []


@pytest.mark.parametrize(
    "some",
    [TRUE, LATER_TRUE, THIRD_TRUE, FOURTH_TRUE, FIFTH_TRUE],
    ids=["before", "after", "third", "fourth", "fifth"],
)
def test_true_sentences_are_delivered(some: list[dict[str, Any]]) -> None:
    held = [(row["text"], refused(row["text"], row["world"])) for row in some]
    held = [(text, reasons) for text, reasons in held if reasons]
    assert len(held) <= len(some) // 100, held


def test_of_the_newest_false_claims_few_are_delivered() -> None:
    """This set is not fitted to the last one: what it lets through is what is still open."""
    sent = [row["text"] for row in FIFTH_FALSE if not refused(row["text"], row["world"])]
    assert len(sent) <= 3, sent


HEALTHY = [row for row in FALSE if row["lang"] in ("en", "zh", "de", "ru", "ar") and row["world"] == "open"]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(HEALTHY), st.sampled_from(["Hello. ", "您好。", "No problem! ", "不好意思，", "1. "]))
def test_polite_words_before_a_claim_change_nothing(row: dict[str, Any], before: str) -> None:
    assert refused(before + row["text"])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(HEALTHY), st.integers(1, 12))
def test_a_claim_is_seen_through_characters_that_nobody_sees(row: dict[str, Any], step: int) -> None:
    text = row["text"]
    assert refused("\u200b".join(text[at : at + step] for at in range(0, len(text), step)))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([row for row in FALSE if row["lang"] in ("en", "zh") and row["kind"] == "refund"]))
def test_a_claim_is_seen_when_encoded(row: dict[str, Any]) -> None:
    assert refused(base64.b64encode(row["text"].encode()).decode(), row["world"])


RECEIPTS = [row for row in TRUE if row["kind"] == "receipt"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(RECEIPTS))
def test_what_a_receipt_backs_is_false_without_it(row: dict[str, Any]) -> None:
    assert refused(row["text"], "unshipped")


@given(st.text(max_size=300))
@settings(deadline=None)
def test_no_text_breaks_the_detector(text: str) -> None:
    assert all(claim.kind for claim in find_claims(text))


@pytest.mark.parametrize("row", FALSE[::5] + TRUE[::5], ids=lambda row: row["text"][:30])
def test_the_cheap_look_hides_nothing(row: dict[str, Any]) -> None:
    """Whatever a pattern finds in a text, the index of words lets through."""
    text = plain(row["text"])
    worth = index().look(text, re.findall(r"[^\W\d_]+", text))
    for lang, lexicon in lexicons().items():
        for kind in lexicon.kinds:
            if (kind.may.search(text) or kind.wide.search(text)) and not kind.hint.blind:
                assert (lang, kind.name) in worth, (lang, kind.name)


HOSTILE = (
    "a",
    "your refund, order, label ",
    "refund ",
    "x.",
    "a-",
    "退款了",
    "订单已",
    "ла ли ",
    "تم رد ",
    "(",
    "&amp;",
    "%41",
    "QUJD",
    "1 2 ",
)


@pytest.fixture(scope="module")
def word_lists() -> None:
    """Read once a process, before anything is timed."""
    refused("The refund of order #1002 is done. 已退款。")


@pytest.mark.usefixtures("word_lists")
@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hundred_kilobytes_of_anything_are_refused_at_once(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    before = time.process_time()
    assert refused(text)
    assert time.process_time() - before < 0.05


@pytest.mark.usefixtures("word_lists")
@pytest.mark.parametrize("piece", HOSTILE)
def test_the_longest_reply_that_is_read_costs_little(piece: str) -> None:
    text = (piece * MAX_REPLY)[:MAX_REPLY]
    before = time.process_time()
    refused(text)
    assert time.process_time() - before < 0.25


@pytest.mark.parametrize(
    ("text", "world", "fine"),
    [
        ("Once it is approved, the return label then comes here.", "open", True),
        ("Your order no longer exists.", "open", False),
        ("Your order no longer exists.", "cancelled", True),
        ("The money is home again.", "open", False),
        ("The money is not home again.", "open", True),
        ("Is the money home again?", "open", True),
        ("我已经把这单处理掉了。", "open", False),
        ("Ваш заказ стёрт.", "open", False),
    ],
)
def test_a_matter_told_as_over_is_a_claim_unless_something_excuses_it(
    text: str, world: str, fine: bool
) -> None:
    assert (refused(text, world) == []) is fine, refused(text, world)
