from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoer.agent.brains.embedded import reading
from xiaoer.prompts.playbooks import load_playbooks

MATCH = load_playbooks().words.match
SHIRTS = [("a", "T-Shirt red"), ("b", "T-Shirt blue"), ("c", "USB cable"), ("d", "机械键盘 青轴")]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("the blue t-shirt", ("b",)),
        ("red and blue t-shirts", ("a", "b")),
        ("usb cables", ("c",)),
        ("那个键盘", ("d",)),
        ("all but not the cable", ("a", "b", "d")),
        ("除了键盘都退", ("a", "b", "c")),
        ("键盘不退，其他全部退", ("a", "b", "c")),
        ("return it please", ()),
    ],
)
def test_items_are_found_by_the_words_that_are_theirs_alone(text, ids):
    assert reading.pick(text, SHIRTS, MATCH, listed=False).ids == ids


def test_words_that_several_items_share_are_unclear_between_them():
    assert reading.pick("the t-shirt", SHIRTS, MATCH, listed=False) == reading.Picked(unclear=("a", "b"))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("1", ("a",)),
        ("1 and 3", ("a", "c")),
        ("第三个", ("c",)),
        ("the last one", ("d",)),
        ("2、4", ("b", "d")),
        ("9", ()),
    ],
)
def test_places_count_where_a_list_was_shown(text, ids):
    assert reading.pick(text, SHIRTS, MATCH, listed=True).ids == ids


@given(st.text(max_size=200))
def test_no_text_picks_what_was_not_offered(text):
    picked = reading.pick(text, SHIRTS, MATCH, listed=True)
    assert set(picked.ids) <= {"a", "b", "c", "d"}
    assert len(picked.ids) == len(set(picked.ids))


@given(st.text(max_size=120))
def test_a_name_alone_and_a_number_of_another_length_are_no_proof(text):
    found = reading.read_proof(text, MATCH)
    assert set(found) <= {"phone_tail", "postcode", "name"}
    assert len(found.get("phone_tail", "0000")) == 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7752", {"phone_tail": "7752"}),
        ("Yusuf Rossi, 19122", {"name": "Yusuf Rossi", "postcode": "19122"}),
        ("我叫张测试 200001", {"name": "张测试", "postcode": "200001"}),
        ("what do you need that for, please tell me in detail and at length", {}),
    ],
)
def test_a_bare_answer_to_the_question_for_proof_is_read(text, found):
    assert reading.read_proof(text, MATCH) == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("it came broken", "damaged_or_wrong"),
        ("没收到", "not_received"),
        ("It doesn’t fit", "changed_mind"),
        ("太慢了", "late"),
        ("breakfast", None),
    ],
)
def test_reasons_are_read_as_whole_words(text, reason):
    assert reading.read_reason(text, MATCH) == reason


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("can I return it?", True),
        ("耳机能不能退", True),
        ("台灯能用多久", True),
        ("could you refund the lamp please", False),
        ("麻烦帮我退款可以吗", False),
        ("refund the lamp", False),
        ("where is it? and refund the lamp", True),
    ],
)
def test_a_question_is_told_from_a_wish(text, asks):
    assert reading.asks(text, MATCH) is asks


@pytest.mark.parametrize("text", ["all but the lamp", "everything but the lamp", "除了 lamp 都退"])
def test_all_but_one_leaves_it_out(text):
    options = [("a", "Desk Lamp"), ("b", "Travel Pillow"), ("c", "Earbuds")]
    assert reading.pick(text, options, MATCH, listed=True).ids == ("b", "c")


def test_one_character_names_an_item_where_nothing_else_is_said():
    assert reading.pick("秤", [("a", "厨房秤"), ("b", "台灯")], MATCH, listed=True).ids == ("a",)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("todo menos el cable", ("a", "b", "d")),
        ("tout sauf le cable", ("a", "b", "d")),
        ("alles außer dem cable", ("a", "b", "d")),
        ("tudo exceto o cable", ("a", "b", "d")),
        ("всё кроме cable", ("a", "b", "d")),
        ("كل شيء إلا cable", ("a", "b", "d")),
        ("退還那個鍵盤", ("d",)),
        ("el cable, pero no el t-shirt red", ("c",)),
    ],
)
def test_exceptions_and_items_are_read_in_every_language(text, ids):
    words = {
        "all": ("todo", "tout", "alles", "tudo", "всё", "كل شيء"),
        "keep": ("menos", "sauf", "außer", "exceto", "кроме", "إلا", "pero no"),
    }
    match = MATCH.model_copy(update={name: (*getattr(MATCH, name), *more) for name, more in words.items()})
    assert reading.pick(text, SHIRTS, match, listed=False).ids == ids


@pytest.mark.parametrize(
    "text", ["1 y 3", "1 et 3", "1 und 3", "1と3", "1번하고 3번", "1 и 3", "١ و ٣", "1号和3号"]
)
def test_places_are_read_in_every_language(text):
    assert reading.pick(text, SHIRTS, MATCH, listed=True).ids == ("a", "c")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("me llamo Luis Ejemplo 85004", "Luis Ejemplo"),
        ("je m'appelle Ana Fixture 78701", "Ana Fixture"),
        ("меня зовут Иван Демо 10101", "Иван Демо"),
        ("soy Sousa Demo 10101", "Sousa Demo"),
        ("Sousa Demo 10101", "Sousa Demo"),
        ("이름은 김시험 10101", "김시험"),
        ("名前は テスト花子 10101", "テスト花子"),
    ],
)
def test_a_name_is_read_behind_the_words_that_introduce_it(text, name):
    assert reading.read_proof(text, MATCH)["name"] == name


def test_words_in_other_forms_name_the_same_item():
    titles = [("a", "Настольная лампа"), ("b", "Термос стальной"), ("c", "Kopfhörer")]
    assert reading.pick("вернуть лампу", titles, MATCH, listed=False).ids == ("a",)
    assert reading.pick("die kopfhorer", titles, MATCH, listed=False).ids == ("c",)


@pytest.mark.parametrize(
    "text",
    [
        "la lámpara",
        "die Lampe",
        "la lampe",
        "a luminária",
        "ランプを返品",
        "램프 환불",
        "вернуть лампу",
        "المصباح",
        "那个台灯",
        "台燈",
    ],
)
def test_articles_are_named_in_every_language_whatever_the_title_is_written_in(text):
    titles = [("a", "Arc Desk Lamp white"), ("b", "Weave Throw Blanket oat")]
    assert reading.pick(text, titles, MATCH, listed=False).ids == ("a",)


@pytest.mark.parametrize("text", ["all", "todo", "alles", "tout", "すべて", "다", "все", "الكل", "全要"])
def test_all_is_one_word_in_every_language(text):
    assert reading.is_one_of(text, (*MATCH.all, *MATCH.whole))
