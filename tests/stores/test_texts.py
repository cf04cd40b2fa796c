"""Every rule of the demo shops is told in every language; a doubtful translation is refused with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.turns import a_state

from xiaoer.agent.guard.checks import check_text
from xiaoer.agent.guard.facts import gather_facts
from xiaoer.agent.guard.rules import found_in
from xiaoer.commands.doctor import examine
from xiaoer.domain.stores import Store, pick
from xiaoer.domain.understanding import LANGUAGES
from xiaoer.stores.loader import BUILT_IN, StoreRefused, load_store, load_stores
from xiaoer.stores.translations import FOLDER, numbers_in, other_numbers, untranslated

STORES = load_stores()
US = BUILT_IN / "demo-us.yaml"


def rules(store: Store) -> Iterator[tuple[str, Mapping[str, str]]]:
    for rule in (*store.policy.clauses, *store.policy.statements):
        yield rule.id, rule.text


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A seller's folder with one store and no translation."""
    file = tmp_path / "shop.yaml"
    file.write_text(US.read_text("utf-8"), "utf-8")
    return file


def translated(shop: Path, name: str, text: str) -> Path:
    file = shop.parent / FOLDER / "demo-us" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


# ── the demo shops ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", sorted(STORES))
def test_every_rule_of_a_demo_shop_is_told_in_eleven_languages(name: str) -> None:
    lacking = [(rule, lang) for rule, texts in rules(STORES[name]) for lang in LANGUAGES if lang not in texts]
    assert lacking == []
    assert untranslated(STORES[name]) == {}


@pytest.mark.parametrize("name", sorted(STORES))
def test_a_rule_names_the_same_numbers_and_amounts_in_every_language(name: str) -> None:
    other = [
        (rule, lang, text)
        for rule, texts in rules(STORES[name])
        for lang, text in texts.items()
        if numbers_in(text) != numbers_in(texts["en"])
        or found_in(text).amounts != found_in(texts["en"]).amounts
    ]
    assert other == []
    assert other_numbers(STORES[name]) == []


@pytest.mark.parametrize("name", sorted(STORES))
def test_the_first_words_and_the_persona_are_told_in_eleven_languages(name: str) -> None:
    store = STORES[name]
    for lang in LANGUAGES:
        assert lang in store.web.greeting
        assert lang in store.persona.name
        assert pick(store.persona.name, lang) in pick(store.web.greeting, lang)
        assert "AI" in store.web.greeting[lang] or any(
            word in store.web.greeting[lang] for word in ("IA", "KI", "ИИ", "الاصطناعي")
        )


@pytest.mark.parametrize("name", sorted(STORES))
def test_the_guard_lets_a_rule_be_quoted_in_every_language(name: str) -> None:
    made = a_state(store_id=name)
    facts, store = gather_facts(made), made["turn"].store
    held = [
        (rule, lang, verdict.check, verdict.reason)
        for rule, texts in rules(store)
        for lang, text in texts.items()
        for verdict in check_text(text, facts, store)
        if not verdict.ok
    ]
    assert held == []


def test_the_guard_holds_a_rule_with_another_number_or_another_amount() -> None:
    made = a_state()
    facts, store = gather_facts(made), made["turn"].store
    cost = dict(rules(store))["shipping.cost"]
    for lang, text in cost.items():
        wrong = text.replace("49", "39")
        assert "amounts" in [v.check for v in check_text(wrong, facts, store) if not v.ok], lang


# ── a seller's own ───────────────────────────────────────────────────────────────────────────


def test_a_translation_lies_over_the_store_and_changes_no_rule(shop: Path) -> None:
    before = load_store(shop)
    translated(
        shop, "de.yaml", "refund.late: Nach mehr als 30 Tagen nicht.\ngreeting: Guten Tag\nname: Mia\n"
    )
    after = load_store(shop)
    assert dict(rules(after))["refund.late"]["de"] == "Nach mehr als 30 Tagen nicht."
    assert after.web.greeting["de"] == "Guten Tag"
    assert after.policy.version == before.policy.version
    bare = [replace(clause, text={}) for clause in after.policy.clauses]
    assert bare == [replace(clause, text={}) for clause in before.policy.clauses]


