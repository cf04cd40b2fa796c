"""Which language an answer is in when a message hardly tells."""

from __future__ import annotations

import pytest
from support.drive import meaning

from xiaoer.agent.nodes.understand import language_of


@pytest.mark.parametrize(
    ("text", "heard", "known", "answered"),
    [
        ("no", "es", "en", "en"),  # a word of several languages
        ("ok", "en", "de", "de"),
        ("1002", "en", "fr", "fr"),
        ("asdfgh jkl", "de", "en", "en"),
        ("no", "es", None, "es"),
        ("我没收到", "zh", "en", "zh"),
        ("ok", "en", "zh", "en"),
        ("¿eres un bot?", "fr", "en", "es"),
        ("je veux un remboursement", "fr", "en", "fr"),
    ],
)
def test_a_word_or_two_keep_the_language_of_the_conversation(text, heard, known, answered):
    assert language_of(text, meaning(lang=heard), known) == answered


def test_a_short_message_with_a_need_may_switch_the_language() -> None:
    assert language_of("mi reembolso", meaning("refund_status", lang="es"), "en") == "es"
