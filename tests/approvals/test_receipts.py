from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from support.case_world import make_draft

from xiaoer.approvals.receipts import (
    DEFAULT_PATH,
    OUTCOMES,
    BadTemplates,
    default_receipts,
    load_receipts,
    render,
)
from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.money import Money
from xiaoer.prompts.languages import languages_in

TOOLS = ("issue_refund", "cancel_order", "create_return_label", "issue_coupon", "something_new")


def view(**changes) -> ActionView:
    terms = make_draft().terms
    base = ActionView(
        terms.action_id, terms.tool, ActionStatus.SUCCEEDED, terms.order_no, terms.args, Money(27233, "USD"),
        "Visa ···· 0142", "refund.window", receipt={"reference": "RF-7", "details": {}},
    )  # fmt: skip
    return replace(base, **changes)


def test_a_receipt_tells_amount_destination_order_and_reference():
    assert render("succeeded", view(), "en").text == (
        "The refund for order #1032 is done. $272.33 has been refunded. "
        "It went back to: Visa ···· 0142. Your reference is RF-7."
    )
    chinese = view(amount=Money(6800, "CNY"), destination="支付宝", order_no="20261101001032")
    assert render("succeeded", chinese, "zh").text == (
        "订单 20261101001032 的退款已办好。退款金额 ¥68.00。已退回至：支付宝。退款单号 RF-7。"
    )


def test_a_fact_that_is_not_known_is_not_spoken_of():
    bare = view(amount=None, destination="", receipt=None)
    assert render("succeeded", bare, "en").text == "The refund for order #1032 is done."
    label = view(
        tool="create_return_label",
        amount=None,
        receipt={"reference": "RT-1", "details": {"label_url": "https://x.example.com/1", "strange": "no"}},
    )
    assert render("succeeded", label, "en").text == (
        "The return label for order #1032 is ready. Your return number is RT-1. "
        "Download the label here: https://x.example.com/1"
    )


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("language", ["zh", "zh-Hant", "en", "es", "xx"])
def test_there_is_a_message_for_every_tool_outcome_and_language(tool, outcome, language):
    reply = render(outcome, view(tool=tool, reason_note="because"), language)
    assert "#1032" in reply.text and "{" not in reply.text
    card = reply.cards[0]
    assert (card["type"], card["id"], card["outcome"], card["tool"]) == ("action", "A-1", outcome, tool)


def test_a_note_with_braces_is_told_as_it_was_written():
    assert "{reference}" in render("rejected", view(reason_note="see {reference}"), "en").text


def test_only_a_success_claims_that_something_was_done():
    for outcome in set(OUTCOMES) - {"succeeded"}:
        said = render(outcome, view(), "en").text.lower()
        assert "has been refunded" not in said and "is done" not in said


def broken(tmp_path: Path, change) -> Path:
    body = yaml.safe_load(DEFAULT_PATH.read_text())
    change(body["outcomes"])
    path = tmp_path / "receipts.yaml"
    path.write_text(yaml.safe_dump(body, allow_unicode=True))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda o: o["failed"].pop("any"), "failed lacks"),
        (lambda o: o.pop("unknown"), "unknown lacks"),
        (lambda o: o["failed"]["any"].pop("zh"), "failed.any lacks zh"),
        (lambda o: o["failed"]["any"]["en"].append("{secret}"), "unknown facts: secret"),
        (lambda o: o["failed"]["any"].update(en=["{amount}"]), "first sentence"),
    ],
)
def test_templates_that_cannot_work_are_refused_with_their_place(tmp_path, change, said):
    with pytest.raises(BadTemplates, match=said):
        load_receipts(broken(tmp_path, change))


def test_the_shipped_templates_are_sound():
    assert set(default_receipts().languages) == {"zh", "en", *languages_in()}
