"""How the customer feels: the classifier's opinion, which has heard the words and marks of feelings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from xiaoer.agent.brains.understanding.classifier import Array, Model, soften
from xiaoer.agent.brains.understanding.examples import Example
from xiaoer.agent.brains.understanding.feelings import feelings_in
from xiaoer.agent.brains.understanding.words import read_words

NEUTRAL, ANGRY = "neutral", "angry"
_SHOUTING = 1.5  # nats, for a message in capitals
# Needs that people name calmly: without a word of feeling such an example is a neutral one.
_PLAIN = frozenset(
    [
        "track_parcel",
        "product_question",
        "stock_question",
        "invoice_request",
        "shipping_policy",
        "return_policy",
        "change_address",
        "change_order",
        "price_promotion",
        "exchange_item",
        "when_ship",
        "greeting",
        "return_item",
        "cancel_order",
        "payment_issue",
    ]
)
_PLAIN_A_LANGUAGE = 3  # of each of these needs
# What a matter does to a mood by itself, in nats.
_LEANINGS: dict[str, dict[str, float]] = {
    "delivery_overdue": {"unhappy": 1.6, "angry": 0.8, "happy": -2.0},
    "damaged_or_wrong_item": {"unhappy": 1.4, "angry": 0.6, "happy": -1.5},
    "not_received": {"unhappy": 1.2, "angry": 0.8, "happy": -2.0},
    "refund_request": {"unhappy": 1.2, "angry": 0.8, "happy": -2.0},
    "payment_issue": {"unhappy": 1.2, "angry": 0.3, "happy": -2.0},
    "complaint": {"unhappy": 1.2, "angry": 1.8, "happy": -2.0},
    "tracking_invalid": {"unhappy": 0.6, "happy": -1.5},
    "partial_delivery": {"unhappy": 0.6, "happy": -1.0},
    "refund_status": {"unhappy": 0.4, "happy": -1.0},
    "human_agent": {"unhappy": 0.4, "happy": -1.0},
    "thanks_bye": {"happy": 1.2},
}


def mood_examples(examples: Sequence[Example], normalise: Callable[[str], str]) -> tuple[Example, ...]:
    """The labelled moods, and plain questions as neutral ones."""
    labelled = [
        Example(text, mood, lang)
        for lang, moods in read_words("mood_examples").items()
        for mood, texts in moods.items()
        for text in texts
    ]
    return (*labelled, *_plain(examples, normalise))


def _plain(examples: Sequence[Example], normalise: Callable[[str], str]) -> Iterator[Example]:
    taken: Counter[tuple[str, str]] = Counter()
    for example in examples:
        key = (example.label, example.lang)
        if example.label not in _PLAIN or taken[key] >= _PLAIN_A_LANGUAGE:
            continue
        if "!" not in example.text and not any(feelings_in(normalise(example.text))):
            taken[key] += 1
            yield Example(example.text, NEUTRAL, example.lang)


def choose_mood(model: Model, feelings: Array, needs: Mapping[str, float], *, shouted: bool) -> str:
    """The likeliest mood; who reports a trouble is rarely in a good one, whatever the words."""
    shares = np.log(soften(feelings, model.mood_sharpness) + 1e-6)
    for need, share in needs.items():
        for mood, bonus in _LEANINGS.get(need, {}).items():
            if mood in model.moods:
                shares[model.moods.index(mood)] += bonus * share
    if shouted and ANGRY in model.moods:
        shares[model.moods.index(ANGRY)] += _SHOUTING
    return model.moods[int(shares.argmax())]
