"""The conversation graph: what a brain may ask for, what it gets, and what the worker commits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.turns import a_turn, an_action, proven

from xiaoer.agent.brains.protocol import Plan, TurnView
from xiaoer.agent.graph import ConversationGraph
from xiaoer.agent.turn import TurnOutcome
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.identity import Scope
from xiaoer.domain.messages import HandOff, Reply
from xiaoer.domain.understanding import IntentScore, Understanding
from xiaoer.tools.calls import ToolCall, ToolResult

QUOTE = {
    "tool": "issue_refund",
    "order_no": "#1004",
    "lines": [
        {"line_id": "L1", "title": "Lamp", "quantity": 1, "amount": {"amount_minor": 2500, "currency": "USD"}}
    ],
    "amount": {"amount_minor": 2500, "currency": "USD"},
    "destination": "Visa ···· 4242",
    "facts": {"order_state": "delivered"},
    "decision": "needs_approval",
    "clause_id": "refund.window",
    "clause_text": {"en": "Within 30 days.", "zh": "30 天内。"},
    "missing": [],
    "order_version": 3,
    "policy_version": "v1",
}
REFUND = ToolCall(
    "T-1_1",
    "issue_refund",
    {"order_no": "#1004", "lines": [{"line_id": "L1", "quantity": 1}], "reason": "changed_mind"},
)


@dataclass
class Brain:
    """Plays plans in turn, the last one for ever."""

    plans: Sequence[Plan | Callable[[TurnView], Plan]]
    name: str = "scripted"
    views: list[TurnView] = field(default_factory=list)

    async def plan(self, view: TurnView) -> Plan:
        step = self.plans[min(len(self.views), len(self.plans) - 1)]
        self.views.append(view)
        return step(view) if callable(step) else step


@dataclass
class Tools:
    answers: dict[str, dict[str, Any]] = field(default_factory=lambda: {"quote_refund": QUOTE})
    calls: list[ToolCall] = field(default_factory=list)

    async def run(self, call: ToolCall, scope: Scope, turn_id: str) -> ToolResult:
        self.calls.append(call)
        data = self.answers.get(call.name)
        if data is None:
            return ToolResult(call, "orders", False, {}, "It does not answer.", "down")
        return ToolResult(call, "orders", True, data, scope=scope)


@dataclass
class Meaning:
    understood: Understanding = field(
        default_factory=lambda: Understanding("en", (IntentScore("refund_request", 0.9),))
    )

    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding:
        return self.understood


SAFE = Brain([Plan(reply=Reply("I asked a colleague to look at this."))], "embedded")


async def run(
    brain: Brain,
    *texts: str,
    tools: Tools | None = None,
    embedded: Brain | None = None,
    meaning: Meaning | None = None,
    **turn: Any,
) -> TurnOutcome:
    graph = ConversationGraph(
        brain,
        embedded or replace(SAFE, views=[]),
        meaning or Meaning(),
        lambda view: (),
        (tools or Tools()).run,
    )
    return await graph(a_turn(*texts or ("money back please",), scope=proven(), **turn))


async def test_an_irreversible_call_becomes_a_proposal_and_never_reaches_a_server() -> None:
    tools = Tools()
    outcome = await run(
        Brain([Plan(calls=(REFUND,)), Plan(reply=Reply("A colleague will confirm."))]), tools=tools
    )
    assert [call.name for call in tools.calls] == ["quote_refund"]
    (draft,) = outcome.drafts
    assert draft.terms.amount is not None
    assert (draft.terms.amount.amount_minor, draft.terms.destination) == (2500, "Visa ···· 4242")
    assert draft.terms.args == {
        "order_no": "#1004",
        "lines": [{"line_id": "L1", "quantity": 1}],
        "reason": "changed_mind",
    }


async def test_the_same_turn_run_again_proposes_under_the_same_id() -> None:
    plans = [Plan(calls=(REFUND,)), Plan(reply=Reply("A colleague will confirm."))]
    first, second = await run(Brain(plans)), await run(Brain(plans))
    assert first.drafts[0].terms.digest() == second.drafts[0].terms.digest()


async def test_what_a_clause_denies_is_recorded_as_rejected_and_told_to_the_brain() -> None:
    brain = Brain([Plan(calls=(REFUND,)), Plan(reply=Reply("That is not possible."))])
    tools = Tools({"quote_refund": {**QUOTE, "decision": "deny", "clause_id": "refund.late"}})
    outcome = await run(brain, tools=tools)
    assert (len(outcome.drafts), len(outcome.rejected)) == (0, 1)
    (proposed,) = brain.views[-1].proposals
    assert (proposed.decision, proposed.clause_id) == ("rejected", "refund.late")


async def test_an_open_action_for_the_same_lines_is_not_proposed_twice() -> None:
    brain = Brain([Plan(calls=(REFUND,)), Plan(reply=Reply("It is waiting already."))])
    standing = replace(
        an_action("issue_refund", ActionStatus.PENDING, 2500),
        args={"order_no": "#1004", "lines": [{"line_id": "L1", "quantity": 1}]},
    )
    outcome = await run(brain, actions=(standing,))
    assert outcome.drafts == ()
    assert brain.views[-1].proposals[0].action == standing


async def test_an_invented_amount_in_the_arguments_goes_nowhere() -> None:
    hostile = replace(
        REFUND, args={**REFUND.args, "amount_minor": 999_999, "approved": True, "destination": "my wallet"}
    )
    outcome = await run(Brain([Plan(calls=(hostile,)), Plan(reply=Reply("A colleague will confirm."))]))
    assert set(outcome.drafts[0].terms.args) == {"order_no", "lines", "reason"}
    assert outcome.drafts[0].terms.amount is not None
    assert outcome.drafts[0].terms.amount.amount_minor == 2500


async def test_thirty_proposals_in_one_turn_are_cut_to_four() -> None:
    many = tuple(replace(REFUND, id=f"T-1_{n}", args={**REFUND.args, "reason": f"r{n}"}) for n in range(30))
    tools = Tools()
    outcome = await run(
        Brain([Plan(calls=many), Plan(reply=Reply("A colleague will confirm."))]), tools=tools
    )
    assert len(outcome.drafts) + len(outcome.rejected) <= 4


async def test_an_unknown_tool_counts_as_irreversible_and_is_refused() -> None:
    brain = Brain(
        [Plan(calls=(ToolCall("T-1_1", "wire_money", {"to": "me"}),)), Plan(reply=Reply("I cannot do that."))]
    )
    tools = Tools()
    outcome = await run(brain, tools=tools)
    assert tools.calls == []
    assert outcome.drafts == ()
    assert brain.views[-1].proposals[0].decision == "error"


async def test_a_brain_that_never_stops_is_stopped_and_the_customer_is_answered() -> None:
    endless = Brain([Plan(calls=(ToolCall("T-1_1", "get_order", {"order_no": "#1004"}),))])
    outcome = await run(endless, embedded=replace(endless, views=[], name="embedded"))
    assert outcome.hand_off is not None
    assert outcome.hand_off.reason == "missed"
    assert outcome.replies[0].text


async def test_a_lie_is_rewritten_from_facts_and_said_in_the_trace() -> None:
    outcome = await run(Brain([Plan(reply=Reply("Your refund of $999.00 has been issued."))]))
    assert outcome.replies[0].text == "I asked a colleague to look at this."
    assert outcome.hand_off is None
    assert {g["check"] for g in outcome.trace["guard"] if g["verdict"] == "fail"} == {"claims", "amounts"}


async def test_a_refused_draft_is_told_anew_from_where_the_turn_began() -> None:
    lie = Plan(reply=Reply("Your refund has been issued."), memory={"v": 1, "thing": "of the refused draft"})
    embedded = Brain([Plan(reply=Reply("I asked a colleague to look at this."))], "embedded")
    await run(Brain([lie]), embedded=embedded)
    assert embedded.views[-1].memory == {}


async def test_what_cannot_be_told_truly_goes_to_a_person() -> None:
    liar = [Plan(reply=Reply("Your refund has been issued."))]
    outcome = await run(Brain(liar), embedded=Brain(liar))
    assert outcome.hand_off is not None
    assert outcome.hand_off.reason == "guard"
    assert "refund has been issued" not in outcome.replies[0].text


@pytest.mark.parametrize(
    "meaning",
    [
        Understanding("en", (IntentScore("complaint", 0.8),), risk_words=("chargeback",)),
        Understanding("en", (IntentScore("complaint", 0.8),), sentiment="angry"),
        Understanding("en", (IntentScore("human_agent", 0.9),)),
    ],
)
async def test_anger_risk_words_and_the_wish_for_a_person_are_decided_by_code(meaning: Understanding) -> None:
    careless = Brain([Plan(reply=Reply("Have a nice day."))])
    person = Brain([Plan(hand_off=HandOff("asked", "wants a person", "A colleague takes over."))], "embedded")
    outcome = await run(careless, embedded=person, meaning=Meaning(meaning))
    assert careless.views == []
    assert outcome.hand_off is not None


async def test_the_trace_names_calls_but_keeps_proofs_to_itself() -> None:
    call = ToolCall("T-1_1", "verify_customer", {"order_no": "#1004", "email": "jane@example.com"})
    outcome = await run(Brain([Plan(calls=(call,)), Plan(reply=Reply("Which order is it?"))]))
    (told,) = outcome.trace["tool_calls"]
    assert told["args"] == {"order_no": "#1004", "email": "<email:1>"}
    assert "jane@example.com" not in str(outcome.trace)


async def test_invisible_characters_are_stripped_and_marked_before_anything_reads_them() -> None:
    brain = Brain([Plan(reply=Reply("Which order is it?"))])
    outcome = await run(brain, "where\x00 is\u202e my \U000e0041parcel")
    assert brain.views[0].messages == ("where is my parcel",)
    assert outcome.trace["marks"] == ["control", "invisible"]


async def test_a_quote_that_fails_is_told_to_the_brain_and_nothing_is_proposed() -> None:
    brain = Brain([Plan(calls=(REFUND,)), Plan(reply=Reply("That does not work right now."))])
    outcome = await run(brain, tools=Tools({}))
    assert outcome.drafts == ()
    assert brain.views[-1].proposals[0].error == "It does not answer."


async def test_a_proof_beside_other_calls_raises_the_scope_whichever_call_stands_last() -> None:
    class Proving(Tools):
        async def run(self, call: ToolCall, scope: Scope, turn_id: str) -> ToolResult:
            result = await super().run(call, scope, turn_id)
            return replace(result, scope=proven() if call.name == "verify_customer" else scope)

    tools = Proving({"verify_customer": {"verified": True}, "search_knowledge": {"entries": []}})
    asked = Plan(calls=(ToolCall("T-1_1", "verify_customer", {}), ToolCall("T-1_2", "search_knowledge", {})))
    brain = Brain([asked, Plan(reply=Reply("Thank you."))])
    graph = ConversationGraph(brain, replace(SAFE, views=[]), Meaning(), lambda view: (), tools.run)
    outcome = await graph(a_turn("it's #1004, jane@example.com"))
    assert (brain.views[-1].scope, outcome.scope) == (proven(), proven())
