"""The language that carries a sentence, whatever words are borrowed for it."""

from __future__ import annotations

import pytest

from xiaoer.agent.brains.understanding import Understander


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("我件嘢去咗邊", "zh-Hant"),
        ("可以幫我看一下訂單嗎", "zh-Hant"),
        ("帮我track一下这个order", "zh"),
        ("where is my 快递 please, I need it today", "en"),
        ("mi tracking dice delivered pero no tengo nada", "es"),
        ("mein tracking sagt delivered aber nichts da", "de"),
        ("el order beta3y wasal fen", "ar"),
        ("3ayez arga3 el order da", "ar"),
        ("注文番号 1032", "ja"),
        ("ou est mon colis", "fr"),
        ("nao recebi meu pedido", "pt"),
        ("no me ha llegado el pedido", "es"),
        ("I bought 2 pcs of the 3xl shirt", "en"),
    ],
)
def test_the_language_is_the_sentences(understander: Understander, text: str, lang: str) -> None:
    assert understander.understand(text).lang == lang
