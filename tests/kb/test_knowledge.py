"""Questions find the entry that answers them, in both languages, and only in their own store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from xiaoer.kb.entries import BUILT_IN, KnowledgeRefused, load_entries
from xiaoer.kb.index import open_chroma
from xiaoer.kb.knowledge import Knowledge
from xiaoer.storage.engine import make_engine
from xiaoer.storage.metadata import shop_metadata

NOW = datetime(2026, 11, 22, tzinfo=UTC)
STORES = ("demo-us", "demo-cn")


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    home = tmp_path_factory.mktemp("kb")
    engine = make_engine(f"sqlite:///{home}/shop.db")
    shop_metadata.create_all(engine)
    yield Knowledge.build(open_chroma(home / "chroma"), BUILT_IN, STORES, engine, lambda: NOW)
    engine.dispose()


@pytest.mark.parametrize(
    ("store", "question", "entry"),
    [
        ("demo-us", "is the steel bottle safe in the dishwasher?", "bottle.safe"),
        ("demo-us", "does the lamp come with a light bulb", "lamp.bulb"),
        ("demo-us", "Do you deliver to Canada", "ship.countries"),
        ("demo-us", "how do your earbuds connect to my iphone", "earbuds.battery"),
        ("demo-us", "瑜伽垫多厚", "mat.material"),
        ("demo-cn", "这个杯子能装热咖啡不", "cup.hot"),
        ("demo-cn", "我170 65公斤穿什么码", "dress.size"),
        ("demo-cn", "耳机左边没声音了", "earphone.pair"),
        ("demo-cn", "能发顺丰吗", "courier.choose"),
    ],
)
def test_a_question_finds_its_entry(knowledge: Knowledge, store: str, question: str, entry: str) -> None:
    assert knowledge.search(store, question, None, 3)[0].entry_id == entry


@pytest.mark.parametrize(
    "question", ["who is the president", "what's the weather tomorrow", "今天天气怎么样", "", "🙂🙂", "%%%"]
)
def test_what_no_entry_answers_finds_nothing(knowledge: Knowledge, question: str) -> None:
    assert knowledge.search("demo-us", question, None, 3) == []


def test_an_answer_comes_in_the_language_asked_for(knowledge: Knowledge) -> None:
    hit = knowledge.get("demo-cn", "cup.hot")
    assert hit is not None
    assert "Coffee" in hit.text
    assert "咖啡" in knowledge.search("demo-cn", "保温杯能装咖啡吗", "zh", 1)[0].text


def test_a_store_never_sees_the_entries_of_another(knowledge: Knowledge) -> None:
    assert knowledge.get("demo-cn", "bottle.safe") is None
    own = {entry.id for entry in load_entries(BUILT_IN, "demo-cn")}
    found = knowledge.search("demo-cn", "does the desk lamp come with a bulb, usb powered", "en", 10)
    assert {hit.entry_id for hit in found} <= own


def test_a_gap_is_kept_once_per_key(knowledge: Knowledge) -> None:
    first = knowledge.report_gap("demo-us", "is it vegan?", "C-1", "turn-1")
    assert knowledge.report_gap("demo-us", "is it vegan?", "C-1", "turn-1") == first
    assert [gap.question for gap in knowledge.gaps("demo-us")] == ["is it vegan?"]


def test_an_index_is_reused_when_no_word_changed(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/shop.db")
    shop_metadata.create_all(engine)
    client = open_chroma(tmp_path / "chroma")
    for _ in range(2):
        Knowledge.build(client, BUILT_IN, ["demo-us"], engine, lambda: NOW)
    assert len(client.list_collections()) == 1


def test_an_entry_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(
        "entries: [{id: a.b, title: {en: A}, phrasings: [a], answer: {en: a}, colour: red}]"
    )
    with pytest.raises(KnowledgeRefused, match="colour"):
        load_entries(tmp_path, "shop")


def test_an_entry_that_is_out_of_date_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "entries:\n- {id: sale, title: {en: Winter sale}, phrasings: [is there a winter sale], answer: {en: yes}, expires: 2026-01-31}\n"
        "- {id: other, title: {en: Umbrella}, phrasings: [is the umbrella big], answer: {en: It is}}\n".replace(
            "en: yes", "en: 'Yes.'"
        )
    )
    engine = make_engine(f"sqlite:///{tmp_path}/shop.db")
    shop_metadata.create_all(engine)
    knowledge = Knowledge.build(open_chroma(tmp_path / "c"), tmp_path, ["s"], engine, lambda: NOW)
    assert knowledge.search("s", "is there a winter sale", "en", 3) == []
