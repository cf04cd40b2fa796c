from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from xiaoer.agent.brains.embedded.blanks import BLANKS as FILLED
from xiaoer.agent.brains.embedded.facts import FACTS as COMPUTED
from xiaoer.agent.brains.embedded.work import _WRITES
from xiaoer.domain.understanding import INTENTS
from xiaoer.prompts.lint import lint
from xiaoer.prompts.playbooks import FOLDER, BadPlaybook, load_playbooks, read_playbooks
from xiaoer.prompts.vocabulary import BLANKS, FACTS, WRITES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the playbooks that a test may spoil, without any language pack beside it."""
    copy = tmp_path / "playbooks"
    copy.mkdir()
    for path in FOLDER.glob("*.yaml"):
        shutil.copy(path, copy)
    return copy


def spoil(folder: Path, intent: str, **changes: Any) -> list[str]:
    """What the linter says once these fields of a playbook are changed."""
    path = folder / f"{intent}.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, change in changes.items():
        data[name] = change(data[name]) if callable(change) else change
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return lint(read_playbooks(folder))


def test_the_projects_own_playbooks_have_no_flaw_and_cover_every_intent():
    playbooks = load_playbooks()
    assert lint(playbooks) == []
    assert set(playbooks.intents) == set(INTENTS)


def test_every_word_of_the_vocabulary_is_computed_by_the_embedded_brain():
    assert set(COMPUTED) == set(FACTS)
    assert set(FILLED) == set(BLANKS)
    assert set(_WRITES) == set(WRITES)


def test_the_version_changes_with_any_byte(folder):
    before = read_playbooks(folder).version
    path = folder / "greeting.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert read_playbooks(folder).version != before
    add_pack(folder)
    assert read_playbooks(folder).version != before
    assert read_playbooks().version == load_playbooks().version


def test_an_unknown_field_is_refused_with_its_file(folder):
    path = folder / "greeting.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\nsurprise: 1\n", encoding="utf-8")
    with pytest.raises(BadPlaybook, match=r"greeting\.yaml: surprise"):
        read_playbooks(folder)


def test_a_branch_without_a_lead_is_refused(folder):
    with pytest.raises(BadPlaybook, match="exactly one"):
        spoil(folder, "greeting", branches=[{"when": {"mood": "happy"}}])


def test_broken_yaml_is_refused_with_its_file(folder):
    (folder / "greeting.yaml").write_text("intent: [", encoding="utf-8")
    with pytest.raises(BadPlaybook, match=r"greeting\.yaml"):
        read_playbooks(folder)


def test_a_missing_intent_is_a_flaw(folder):
    (folder / "greeting.yaml").unlink()
    assert lint(read_playbooks(folder)) == ["no playbook for the intent greeting"]


HELLO = {"en": ["Hello.", "Hi."], "zh": ["您好。", "在的。"]}
FLAWS = [
    ({"branches": [{"when": {"weather": "fine"}, "say": "hello"}, {"say": "hello"}]}, "unknown fact weather"),
    ({"branches": [{"when": {"mood": "bored"}, "say": "hello"}, {"say": "hello"}]}, "mood is never bored"),
    ({"branches": [{"when": {"mood": "happy"}, "say": "hello"}]}, "some cases fit no branch"),
    (
        {"branches": [{"say": "hello"}, {"when": {"mood": "happy"}, "say": "hello"}]},
        "branch 2 can never be reached",
    ),
    ({"branches": [{"say": "nowhere"}]}, "says nowhere, which is nowhere written"),
    ({"branches": [{"propose": "rob_bank"}]}, "cannot propose rob_bank"),
    ({"branches": [{"propose": "issue_refund"}]}, "not the first of its tools"),
    ({"branches": [{"do": ["launch"], "say": "hello"}]}, "unknown write launch"),
    ({"branches": [{"become": "somebody"}]}, "unknown intent somebody"),
    ({"tools": ["rob_bank"]}, "unknown tool rob_bank"),
    ({"prefetch": ["issue_refund"]}, "issue_refund cannot be read ahead"),
    ({"likely": ["lost"]}, "unknown order state lost"),
    ({"promises": ["moon"]}, "unknown promise moon"),
    ({"needs": ["order"]}, "without proof"),
    ({"replies": {"hello": {"en": ["Hello.", "Hi."]}}}, "fewer than 2 variants in zh"),
    ({"replies": {"hello": {**HELLO, "en": ["Hello."]}}}, "fewer than 2 variants in en"),
    ({"replies": {"hello": {**HELLO, "en": ["Hi {guest}.", "Hi."]}}}, "unknown blank guest"),
    ({"replies": {"hello": {**HELLO, "en": ["Hi [{me}.", "Hi."]}}}, "not closed"),
    ({"replies": {"hello": HELLO, "bye": HELLO}}, "reply bye is never said"),
    (
        {"replies": {"hello": {**HELLO, "en": ["Your order has been refunded.", "Hi."]}}},
        "asks for no receipt",
    ),
    ({"replies": {"hello": {**HELLO, "zh": ["已退款。", "在的。"]}}}, "asks for no receipt"),
    ({"replies": {"hello": {**HELLO, "en": ["I'll tell you here.", "Hi."]}}}, "promises tell_outcome"),
]


@pytest.mark.parametrize(("changes", "flaw"), FLAWS, ids=[flaw for _, flaw in FLAWS])
def test_the_linter_finds(folder, changes, flaw):
    flaws = spoil(folder, "greeting", **changes)
    assert any(flaw in said and said.startswith("greeting.yaml") for said in flaws), flaws


def test_a_claim_is_fine_where_the_branch_has_a_receipt(folder):
    done = {**HELLO, "en": ["It has been refunded.", "Refunds: has been refunded."]}
    branches = [{"when": {"action": "succeeded"}, "say": "done"}, {"say": "hello"}]
    flaws = spoil(
        folder, "greeting", branches=branches, replies={"hello": HELLO, "done": done}, tools=["issue_refund"]
    )
    assert flaws == []


def test_a_verdict_without_words_is_a_flaw(folder):
    path = folder / "_words.yaml"
    words = yaml.safe_load(path.read_text(encoding="utf-8"))
    del words["verdicts"]["stuck"]
    path.write_text(yaml.safe_dump(words, allow_unicode=True), encoding="utf-8")
    assert "_words.yaml: verdict stuck has no words" in lint(read_playbooks(folder))


def test_a_new_intent_needs_only_a_file_of_known_words(folder):
    """Declarative to the end: another way to handle an intent is another file, no code."""
    flaws = spoil(
        folder,
        "payment_issue",
        needs=["order"],
        proof=2,
        prefetch=["get_order"],
        kind="service",
        branches=[
            {"when": {"order_state": "cancelled"}, "say": "passing"},
            {"when": {"lines": "unclear"}, "ask": "lines"},
            {"hand_off": {"reason": "unsupported"}, "say": "passing"},
        ],
    )
    assert flaws == []


def test_the_texts_for_the_model_are_whole_sentences():
    for playbook in load_playbooks().intents.values():
        for sentence in (playbook.goal, *playbook.rules):
            assert re.match(r"^[A-Z].{10,}[.?]$", sentence.strip(), re.DOTALL), (playbook.intent, sentence)


def add_pack(folder: Path, **files: str) -> None:
    """One small language pack beside the playbooks."""
    pack = folder.parent / "languages" / "xx"
    pack.mkdir(parents=True)
    for name in ("replies", "words", "receipts"):
        (pack / f"{name}.yaml").write_text(files.get(name, "{}"))


def test_a_pack_that_leaves_a_reply_out_is_refused_by_name(folder: Path) -> None:
    add_pack(folder, replies="intents: { greeting: {} }")

    flaws = lint(read_playbooks(folder))

    assert any("fewer than 2 variants in xx" in flaw for flaw in flaws)
    assert "_words.yaml: verdict stuck has no words in xx" in flaws


def test_a_pack_that_says_what_no_playbook_says_is_refused(folder: Path) -> None:
    add_pack(folder, replies="intents: { track_parcel: { on_the_wayy: [a, b] } }")

    with pytest.raises(BadPlaybook, match=r"xx/replies.yaml: track_parcel.on_the_wayy is said nowhere"):
        read_playbooks(folder)


def test_what_customers_of_a_pack_type_is_added_to_the_known_words(folder: Path) -> None:
    add_pack(folder, words="match: { again: [encore], ordinals: { '1': [premier] } }")

    match = read_playbooks(folder).words.match

    assert {"encore", "retry"} <= set(match.again)
    assert {"premier", "first"} <= set(match.ordinals["1"])
