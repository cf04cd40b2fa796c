"""Yes, no and "either", and nothing else taken for them."""

from __future__ import annotations

import pytest

from xiaoer.agent.brains.understanding.answers import read_answer
from xiaoer.agent.brains.understanding.text import fold, simplify


@pytest.mark.parametrize(
    "text",
    [
        "好的",
        "嗯",
        "嗯嗯好的谢谢",
        "可以",
        "sure go ahead",
        "Yes, please.",
        "yep",
        "👍",
        "是的 1032",
        "ja, bitte",
        "oui",
        "sí, claro",
        "對",
    ],
)
def test_a_yes_is_a_yes(text: str) -> None:
    assert read_answer(simplify(fold(text))) == "yes"


@pytest.mark.parametrize(
    "text",
    ["不用了", "不要", "好的，不用了", "no thanks", "Nope", "don't do that", "nein danke", "non merci"],
)
def test_a_no_is_a_no(text: str) -> None:
    assert read_answer(text) == "no"


@pytest.mark.parametrize("text", ["都行", "随便", "either is fine", "whatever", "up to you"])
def test_either_is_any(text: str) -> None:
    assert read_answer(text) == "any"


@pytest.mark.parametrize(
    "text",
    [
        "好的，那我的另一个订单呢",
        "yes please refund the other one too",
        "no, where is it",
        "",
        "1032",
        "可以退吗",
        "not that I know of, but my parcel is late",
        "yes? no? what did you mean",
    ],
)
def test_a_message_with_another_need_is_no_answer(text: str) -> None:
    assert read_answer(text) is None
