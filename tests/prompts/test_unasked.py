"""What is said unasked is said in every language, with the same blanks, and looks like what it promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xiaoer.domain.understanding import LANGUAGES
from xiaoer.prompts.lint import lint
from xiaoer.prompts.playbooks import BadPlaybook, load_playbooks
from xiaoer.prompts.schema import Branch
from xiaoer.prompts.unasked import FILE, SENTENCES, load_unasked, read_unasked


def test_every_sentence_is_there_in_every_language() -> None:
    sentences = load_unasked()
    assert set(sentences) == set(SENTENCES)
    assert all(set(LANGUAGES) == set(reply) for reply in sentences.values())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text.replace('  de: ["Danke für Ihre Bewertung."]\n', ""), "rating_thanks lacks de"),
        (lambda text: text.replace("{answer}", "{anwser}", 1), "supplier (en) holds other blanks"),
        (lambda text: text.replace("]: “{answer}”", ": “{answer}”", 1), "a section is not closed"),
        (lambda text: text + "\nsmalltalk: {en: [hi]}\n", "smalltalk is said nowhere"),
    ],
)
def test_a_sentence_that_cannot_be_said_is_refused(
    tmp_path: Path, spoil: Callable[[str], str], said: str
) -> None:
    text = FILE.read_text("utf-8")
    spoilt = spoil(text)
    assert spoilt != text
    (tmp_path / "unasked.yaml").write_text(spoilt, "utf-8")
    with pytest.raises(BadPlaybook, match=said.replace("(", r"\(").replace(")", r"\)")):
        read_unasked(tmp_path / "unasked.yaml")


def test_promises_to_come_back_need_somebody_who_does() -> None:
    playbooks = load_playbooks()
    when_ship = playbooks.intents["when_ship"]
    branches = tuple(branch.model_copy(update={"follow_up": None}) for branch in when_ship.branches)
    broken = when_ship.model_copy(update={"branches": branches})
    flaws = lint(with_intent(playbooks, broken))
    assert any("promises comes_back, but nothing sees to it" in flaw for flaw in flaws)
    assert any("{look_again} and a follow_up belong together" in flaw for flaw in flaws)


def with_intent(playbooks, playbook):  # type: ignore[no-untyped-def]  # Playbooks in and out
    from dataclasses import replace

    return replace(playbooks, intents={**playbooks.intents, playbook.intent: playbook})


@pytest.mark.parametrize(
    "branch",
    [
        {"ask": "lines", "follow_up": {"kind": "check_back", "after": "24h"}},
        {"say": "late", "follow_up": {"kind": "check_back", "after": "24h", "until": "12h"}},
        {"say": "late", "follow_up": {"kind": "some_day", "after": "24h"}},
        {"say": "late", "follow_up": {"kind": "check_back", "after": "soon"}},
    ],
)
def test_a_follow_up_that_means_nothing_is_refused(branch: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Branch.model_validate(branch)


def test_hours_are_read_with_or_without_their_letter() -> None:
    branch = Branch.model_validate({"say": "late", "follow_up": {"kind": "check_back", "after": "24h"}})
    assert branch.follow_up is not None and (branch.follow_up.after, branch.follow_up.until) == (24, 72)