def test_what_is_not_translated_is_known_and_refuses_nothing(shop: Path) -> None:
    translated(shop, "de.yaml", "refund.late: Nach mehr als 30 Tagen nicht.\n")
    lacking = untranslated(load_store(shop))
    assert "refund.late" not in lacking["de"]
    assert "refund.window" in lacking["de"]
    assert "ja" not in lacking


def test_another_number_in_a_translation_is_known(shop: Path) -> None:
    translated(shop, "de.yaml", "refund.late: Nach mehr als 60 Tagen nicht.\n")
    assert other_numbers(load_store(shop)) == [("de", "refund.late")]


def test_the_doctor_tells_of_both_and_still_lets_the_desk_start(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XIAOER_STORES", str(shop.parent))
    monkeypatch.setenv("XIAOER_HOME", str(shop.parent / "home"))
    rules_there = len(dict(rules(load_store(shop))))
    translated(shop, "de.yaml", "refund.late: Nach mehr als 60 Tagen nicht.\n")
    found = [(finding.grade, finding.text) for finding in examine()]
    assert (
        "note",
        f"store demo-us: {rules_there - 1} rule(s) without a text in de: "
        "refund.done, refund.cancelled, refund.returned …",
    ) in found
    assert ("note", "store demo-us: refund.late names other numbers in de") in found
    assert not [text for grade, text in found if grade == "bad"]


def test_digits_of_another_script_are_the_same_number() -> None:
    assert numbers_in("خلال ٣٠ يومًا") == numbers_in("within 30 days")
    assert numbers_in("5,99 $") == numbers_in("$5.99")
    assert numbers_in("30 or 30") != numbers_in("30")


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("de.yaml", "refund.late: ja\nrefund.never: nein\n", 2, "demo-us has no clause or statement refund.never"),
        ("de.yaml", "refund.late: a\n\nrefund.late: b\n", 3, "refund.late stands twice"),
        ("de.yaml", "refund.late: 30\n", 1, "refund.late is not a text"),
        ("de.yaml", 'refund.late: "  "\n', 1, "refund.late is not a text"),
        ("de.yaml", "greeting:\n  de: Hallo\n", 1, "greeting is not a text"),
        ("de.yaml", "- refund.late\n", 1, "not a map"),
        ("de.yaml", "refund.late: a\nrefund.window: [unclosed\n", 3, "not YAML"),
        ("deutsch.yaml", "refund.late: a\n", 1, "is not one of zh, zh-Hant, en"),
        ("de.txt", "refund.late: a\n", 1, "is not one of zh, zh-Hant, en"),
    ],
)  # fmt: skip
def test_a_doubtful_translation_is_refused_with_its_line(
    shop: Path, name: str, text: str, line: int, said: str
) -> None:
    file = translated(shop, name, text)
    with pytest.raises(StoreRefused) as refused:
        load_store(shop)
    assert f"{file}:{line}: " in str(refused.value)
    assert said in str(refused.value)


def test_a_translation_that_is_not_utf_8_is_refused(shop: Path) -> None:
    file = translated(shop, "zh-Hant.yaml", "")
    file.write_bytes("refund.late: 超過 30 天".encode("big5"))
    with pytest.raises(StoreRefused, match="not UTF-8"):
        load_store(shop)


def test_texts_of_a_store_that_is_not_there_are_refused(shop: Path) -> None:
    (shop.parent / FOLDER / "demo-uk").mkdir(parents=True)
    (shop.parent / FOLDER / ".hidden").touch()
    with pytest.raises(StoreRefused, match="no store here has the id demo-uk"):
        load_stores(shop.parent)


def test_an_empty_translation_is_none(shop: Path) -> None:
    translated(shop, "de.yaml", "# later\n")
    assert "de" not in untranslated(load_store(shop))
