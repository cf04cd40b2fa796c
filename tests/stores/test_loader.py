"""A store is data; a doubtful file is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from xiaoer.stores.loader import BUILT_IN, StoreRefused, load_store, load_stores

US = (BUILT_IN / "demo-us.yaml").read_text(encoding="utf-8")


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "shop.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def line_of(text: str, needle: str) -> int:
    return text[: text.index(needle)].count("\n") + 1


def test_both_demo_stores_load() -> None:
    assert set(load_stores()) == {"demo-us", "demo-cn"}


def test_the_policy_version_changes_with_its_words(tmp_path: Path) -> None:
    changed = load_store(
        written(tmp_path, US.replace("{ max: 30 }", "{ max: 20 }").replace("{ min: 31 }", "{ min: 21 }"))
    )
    assert changed.policy.version != load_stores()["demo-us"].policy.version


@pytest.mark.parametrize(
    ("change", "broken", "said"),
    [
        (("{ min: 31 }", "{ min: 33 }"), "- id: refund.done", "no clause decides the case"),
        (("{ min: 31 }", "{ min: 30 }"), "- id: refund.late", "disagree"),
        (("then: needs_approval", "then: perhaps"), "then: perhaps", "then"),
        (("timezone: America/Los_Angeles", "timezone: Mars/Olympus"), "timezone: Mars", "not a time zone"),
        (("accent:", "accnet:"), "accnet:", "Extra inputs"),
        (("stage: 3 ", "stage: 1 "), "stage: 1", "stage"),
        (
            ("[shipped, partly_shipped], parcel: [none]", "[lost], parcel: [none]"),
            "[lost]",
            "order_state cannot be",
        ),
    ],
)
def test_a_flaw_is_told_with_its_line(
    tmp_path: Path, change: tuple[str, str], broken: str, said: str
) -> None:
    text = US.replace(*change)
    assert text != US
    file = written(tmp_path, text)
    with pytest.raises(StoreRefused) as refused:
        load_store(file)
    assert said in str(refused.value)
    assert f"{file}:{line_of(text, broken)}:" in str(refused.value)


def test_a_clause_id_may_stand_only_once(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="stands twice"):
        load_store(written(tmp_path, US.replace("id: refund.late", "id: refund.window")))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="no store file"):
        load_stores(tmp_path)


def test_what_is_not_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="not YAML"):
        load_store(written(tmp_path, "id: [unclosed"))
