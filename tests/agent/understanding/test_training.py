"""Examples, training and the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from xiaoer.agent.brains.understanding import Understander, load_understander
from xiaoer.agent.brains.understanding import understander as room
from xiaoer.agent.brains.understanding.examples import (
    ANSWER,
    ExamplesInvalid,
    examples_digest,
    load_examples,
)
from xiaoer.domain.understanding import INTENTS, LANGUAGES


def test_every_intent_has_sixty_examples_in_chinese_and_english() -> None:
    examples = load_examples()
    for intent in (*INTENTS, ANSWER):
        for lang in ("zh", "en"):
            texts = {e.text.lower() for e in examples if e.label == intent and e.lang == lang}
            assert len(texts) >= 60, (intent, lang)


def test_no_example_stands_under_two_intents() -> None:
    owners: dict[str, str] = {}
    for example in load_examples():
        assert owners.setdefault(example.text.lower(), example.label) == example.label, example.text


def test_a_file_that_is_no_intent_or_holds_no_text_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "refund_me.yaml").write_text("en: [money]", encoding="utf-8")
    with pytest.raises(ExamplesInvalid, match="refund_me"):
        load_examples(tmp_path)
    (tmp_path / "refund_me.yaml").unlink()
    (tmp_path / "greeting.yaml").write_text("en: [hi, no]", encoding="utf-8")
    with pytest.raises(ExamplesInvalid, match=r"greeting.*quote"):
        load_examples(tmp_path)


def test_a_cached_model_is_loaded_and_not_trained_again(
    understander: Understander, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(room, "train", refuse)
    again = load_understander(cache_dir)
    text = "where is my order #1032"
    assert again.understand(text) == understander.understand(text)


def test_a_corrupted_cache_is_trained_anew(
    understander: Understander, cache_dir: Path, tmp_path: Path
) -> None:
    good = next(cache_dir.glob("*.joblib"))
    (tmp_path / good.name).write_bytes(good.read_bytes()[:1000])
    healed = load_understander(tmp_path)
    assert healed.understand("我要退款").main == "refund_request"
    assert (tmp_path / good.name).stat().st_size > 1000


def test_training_is_repeatable(understander: Understander, tmp_path: Path) -> None:
    again = load_understander(tmp_path)
    for text in ("我的快递到哪了", "cancel my order", "the lamp is broken"):
        assert again.understand(text) == understander.understand(text)


def test_every_language_pack_teaches_every_intent() -> None:
    taught = {(example.lang, example.label) for example in load_examples()}
    for lang in set(LANGUAGES) - {"zh", "en"}:
        assert {label for known, label in taught if known == lang} == {*INTENTS, ANSWER}, lang


def test_a_packs_file_is_refused_by_name(tmp_path: Path) -> None:
    pack = tmp_path / "fr" / "examples.yaml"
    pack.parent.mkdir()
    pack.write_text("refund_me: [argent]", encoding="utf-8")
    with pytest.raises(ExamplesInvalid, match=r"fr/examples.*refund_me"):
        load_examples(packs=tmp_path)
    pack.write_text("greeting: [", encoding="utf-8")
    with pytest.raises(ExamplesInvalid, match=r"fr/examples"):
        load_examples(packs=tmp_path)


def test_the_cache_knows_when_a_pack_has_changed(tmp_path: Path) -> None:
    pack = tmp_path / "fr"
    pack.mkdir()
    (pack / "examples.yaml").write_text("greeting: [salut]", encoding="utf-8")
    before = examples_digest(packs=tmp_path)
    (pack / "lexicon.yaml").write_text("concepts: {refund: [thune]}", encoding="utf-8")
    assert examples_digest(packs=tmp_path) != before
