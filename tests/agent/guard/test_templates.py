"""Nothing honest is refused: every reply of every playbook and language pack, filled with facts."""

from __future__ import annotations

from support.told import every_reply
from support.turns import a_state
from support.worlds import action, order, track, usd

from xiaoer.agent.guard.checks import check_text
from xiaoer.agent.guard.facts import gather_facts


def test_every_variant_of_every_reply_passes_the_guard() -> None:
    held = []
    for told in every_reply():
        store = told.state["turn"].store
        verdicts = check_text(told.text, gather_facts(told.state), store)
        held += [(told.place, told.text, v.reason) for v in verdicts if not v.ok]
    assert held == []


def test_a_refund_that_is_still_pending_is_not_told_as_done() -> None:
    record = order(refunds=[127_230], status="pending")
    made = a_state(records=[record, track()], actions=(action("add_order_note"),))
    facts, store = gather_facts(made), made["turn"].store
    said = {
        "The refund of order #1004 is under way and not finished yet.": True,
        "Your refund has been issued.": False,
    }
    for text, fine in said.items():
        assert all(v.ok for v in check_text(text, facts, store)) is fine, text
    assert usd(1)["currency"] == "USD"


def test_a_cry_of_success_answers_the_wish_before_it() -> None:
    """ "Done!" claims what was asked for; without any receipt it is held back."""
    made = a_state(records=[order(), track()])
    made["messages"] = ("Please cancel my order and refund me",)
    facts, store = gather_facts(made), made["turn"].store
    for text in ("All done!", "搞定了！", "Erledigt!", "Готово!"):
        assert not all(v.ok for v in check_text(text, facts, store)), text
